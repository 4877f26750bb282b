"""CloudWatch's metrics with dimensions that are compared as wholes.

LocalStack looks for a metric by substrings of its dimensions, so that the statistics of function `orders`
contain those of `orders-2`, and those by FunctionName contain those by FunctionName and Resource. To
CloudWatch each set of dimensions is a metric of its own:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension. Alarms are
evaluated by `cloudwatch_alarms`.
"""

from contextvars import ContextVar
from typing import Any

from localstack.aws.api import RequestContext
from localstack.services.cloudwatch.cloudwatch_database_helper import CloudwatchDatabase
from localstack.services.cloudwatch.provider_v2 import CloudwatchProvider
from localstack.services.plugins import Service

from mdlc_emulator.engine.cloudwatch_alarms import PromptAlarms

_EXACT: ContextVar[bool] = ContextVar("exact", default=False)

# The stored text is searched with LIKE, to which these two are wildcards.
_STORED = str.maketrans({"_": "\x1f", "%": "\x1e", "=": "\x1d"})
_READ = str.maketrans({"\x1f": "_", "\x1e": "%", "\x1d": "="})


class ExactDatabase(CloudwatchDatabase):
    """LocalStack's store of metrics; statistics are those of exactly the dimensions asked for."""

    def get_metric_data_stat(self, *arguments: Any, **options: Any) -> dict[str, list[Any]]:
        token = _EXACT.set(True)
        try:
            return super().get_metric_data_stat(*arguments, **options)
        finally:
            _EXACT.reset(token)

    def _get_ordered_dimensions_with_separator(
        self, dims: list[dict[str, str]] | None, for_search: bool = False
    ) -> Any:
        stored = [
            {"Name": dim["Name"].translate(_STORED), "Value": str(dim.get("Value", "")).translate(_STORED)}
            for dim in dims or []
        ]
        if not for_search or _EXACT.get():
            return super()._get_ordered_dimensions_with_separator(stored)
        # ListMetrics: each of these dimensions whole, whatever others there are; a value may be left open.
        parts = [
            f"{dim['Name']}={dim['Value']}\t" if dim["Value"] else f"{dim['Name']}="
            for dim in sorted(stored, key=lambda dim: dim["Name"])
        ]
        return "%" + "%".join(parts) + "%" if parts else None

    def _restore_dimensions_from_string(self, dimensions: str) -> Any:
        found = super()._restore_dimensions_from_string(dimensions)
        return [
            {name: text.translate(_READ) for name, text in dimension.items()} for dimension in found or []
        ] or None


class Provider(CloudwatchProvider):
    """CloudWatch as LocalStack has it, on that store."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.cloudwatch_database = ExactDatabase()  # type: ignore[no-untyped-call]
        self.alarm_scheduler = self._alarms = PromptAlarms()

    def put_metric_data(
        self,
        context: RequestContext,
        namespace: str,
        metric_data: Any = None,
        *arguments: Any,
        **options: Any,
    ) -> None:
        """LocalStack's; the alarms over these metrics hear of it."""
        super().put_metric_data(context, namespace, metric_data, *arguments, **options)
        self._alarms.data_came(context.account_id, context.region, namespace, metric_data or ())


def cloudwatch_service() -> Service:
    return Service.for_provider(Provider())
