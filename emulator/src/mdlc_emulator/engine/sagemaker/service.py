"""The services `sagemaker`, `sagemaker-runtime` and `sagemaker-metrics`, put together from their areas.

Each area is a module with `OPERATIONS`; what no area brings is answered as unsupported. An area may have
`RUNTIME` or `METRICS` for the two smaller services.
"""

from importlib import import_module

from localstack.services.plugins import Service, ServiceLifecycleHook

from mdlc_emulator.engine.moto_service import native_service
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation
from mdlc_emulator.engine.sagemaker.kernel.store import STORE

_AREAS = (
    "kernel.tags",
    "training.operations",
    "processing.operations",
    "models.operations",
    "endpoints.configs",
    "endpoints.operations",
    "runtime.operations",
    "transform.operations",
    "experiments.experiments",
    "experiments.components",
    "metrics.operations",
    "lineage.entities",
    "lineage.graph",
    "search.operations",
    "packages.groups",
    "packages.packages",
    "tuning.operations",
    "algorithms.operations",
)


def _operations(table: str) -> dict[str, Operation]:
    gathered: dict[str, Operation] = {}
    for area in _AREAS:
        module = import_module(f"mdlc_emulator.engine.sagemaker.{area}")
        found: dict[str, Operation] = getattr(module, table, {})
        if twice := gathered.keys() & found.keys():
            raise RuntimeError(f"{area} brings {', '.join(sorted(twice))}, which another area brings already")
        gathered.update(found)
    return gathered


class _Lifecycle(ServiceLifecycleHook):
    def on_before_state_reset(self) -> None:
        STORE.clear()


def sagemaker_service() -> Service:
    return native_service("sagemaker", _operations("OPERATIONS"), lifecycle=_Lifecycle())


def sagemaker_runtime_service() -> Service:
    from mdlc_emulator.engine.gateway import front
    from mdlc_emulator.engine.sagemaker.runtime.front import EndpointFront

    front.register(EndpointFront())
    return native_service(
        "sagemaker-runtime", _operations("RUNTIME"), unchecked=("BodyBlob",), violation="ValidationError"
    )


def sagemaker_metrics_service() -> Service:
    return native_service("sagemaker-metrics", _operations("METRICS"))
