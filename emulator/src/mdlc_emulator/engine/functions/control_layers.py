"""Layers where LocalStack's listing differs from AWS's: none without versions, filters that filter, pages."""

from typing import Any, cast

from localstack.aws.api import RequestContext
from localstack.aws.api.lambda_ import LayersListItem, LayerVersionsListItem, ListLayersResponse
from localstack.services.lambda_.api_utils import (
    map_layer_out,
    validate_layer_architecture,
    validate_layer_runtime,
)
from localstack.services.lambda_.invocation.lambda_models import LayerVersion, ValidationException
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.lambda_.provider import LambdaProvider
from localstack.utils.collections import PaginatedList


class LayersProvider(LambdaProvider):
    """Lambda's operations on layers."""

    def list_layers(
        self,
        context: RequestContext,
        compatible_runtime: str | None = None,
        marker: str | None = None,
        max_items: int | None = None,
        compatible_architecture: str | None = None,
        **options: Any,
    ) -> ListLayersResponse:
        """Each layer with its newest version that suits; layers without one are left out."""
        errors = [
            error
            for error in (
                validate_layer_architecture(compatible_architecture),  # type: ignore[arg-type]
                validate_layer_runtime(compatible_runtime),  # type: ignore[arg-type]
            )
            if error
        ]
        if errors:
            plural = "s" if len(errors) > 1 else ""
            raise ValidationException(f"{len(errors)} validation error{plural} detected: {';'.join(errors)}")
        found: list[LayersListItem] = []
        for name, layer in lambda_stores[context.account_id][context.region].layers.items():
            suitable = [
                version
                for version in layer.layer_versions.values()
                if _suits(version, compatible_runtime, compatible_architecture)
            ]
            if suitable:
                newest = max(suitable, key=lambda version: version.version)
                found.append(
                    LayersListItem(LayerName=name, LayerArn=layer.arn, LatestMatchingVersion=_item(newest))
                )
        pages: PaginatedList[LayersListItem] = PaginatedList(found)
        page, token = pages.get_page(
            lambda item: item["LayerArn"] or "",
            marker,  # type: ignore[arg-type]
            max_items,  # type: ignore[arg-type]
        )
        return ListLayersResponse(NextMarker=token, Layers=page)

    def delete_layer_version(
        self, context: RequestContext, layer_name: str, version_number: int, **options: Any
    ) -> None:
        """As LocalStack, which keeps the package for ever; functions that use the version keep it."""
        region, account, name, _ = self._resolve_layer(layer_name, context)
        layer = lambda_stores[account][region].layers.get(name)
        version = layer.layer_versions.get(str(version_number)) if layer else None
        super().delete_layer_version(context, layer_name, version_number, **options)
        if version is not None and version.code is not None:
            version.code.destroy()


def _item(version: LayerVersion) -> LayerVersionsListItem:
    """A version as listings have it: without its content."""
    described = {
        key: value for key, value in map_layer_out(version).items() if key not in ("Content", "LayerArn")
    }
    return cast(LayerVersionsListItem, described)


def _suits(version: LayerVersion, runtime: str | None, architecture: str | None) -> bool:
    runtimes, architectures = version.compatible_runtimes, version.compatible_architectures
    return (not runtime or runtime in (runtimes or ())) and (
        not architecture or architecture in (architectures or ())
    )
