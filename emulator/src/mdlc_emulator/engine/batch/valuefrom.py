"""What `valueFrom` of a container's secret names. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data-secrets.html and
https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data-parameters.html
"""

from __future__ import annotations

import json
from typing import NamedTuple

from mdlc_emulator.engine.aws_error import Caller


class SecretRef(NamedTuple):
    """`service` is ssm or secretsmanager; `key`, `stage` and `version` are of Secrets Manager only."""

    service: str
    account: str
    region: str
    name: str
    key: str = ""
    stage: str = ""
    version: str = ""


def parse(value_from: str, caller: Caller) -> SecretRef:
    """A parameter's name, its ARN, or `secret ARN[:json-key:version-stage:version-id]`. ValueError for
    anything else."""
    if not value_from.startswith("arn:"):
        return SecretRef("ssm", caller.account, caller.region, value_from)
    parts = value_from.split(":")
    if len(parts) < 6:
        raise ValueError(f"invalid ARN {value_from}")
    service, region, account = parts[2], parts[3], parts[4]
    if service == "ssm":
        name = ":".join(parts[5:]).removeprefix("parameter")
        # Only a name with a hierarchy begins with the slash that separates it in the ARN.
        return SecretRef("ssm", account, region, name if name.count("/") > 1 else name.removeprefix("/"))
    if service == "secretsmanager" and parts[5] == "secret" and len(parts) in (7, 10):
        key, stage, version = parts[7:] if len(parts) == 10 else ("", "", "")
        return SecretRef(service, account, region, ":".join(parts[:7]), key, stage, version)
    raise ValueError(f"invalid ARN {value_from}")


def pick(text: str, key: str) -> str:
    """The whole of a secret, or one member of its JSON object. ValueError when it has none such."""
    if not key:
        return text
    try:
        values = json.loads(text)
    except ValueError:
        raise ValueError(f"the secret is no JSON object, so it has no key {key}") from None
    if not isinstance(values, dict) or key not in values:
        raise ValueError(f"retrieved secret did not contain json key {key}")
    found = values[key]
    return found if isinstance(found, str) else json.dumps(found)
