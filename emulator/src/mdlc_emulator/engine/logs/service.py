"""The CloudWatch Logs service for LocalStack's plugin manager.

Stock LocalStack accepts every filter pattern and lets all events match, in FilterLogEvents, subscription and
metric filters alike, and counts a metric filter for every log group of the account.
"""

from collections.abc import Callable
from typing import Any

from localstack.aws.api import RequestContext, handler
from localstack.aws.api.logs import InvalidParameterException
from localstack.aws.connect import connect_to
from localstack.services.logs import provider
from localstack.services.logs.models import get_moto_logs_backend
from localstack.services.moto import MotoFallbackDispatcher, call_moto
from localstack.services.plugins import Service

from mdlc_emulator.engine.logs.patterns import Matches, PatternError, compile_pattern
from mdlc_emulator.engine.logs.transformations import metric_value

_PATCHED = "get_pattern_matcher"


def matcher(pattern: str) -> Callable[[str, Any], bool]:
    """In the place of LocalStack's, which is called with the pattern and an event, of moto's or a dict."""
    matches = _compiled(pattern)

    def event_matches(_: str, event: Any) -> bool:
        return matches(str(event["message"] if isinstance(event, dict) else event.message))

    return event_matches


def _compiled(pattern: str | None) -> Matches:
    try:
        return compile_pattern(pattern or "")
    except PatternError as error:
        raise InvalidParameterException(f"Invalid filter pattern: {error}") from None


class Provider(provider.LogsProvider):
    """LocalStack's, on patterns that select; those that make no sense are refused when they are given."""

    @handler("PutLogEvents", expand=False)
    def put_log_events(self, context: RequestContext, request: Any) -> Any:  # type: ignore[override]
        answer = call_moto(context)
        for one in get_moto_logs_backend(context.account_id, context.region).filters.metric_filters:
            if one["logGroupName"] == request["logGroupName"]:
                self._count(context, one, [str(event["message"]) for event in request["logEvents"]])
        return answer

    @handler("FilterLogEvents", expand=False)
    def filter_log_events(self, context: RequestContext, request: Any) -> Any:  # type: ignore[override]
        _compiled(request.get("filterPattern"))
        return call_moto(context)

    @handler("PutMetricFilter", expand=False)
    def put_metric_filter(self, context: RequestContext, request: Any) -> Any:  # type: ignore[override]
        _compiled(request.get("filterPattern"))
        return call_moto(context)

    @handler("PutSubscriptionFilter", expand=False)
    def put_subscription_filter(self, context: RequestContext, request: Any) -> Any:  # type: ignore[override]
        _compiled(request.get("filterPattern"))
        return call_moto(context)

    def _count(self, context: RequestContext, one: dict[str, Any], messages: list[str]) -> None:
        """Publish what the metric filter `one` says of those of `messages` that match."""
        matches = _compiled(one["filterPattern"])
        found = [message for message in messages if matches(message)]
        metrics = connect_to(aws_access_key_id=context.account_id, region_name=context.region).cloudwatch
        for transformation in one["metricTransformations"] if found else ():
            value = transformation["metricValue"]
            values = [number for message in found if (number := metric_value(value, message)) is not None]
            if values:
                metrics.put_metric_data(
                    Namespace=transformation["metricNamespace"],
                    MetricData=[{"MetricName": transformation["metricName"], "Values": values}],
                )


def logs_service() -> Service:
    """LocalStack's service with the provider above."""
    if not hasattr(provider, _PATCHED):
        raise RuntimeError(f"{provider.__name__}.{_PATCHED} is gone: this is not the locked LocalStack")
    setattr(provider, _PATCHED, matcher)
    made = Provider()  # type: ignore[no-untyped-call]
    return Service.for_provider(made, dispatch_table_factory=MotoFallbackDispatcher)
