"""Lambda's API: LocalStack's provider with AWS's limits, honest states and the short way to an invocation."""

import dataclasses
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.api.lambda_ import (
    CreateFunctionRequest,
    FunctionConfiguration,
    InvalidParameterValueException,
    LayerVersionContentInput,
    PublishLayerVersionResponse,
    ResourceConflictException,
    UpdateFunctionCodeRequest,
    UpdateFunctionConfigurationRequest,
)
from localstack.services.lambda_ import provider as stock
from localstack.services.lambda_.api_utils import map_config_out, unqualified_lambda_arn
from localstack.services.lambda_.invocation.lambda_models import Function, LayerVersion
from localstack.services.lambda_.invocation.models import lambda_stores

from mdlc_emulator.engine.functions import control_code, destinations, invocation_environments
from mdlc_emulator.engine.functions.control_invoke import InvokeProvider
from mdlc_emulator.engine.functions.control_layers import LayersProvider
from mdlc_emulator.engine.functions.control_refusal import refuse
from mdlc_emulator.engine.functions.invocation_front import located
from mdlc_emulator.engine.functions.invocation_service import InvocationService
from mdlc_emulator.engine.functions.limits_api import check_upload, check_with_layers
from mdlc_emulator.engine.functions.reserved import check_variables


class Provider(InvokeProvider, LayersProvider):
    """What answers Lambda's operations."""

    def __init__(self) -> None:
        super().__init__()
        self._updating: defaultdict[tuple[str, str, str], threading.Lock] = defaultdict(threading.Lock)

    def on_after_state_reset(self) -> None:
        """As LocalStack, and forget what was kept for functions that are gone."""
        super().on_after_state_reset()  # type: ignore[no-untyped-call]
        control_code.clear()
        invocation_environments.forget_sessions()
        destinations.forget_roles()

    def create_function(  # type: ignore[override]
        self, context: RequestContext, request: CreateFunctionRequest
    ) -> FunctionConfiguration:
        code = request.get("Code") or {}
        check_upload(code.get("ZipFile"), context.request.content_length or 0, "CreateFunction")
        refuse(
            runtime=request.get("Runtime"),
            package_type=request.get("PackageType") or "Zip",
            architectures=request.get("Architectures") or ["x86_64"],
            managed_instances="CapacityProviderConfig" in request,
        )
        check_variables(request.get("Environment"))
        layers = request.get("Layers") or []
        with control_code.kept(), self._limited_with(context, layers):
            return super().create_function(context, request)

    def update_function_code(  # type: ignore[override]
        self, context: RequestContext, request: UpdateFunctionCodeRequest
    ) -> FunctionConfiguration:
        check_upload(request.get("ZipFile"), context.request.content_length or 0, "UpdateFunctionCode")
        with self._update(context, request["FunctionName"]) as function, control_code.kept():
            if function is None:
                return super().update_function_code(context, request)
            if architectures := request.get("Architectures"):
                refuse(
                    runtime=function.latest().config.runtime, package_type="Zip", architectures=architectures
                )
            with control_code.beside(_layer_sizes(function.latest().config.layers)):
                if request.get("DryRun"):
                    return self._as_if_updated(request, function)
                return super().update_function_code(context, request)

    def update_function_configuration(  # type: ignore[override]
        self, context: RequestContext, request: UpdateFunctionConfigurationRequest
    ) -> FunctionConfiguration:
        with self._update(context, request["FunctionName"]) as function:
            if function is not None:
                check_variables(request.get("Environment"))
                config = function.latest().config
                if "Runtime" in request:
                    refuse(
                        runtime=request["Runtime"],
                        package_type=config.package_type,
                        architectures=config.architectures,
                    )
                if layers := request.get("Layers"):
                    self._validate_layers(layers, context.region, context.account_id)
                    sizes = _layer_sizes(self.map_layers(layers))
                    check_with_layers(getattr(config.code, "unzipped_size", 0), sizes)
            return super().update_function_configuration(context, request)

    def publish_layer_version(  # type: ignore[override]
        self, context: RequestContext, layer_name: str, content: LayerVersionContentInput, **options: Any
    ) -> PublishLayerVersionResponse:
        check_upload(content.get("ZipFile"), context.request.content_length or 0, "PublishLayerVersion")
        with control_code.kept():
            return super().publish_layer_version(context, layer_name=layer_name, content=content, **options)

    def _as_if_updated(self, request: UpdateFunctionCodeRequest, function: Function) -> FunctionConfiguration:
        """The answer of an update of code that is checked and not done (LocalStack would do it)."""
        latest = function.latest()
        name, account, region = latest.id.function_name, latest.id.account, latest.id.region
        code: Any
        if archive := request.get("ZipFile"):
            code = control_code.store_archive(archive, name, region, account)
        else:
            version = request.get("S3ObjectVersion")
            bucket, key = request.get("S3Bucket") or "", request.get("S3Key") or ""
            code = control_code.store_from_s3(bucket, key, version, name, region, account)
        config = dataclasses.replace(latest.config, code=code)
        return map_config_out(dataclasses.replace(latest, config=config))

    @contextmanager
    def _update(self, context: RequestContext, name: str) -> Iterator[Function | None]:
        """One update of a function at a time, as Lambda has it. Yields the function, None if there is
        none."""
        account, region, bare, _ = located(name, None, context.account_id, context.region)
        function = lambda_stores[account][region].functions.get(bare)
        lock = self._updating[account, region, bare]
        if not lock.acquire(blocking=False):
            raise _in_progress(account, region, bare)
        try:
            if function is not None and self.lambda_service.updating(function.latest()):
                raise _in_progress(account, region, bare)
            yield function
        finally:
            lock.release()

    @contextmanager
    def _limited_with(self, context: RequestContext, layers: list[str]) -> Iterator[None]:
        """While this lasts, what this thread stores as code must fit beside `layers` (their ARNs)."""
        if not layers:
            yield
            return
        self._validate_layers(layers, context.region, context.account_id)
        with control_code.beside(_layer_sizes(self.map_layers(layers))):
            yield

    def delete_provisioned_concurrency_config(
        self, context: RequestContext, function_name: str, qualifier: str, **options: Any
    ) -> None:
        """As LocalStack, which looks for an alias's environments under the alias and not its version."""
        account, region, name, qualifier_ = located(
            function_name, qualifier, context.account_id, context.region
        )
        function = lambda_stores[account][region].functions.get(name)
        alias = function.aliases.get(qualifier_ or "") if function else None
        if function is None or alias is None:
            super().delete_provisioned_concurrency_config(context, function_name, qualifier, **options)
        elif function.provisioned_concurrency_configs.pop(alias.name, None) is not None:
            version = function.versions[alias.function_version]
            manager = self.lambda_service.get_lambda_version_manager(version.qualified_arn)
            manager.update_provisioned_concurrency_config(0)

    def _validate_destination_config(self, store: Any, function_name: str, destination_config: Any) -> None:
        """As LocalStack, and S3 for failures."""
        failure = (destination_config.get("OnFailure") or {}).get("Destination") or ""
        if failure.split(":")[2:3] == ["s3"]:
            success = (destination_config.get("OnSuccess") or {}).get("Destination") or ""
            destination_config = {"OnSuccess": {"Destination": success}} if success else {}
        success = (destination_config.get("OnSuccess") or {}).get("Destination") or ""
        if success.split(":")[2:3] == ["s3"]:
            raise InvalidParameterValueException(
                "The provided destination config DestinationConfig("
                f"onSuccess=OnSuccess(destination={success}), onFailure=null) is invalid.",
                Type="User",
            )
        super()._validate_destination_config(store, function_name, destination_config)


def _in_progress(account: str, region: str, name: str) -> ResourceConflictException:
    arn = unqualified_lambda_arn(name, account, region)
    return ResourceConflictException(
        "The operation cannot be performed at this time. An update is in progress for resource: " + arn,
        Type="User",
    )


def _layer_sizes(layers: list[LayerVersion]) -> list[int]:
    return [getattr(layer.code, "unzipped_size", 0) for layer in layers]


def install() -> None:
    """Let LocalStack's provider make our service and store packages by content."""
    for name in ("LambdaService", "store_lambda_archive", "store_s3_bucket_archive"):
        if not hasattr(stock, name):
            raise RuntimeError(
                f"LocalStack's Lambda provider has no {name}: this engine needs LocalStack 2026.3.0"
            )
    vars(stock)["LambdaService"] = InvocationService
    vars(stock)["store_lambda_archive"] = control_code.store_archive
    vars(stock)["store_s3_bucket_archive"] = control_code.store_from_s3
