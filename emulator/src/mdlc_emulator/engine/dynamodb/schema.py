"""The definition of a table, checked as CreateTable and UpdateTable check it."""

from __future__ import annotations

import re
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.dynamodb.keys import KeySchema
from mdlc_emulator.engine.dynamodb.table import Index

MOST_GLOBAL = 20
MOST_LOCAL = 5

type Request = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9_.-]+")


def check_name(name: str, path: str) -> None:
    """Refuse a table name (no ARN) that is none; `path` is the member that holds it."""
    rule = None
    if len(name) < 3:
        rule = "Member must have length greater than or equal to 3"
    elif len(name) > 255:
        rule = "Member must have length less than or equal to 255"
    elif not _NAME.fullmatch(name):
        rule = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    if rule is not None:
        raise invalid(
            f"1 validation error detected: Value '{name}' at '{path}' failed to satisfy constraint: {rule}"
        )


def attribute_types(definitions: list[Request]) -> dict[str, str]:
    return {definition["AttributeName"]: definition["AttributeType"] for definition in definitions}


def key_schema(elements: list[Request], types: dict[str, str], where: str = "") -> KeySchema:
    """The KeySchema of a table or index (`where` names it in messages)."""
    if len(elements) > 2 or not elements:
        raise invalid(
            "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2"
        )
    kinds = [element["KeyType"] for element in elements]
    if kinds[0] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(kinds) == 2 and kinds[1] != "RANGE":
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    names = [element["AttributeName"] for element in elements]
    if len(set(names)) < len(names):
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    missing = [name for name in names if name not in types]
    if missing:
        raise invalid(
            "One or more parameter values were invalid: Some index key attributes are not defined in "
            f"AttributeDefinitions. Keys: [{', '.join(missing)}], "
            f"AttributeDefinitions: [{', '.join(sorted(types))}]"
        )
    for name in names:
        if types[name] not in ("S", "N", "B"):
            raise invalid(
                f"Member must satisfy enum value set: [B, N, S]; attribute {name} has type {types[name]}"
            )
    return KeySchema(
        names[0], names[1] if len(names) == 2 else None, tuple((name, types[name]) for name in names)
    )


def index_from(
    definition: Request, *, is_global: bool, arn: str, types: dict[str, str], keys: KeySchema, billing: str
) -> Index:
    """A secondary index from its part of a request."""
    name = definition["IndexName"]
    schema = key_schema(definition["KeySchema"], types, name)
    projection = definition.get("Projection") or {}
    kind = projection.get("ProjectionType")
    if kind is None:
        raise invalid("One or more parameter values were invalid: Unknown ProjectionType: null")
    extra = projection.get("NonKeyAttributes")
    if kind != "INCLUDE" and extra is not None:
        raise invalid(
            f"One or more parameter values were invalid: ProjectionType is {kind}, but NonKeyAttributes is "
            "specified"
        )
    if kind == "INCLUDE" and not extra:
        raise invalid(
            "One or more parameter values were invalid: ProjectionType is INCLUDE, but NonKeyAttributes "
            "is not "
            "specified"
        )
    if not is_global:
        if schema.hash_name != keys.hash_name:
            raise invalid(
                "One or more parameter values were invalid: Index KeySchema does not have the same "
                "leading hash "
                f"key as table KeySchema for index: {name}. index hash key: {schema.hash_name}, "
                f"table hash key: {keys.hash_name}"
            )
        if schema.range_name is None:
            raise invalid(
                "One or more parameter values were invalid: Index KeySchema does not have a range key for "
                f"index: {name}"
            )
    throughput = None
    if is_global:
        throughput = units(definition.get("ProvisionedThroughput"), billing, f"index: {name}")
    return Index(name, schema, dict(projection), is_global, f"{arn}/index/{name}", throughput)


def units(given: Request | None, billing: str, what: str) -> dict[str, int]:
    """Read and write units; zero when billed per request."""
    if billing == "PAY_PER_REQUEST":
        if given is not None:
            raise invalid(
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
                "WriteCapacityUnits can "
                "be specified when BillingMode is PAY_PER_REQUEST"
            )
        return {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    if given is None:
        raise invalid(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must "
            "both be "
            f"specified when BillingMode is PROVISIONED ({what})"
        )
    return {
        "ReadCapacityUnits": given["ReadCapacityUnits"],
        "WriteCapacityUnits": given["WriteCapacityUnits"],
    }


def check_indexes(indexes: list[Index]) -> None:
    names = [index.name for index in indexes]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"One or more parameter values were invalid: Duplicate index name: {name}")
    for is_global, most, word in ((True, MOST_GLOBAL, "Global"), (False, MOST_LOCAL, "Local")):
        count = sum(1 for index in indexes if index.is_global is is_global)
        if count > most:
            raise invalid(
                f"One or more parameter values were invalid: {word}SecondaryIndex count exceeds the "
                f"per-table "
                f"limit of {most}"
            )


def refuse_unused(types: dict[str, str], keys: KeySchema, indexes: list[Index]) -> None:
    """Every defined attribute has to be a key of the table or of an index."""
    used = {*keys.names, *(name for index in indexes for name in index.keys.names)}
    if set(types) - used:
        raise invalid(
            "One or more parameter values were invalid: Number of attributes in KeySchema does not "
            "exactly match "
            "number of attributes defined in AttributeDefinitions"
            if not indexes
            else "One or more parameter values were invalid: Some AttributeDefinitions are not used. "
            f"AttributeDefinitions: [{', '.join(sorted(types))}], keys used: [{', '.join(sorted(used))}]"
        )


def invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
