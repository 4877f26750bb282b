"""Writing to log streams from inside the engine: without an API call, in batches, the group and the stream
made when they are missing."""

from typing import Any, NamedTuple

from localstack.aws.connect import connect_to


class Stream(NamedTuple):
    account: str
    region: str
    group: str
    name: str


def store(stream: Stream, events: list[dict[str, Any]]) -> None:
    """Append `events` (`timestamp` in milliseconds, in order, and `message`); none only makes the stream.
    Subscription filters see them, and metric filters count them, as for PutLogEvents."""
    # Importing the provider lets LocalStack add subscription filters to the store.
    import localstack.services.logs.provider  # noqa: F401
    from localstack.services.logs.models import get_moto_logs_backend
    from moto.core.exceptions import JsonRESTError

    backend = get_moto_logs_backend(stream.account, stream.region)
    try:
        if stream.group not in backend.groups:
            backend.create_log_group(stream.group, {})
        if stream.name not in backend.groups[stream.group].streams:
            backend.create_log_stream(stream.group, stream.name)
    except JsonRESTError as error:
        if "AlreadyExists" not in str(error.error_type):
            raise
    if not events:
        return
    if backend.filters.metric_filters:
        client = connect_to(aws_access_key_id=stream.account, region_name=stream.region).logs
        client.put_log_events(logGroupName=stream.group, logStreamName=stream.name, logEvents=events)
    else:
        backend.put_log_events(stream.group, stream.name, events)
