"""The files that a processing container finds in /opt/ml/config.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.sagemaker.jobs.hosts import Host

_SHOWN = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "ExperimentConfig",
)


def write(
    directory: Path, name: str, arn: str, members: Mapping[str, Any], host: Host, names: Sequence[str]
) -> None:
    """Write the files of one host into /opt/ml/config; `names` are what the hosts call themselves."""
    directory.mkdir(parents=True, exist_ok=True)
    job = {"ProcessingJobArn": arn, "ProcessingJobName": name}
    job |= {member: members[member] for member in _SHOWN if member in members}
    resources = {
        "current_host": names[host.number],
        "hosts": sorted(names),
        "network_interface_name": "lo",
    }
    for file, content in (("processingjobconfig", job), ("resourceconfig", resources)):
        (directory / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
