"""Puts our mappings in the place of LocalStack's pollers, and refuses what they cannot do.

LocalStack's stream poller reads shards in turn from one thread, starts again from StartingPosition whenever a
mapping is changed, does not split batches, follows no resharding and can lose what it was retrying when it
stops; its queue poller handles one batch at a time.
"""

from collections.abc import Callable
from typing import Any, cast

from localstack.services.lambda_.event_source_mapping.esm_worker_factory import EsmWorkerFactory
from localstack.services.lambda_.provider import LambdaProvider

from mdlc_emulator.engine.event_sources.worker import MappingWorker, refuse

# Option -> (lowest, highest) as AWS allows them, for stream sources.
_RANGES = {
    "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "MaximumBatchingWindowInSeconds": (0, 300),
}
_STREAMS_ONLY = (
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "ParallelizationFactor",
    "TumblingWindowInSeconds",
    "StartingPosition",
)


def install() -> None:
    """Patch once, when the Lambda service is first used."""
    _replace(EsmWorkerFactory, "get_esm_worker", _worker)
    _replace(LambdaProvider, "validate_event_source_mapping", _validate)


def _replace(owner: type, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    stock = owner.__dict__.get(name)
    if stock is None:
        raise RuntimeError(
            f"{owner.__module__}.{owner.__qualname__}.{name} is gone: this LocalStack cannot be patched."
        )
    setattr(owner, name, wrap(stock))


def _worker(stock: Callable[..., Any]) -> Callable[..., Any]:
    def get_esm_worker(factory: EsmWorkerFactory) -> Any:
        arn = factory.esm_config.get("EventSourceArn") or ""
        if arn.split(":")[2:3] in (["kinesis"], ["dynamodb"], ["sqs"]):
            # The very dictionary, not a copy: LocalStack updates it.
            config = cast("dict[str, Any]", factory.esm_config)
            return MappingWorker(config, factory.function_role_arn, factory.enabled)
        return stock(factory)

    return get_esm_worker


def _validate(stock: Callable[..., Any]) -> Callable[..., Any]:
    def validate_event_source_mapping(provider: LambdaProvider, context: Any, request: Any) -> Any:
        check_options(request)
        return stock(provider, context, request)

    return validate_event_source_mapping


def check_options(request: dict[str, Any]) -> None:
    """Refuse options out of range or for another kind of source, and what this emulator does not do."""
    kind = (request.get("EventSourceArn") or "::").split(":")[2]
    if request.get("TumblingWindowInSeconds"):
        raise refuse(
            "This emulator has no tumbling windows: leave TumblingWindowInSeconds out and aggregate in the "
            "function, or in the job that reads what it writes."
        )
    if "UUID" in request and kind == "sqs":
        # An update carries the whole configuration, defaults of other sources included.
        return
    if kind == "sqs":
        found = [name for name in _STREAMS_ONLY if request.get(name) is not None]
        if found:
            raise refuse(f"Unsupported parameters for given event source mapping type: {', '.join(found)}.")
        if request.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
            raise refuse("Unsupported DestinationConfig parameter for given event source mapping type.")
    for name, (low, high) in _RANGES.items():
        value = request.get(name)
        if value is not None and not low <= value <= high:
            bound, word = (low, "greater") if value < low else (high, "less")
            raise refuse(
                f"1 validation error detected: Value '{value}' at '{name[0].lower() + name[1:]}' failed to "
                f"satisfy constraint: Member must have value {word} than or equal to {bound}"
            )
    age = request.get("MaximumRecordAgeInSeconds")
    if age is not None and age != -1 and age < 60:
        raise refuse("Maximum record age in seconds must be -1 or between 60 and 604800.")
