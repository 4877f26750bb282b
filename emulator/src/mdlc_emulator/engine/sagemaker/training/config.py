"""The files that a training container finds in /opt/ml/input/config.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.sagemaker.jobs.hosts import Host

INTERFACE = "lo"
"""The network interface that the hosts of a job see each other on; eth0 on AWS."""


def write(
    directory: Path, members: Mapping[str, Any], host: Host, hosts: Sequence[Host], names: Sequence[str]
) -> None:
    """Write the files of one host into /opt/ml/input/config; `names` are what the hosts call themselves."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("hyperparameters", members.get("HyperParameters", {})),
        ("inputdataconfig", input_data(members)),
        ("resourceconfig", resources(host, hosts, names)),
    ):
        (directory / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def input_data(members: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Channel -> how it was asked for."""
    mode = members["AlgorithmSpecification"]["TrainingInputMode"]
    return {
        channel["ChannelName"]: (
            {"ContentType": channel["ContentType"]} if channel.get("ContentType") else {}
        )
        | {
            "TrainingInputMode": channel.get("InputMode", mode),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in members.get("InputDataConfig", ())
    }


def resources(host: Host, hosts: Sequence[Host], names: Sequence[str]) -> dict[str, Any]:
    """The cluster as one of its hosts sees it."""
    groups: dict[str, dict[str, Any]] = {}
    for each in hosts:
        group = groups.setdefault(
            each.group,
            {"instance_group_name": each.group, "instance_type": each.instance_type, "hosts": []},
        )
        group["hosts"].append(names[each.number])
    return {
        "current_host": names[host.number],
        "current_instance_type": host.instance_type,
        "current_group_name": host.group,
        "hosts": sorted(names),
        "instance_groups": list(groups.values()),
        "network_interface_name": INTERFACE,
    }
