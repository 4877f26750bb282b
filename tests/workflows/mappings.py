"""A mapping with everything that a stream's mapping needs."""

from workflows.mappings import Mapping

STREAM = Mapping(
    function="consume",
    source="stream/events",
    starting_position="TRIM_HORIZON",
    batch_size=100,
    report_batch_item_failures=True,
    bisect_batch_on_function_error=True,
    maximum_retry_attempts=3,
    maximum_record_age_seconds=3600,
    on_failure="queue/failed-events",
)
