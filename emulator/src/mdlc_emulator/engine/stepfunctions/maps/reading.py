"""The items of a Map Run: from the state's input, or from S3 as ItemReader says."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.credentials import (
    StateCredentials,
)
from localstack.services.stepfunctions.asl.utils.boto_client import boto_client_for

from mdlc_emulator.engine.stepfunctions.failures import map_run_failure
from mdlc_emulator.engine.stepfunctions.maps.items import ItemsError, inventory_items, items_of
from mdlc_emulator.engine.stepfunctions.maps.settings import Settings
from mdlc_emulator.engine.stepfunctions.maps.templates import value_of
from mdlc_emulator.engine.stepfunctions.stock import StatesErrorNameType


def read_items(env: Any, reader: Any, settings: Settings) -> list[Any]:
    """Raises States.ItemReaderFailed with AWS's, or the content's, own words."""
    if reader.parargs:
        reader.parargs.eval(env=env)
        parameters = env.stack.pop()
    else:
        parameters = {}
    limit = value_of(env, settings, settings.reader, "MaxItems", "ItemReader/ReaderConfig")
    _check_limit(env, settings, limit)
    reader.resource.eval(env=env)
    region = env.stack.pop().region
    client = boto_client_for(
        service="s3",
        region=region,
        state_credentials=StateCredentials(role_arn=env.aws_execution_details.role_arn),
    )
    try:
        if reader.resource.api_action == "listObjectsV2":
            items = _listed(client, parameters, limit)
        else:
            items = _content(client, parameters, settings.reader)
    except ClientError as error:
        details = error.response
        cause = (
            f"{details['Error'].get('Message', '')} (Service: Amazon S3; Status Code: "
            f"{details['ResponseMetadata']['HTTPStatusCode']}; Error Code: {details['Error']['Code']}; "
            f"Request ID: {details['ResponseMetadata'].get('RequestId')}; Proxy: null)"
        )
        raise map_run_failure(env, StatesErrorNameType.StatesItemReaderFailed, cause) from None
    except (ItemsError, UnicodeDecodeError) as error:
        raise map_run_failure(env, StatesErrorNameType.StatesItemReaderFailed, str(error)) from None
    return items[: int(limit)] if limit else items


def _check_limit(env: Any, settings: Settings, limit: Any) -> None:
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int):
        path = settings.reader.get("MaxItemsPath", "MaxItems")
        cause = f'The MaxItemsPath field refers to value "{limit}" which is not a valid integer: {path}'
        raise map_run_failure(env, StatesErrorNameType.StatesRuntime, cause)
    if limit < 0:
        cause = "field MaxItems must be positive"
        raise map_run_failure(env, StatesErrorNameType.StatesItemReaderFailed, cause)


def _listed(client: Any, parameters: dict[str, Any], limit: Any) -> list[Any]:
    items: list[Any] = []
    token = None
    while True:
        page = client.list_objects_v2(**parameters, **({"ContinuationToken": token} if token else {}))
        for entry in page.get("Contents", []):
            item = dict(entry)
            # As AWS gives them: seconds since the epoch, and `Etag`.
            item["LastModified"] = int(item["LastModified"].timestamp())
            item["Etag"] = item.pop("ETag", None)
            item.pop("ChecksumAlgorithm", None)
            item.pop("ChecksumType", None)
            items.append(item)
        token = page.get("NextContinuationToken")
        if not token or (limit and len(items) >= limit):
            return items


def _content(client: Any, parameters: dict[str, Any], config: dict[str, Any]) -> list[Any]:
    content = client.get_object(**parameters)["Body"].read()
    kind = config.get("InputType", "JSON")
    if kind != "MANIFEST":
        return items_of(kind, content, config)
    bucket = parameters["Bucket"]
    manifest = json.loads(content)
    source = str(manifest.get("destinationBucket") or "").rpartition(":")[2] or bucket

    def fetch(key: str) -> bytes:
        body: bytes = client.get_object(Bucket=source, Key=key)["Body"].read()
        return body

    return list(inventory_items(content, fetch))
