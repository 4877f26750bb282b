"""CreateTable, UpdateTable, DeleteTable and what belongs to a table: time to live, tags."""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.dynamodb import schema
from mdlc_emulator.engine.dynamodb.describe import description
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.stream import TableStream
from mdlc_emulator.engine.dynamodb.table import Table

type Request = dict[str, Any]
type Response = dict[str, Any]

_KEPT = ("DeletionProtectionEnabled", "SSESpecification", "TableClass", "OnDemandThroughput")


class Admin:
    """Operations on tables. A change is complete when the call returns: its answer says CREATING, UPDATING or
    DELETING as AWS's does, and the first look at the table finds it ACTIVE or gone."""

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def create_table(self, caller: Caller, request: Request) -> Response:
        owner, name = self._store.locate(caller, request["TableName"])
        schema.check_name(name, "tableName")
        types = schema.attribute_types(request["AttributeDefinitions"])
        keys = schema.key_schema(request["KeySchema"], types)
        billing = request.get("BillingMode", "PROVISIONED")
        arn = f"arn:aws:dynamodb:{owner.region}:{owner.account}:table/{name}"
        indexes = [
            schema.index_from(
                definition, is_global=is_global, arn=arn, types=types, keys=keys, billing=billing
            )
            for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True))
            for definition in _listed(request, member)
        ]
        schema.check_indexes(indexes)
        schema.refuse_unused(types, keys, indexes)
        if any(not index.is_global for index in indexes) and keys.range_name is None:
            raise schema.invalid(
                "One or more parameter values were invalid: Table KeySchema does not have a range key, "
                "which is "
                "required when specifying a LocalSecondaryIndex"
            )
        table = Table(
            name=name,
            arn=arn,
            account=owner.account,
            region=owner.region,
            made=clock.now(),
            keys=keys,
            attributes=types,
            billing=billing,
            throughput=schema.units(request.get("ProvisionedThroughput"), billing, f"table: {name}"),
            indexes={index.name: index for index in indexes},
            settings={key: request[key] for key in _KEPT if key in request},
            tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", ())},
        )
        with self._store.lock:
            tables = self._store.of(owner)
            if name in tables:
                raise AwsError("ResourceInUseException", f"Table already exists: {name}")
            tables[name] = table
        self._set_stream(table, request.get("StreamSpecification"))
        return {"TableDescription": description(table, "CREATING", "CREATING")}

    def delete_table(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            table = self._store.described(caller, request["TableName"])
            if table.settings.get("DeletionProtectionEnabled"):
                raise AwsError(
                    "ValidationException",
                    "Resource cannot be deleted as it is currently protected against deletion. "
                    "Disable deletion protection first.",
                )
            del self._store.of(Caller(table.account, table.region))[table.name]
        if table.stream is not None and table.stream.enabled:
            table.stream.disable(clock.now())
        shape = description(table, "DELETING")
        kept = (
            "TableName",
            "TableStatus",
            "ProvisionedThroughput",
            "TableSizeBytes",
            "ItemCount",
            "TableArn",
            "TableId",
            "DeletionProtectionEnabled",
        )
        return {"TableDescription": {member: shape[member] for member in kept}}

    def describe_table(self, caller: Caller, request: Request) -> Response:
        return {"Table": description(self._store.described(caller, request["TableName"]))}

    def list_tables(self, caller: Caller, request: Request) -> Response:
        after = request.get("ExclusiveStartTableName") or ""
        rest = [name for name in sorted(self._store.of(caller)) if name > after]
        page = rest[: request.get("Limit", 100)]
        answer: Response = {"TableNames": page}
        if len(rest) > len(page):
            answer["LastEvaluatedTableName"] = page[-1]
        return answer

    def update_table(self, caller: Caller, request: Request) -> Response:
        table = self._store.described(caller, request["TableName"])
        if "ReplicaUpdates" in request:
            raise schema.invalid(
                "This emulator has no global tables: make a table in each region instead. Nothing has "
                "changed."
            )
        with table.lock:
            if "StreamSpecification" in request:
                self._set_stream(table, request["StreamSpecification"])
            billing = request.get("BillingMode", table.billing)
            if billing != table.billing or "ProvisionedThroughput" in request:
                table.throughput = schema.units(
                    request.get("ProvisionedThroughput"), billing, f"table: {table.name}"
                )
                if billing == "PAY_PER_REQUEST" != table.billing:
                    table.settings["pay_per_request_since"] = clock.now()
                table.billing = billing
            for key in _KEPT:
                if key in request:
                    table.settings[key] = request[key]
            self._update_indexes(table, request)
        return {"TableDescription": description(table, "UPDATING")}

    @staticmethod
    def _update_indexes(table: Table, request: Request) -> None:
        types = table.attributes | schema.attribute_types(request.get("AttributeDefinitions", []))
        for update in request.get("GlobalSecondaryIndexUpdates", ()):
            [(action, body)] = update.items()
            name = body["IndexName"]
            known = table.indexes.get(name)
            if action == "Create":
                if known is not None:
                    raise schema.invalid("Attempting to create an index which already exists")
                index = schema.index_from(
                    body, is_global=True, arn=table.arn, types=types, keys=table.keys, billing=table.billing
                )
                schema.check_indexes([*table.indexes.values(), index])
                table.fill(index)
                table.indexes[name] = index
                continue
            if known is None or not known.is_global:
                raise AwsError("ResourceNotFoundException", "Requested resource not found")
            if action == "Delete":
                del table.indexes[name]
            else:
                known.throughput = schema.units(
                    body.get("ProvisionedThroughput"), table.billing, f"index: {name}"
                )
        used = {*table.keys.names, *(key for index in table.indexes.values() for key in index.keys.names)}
        table.attributes = {name: kind for name, kind in types.items() if name in used}

    def _set_stream(self, table: Table, wanted: Request | None) -> None:
        if wanted is None:
            return
        enabled = table.stream is not None and table.stream.enabled
        if not wanted.get("StreamEnabled"):
            if "StreamViewType" in wanted:
                raise schema.invalid(
                    "One or more parameter values were invalid: "
                    "StreamViewType can not be specified when StreamEnabled is false"
                )
            if enabled:
                assert table.stream is not None
                table.stream.disable(clock.now())
            return
        view = wanted.get("StreamViewType")
        if view is None:
            raise schema.invalid(
                "One or more parameter values were invalid: "
                "StreamViewType is required when StreamEnabled is true"
            )
        if enabled:
            raise schema.invalid(f"Table already has an enabled stream: TableName: {table.name}")
        # A stream's ARN ends in the moment it was made: two of one table need two milliseconds.
        made = clock.now()
        if table.stream is not None:
            made = max(made, table.stream.made + 0.001)
        table.stream = TableStream(table.name, table.arn, table.keys.shape(), view, table.region, made)
        self._store.streams[table.stream.arn] = table.stream


class Upkeep:
    """Time to live, tags, limits."""

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def update_ttl(self, caller: Caller, request: Request) -> Response:
        table = self._store.described(caller, request["TableName"])
        wanted = request["TimeToLiveSpecification"]
        enable, attribute = wanted["Enabled"], wanted["AttributeName"]
        with table.lock:
            if enable and table.ttl_enabled:
                raise schema.invalid("TimeToLive is already enabled")
            if not enable and not table.ttl_enabled:
                raise schema.invalid("TimeToLive is already disabled")
            if not enable and attribute != table.ttl_attribute:
                raise schema.invalid(
                    f"TimeToLive is active on a different AttributeName: current AttributeName is "
                    f"{table.ttl_attribute}"
                )
            table.ttl_enabled, table.ttl_attribute = enable, attribute
            table.expiries.clear()
            if enable:
                for primary, item in table.items.items():
                    table.note_expiry(primary, item)
        return {"TimeToLiveSpecification": wanted}

    def describe_ttl(self, caller: Caller, request: Request) -> Response:
        table = self._store.described(caller, request["TableName"])
        if not table.ttl_enabled:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {
            "TimeToLiveDescription": {
                "TimeToLiveStatus": "ENABLED",
                "AttributeName": table.ttl_attribute,
            }
        }

    def tag(self, caller: Caller, request: Request) -> Response:
        table = self._store.described(caller, request["ResourceArn"])
        table.tags |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return {}

    def untag(self, caller: Caller, request: Request) -> Response:
        table = self._store.described(caller, request["ResourceArn"])
        for key in request["TagKeys"]:
            table.tags.pop(key, None)
        return {}

    def list_tags(self, caller: Caller, request: Request) -> Response:
        table = self._store.described(caller, request["ResourceArn"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(table.tags.items())]}

    def describe_limits(self, caller: Caller, request: Request) -> Response:
        return {
            "AccountMaxReadCapacityUnits": 80000,
            "AccountMaxWriteCapacityUnits": 80000,
            "TableMaxReadCapacityUnits": 40000,
            "TableMaxWriteCapacityUnits": 40000,
        }


def _listed(request: Request, member: str) -> list[Request]:
    found = request.get(member)
    if found is None:
        return []
    if not found:
        raise schema.invalid(
            "One or more parameter values were invalid: List of "
            f"{'Global' if member.startswith('G') else 'Local'}SecondaryIndexes is empty"
        )
    return list(found)
