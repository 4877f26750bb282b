"""Training channels: what each host finds below /opt/ml/input/data/<channel>.

Every mode of input brings the objects before the container starts. On SageMaker FastFile streams them while
they are read; what a program finds is the same.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mdlc_emulator.engine.containers.contract import Mount
from mdlc_emulator.engine.sagemaker.data.inputs import bring, select
from mdlc_emulator.engine.sagemaker.data.s3 import Objects
from mdlc_emulator.engine.sagemaker.data.selection import Chosen, shard, shuffled
from mdlc_emulator.engine.sagemaker.jobs.hosts import Host
from mdlc_emulator.engine.sagemaker.jobs.launch import Station


def bring_channels(
    objects: Objects,
    channels: Sequence[Mapping[str, Any]],
    stations: Sequence[Station],
    stopped: Callable[[], bool],
) -> None:
    """Fill the channels of every host; ends early once `stopped()`. DownloadError."""
    for channel in channels:
        source = channel["DataSource"]["S3DataSource"]
        chosen = select(objects, source["S3Uri"], source["S3DataType"])
        if "ShuffleConfig" in channel:
            chosen = shuffled(chosen, channel["ShuffleConfig"]["Seed"])
        unzip = channel.get("CompressionType") == "Gzip"
        for host, part in parts(source, chosen, [station.host for station in stations]).items():
            into = stations[host.number].ml / "input" / "data" / channel["ChannelName"]
            into.mkdir()
            bring(objects, part, into, unzip=unzip, stopped=stopped)


def parts(
    source: Mapping[str, Any], chosen: Sequence[Chosen], hosts: Sequence[Host]
) -> dict[Host, Sequence[Chosen]]:
    """What each host gets of a channel: hosts outside its instance groups nothing, the others everything, or
    their shard."""
    groups = source.get("InstanceGroupNames")
    wanted = [host for host in hosts if not groups or host.group in groups]
    if source.get("S3DataDistributionType") != "ShardedByS3Key":
        return dict.fromkeys(wanted, chosen)
    return {host: shard(chosen, number, len(wanted)) for number, host in enumerate(wanted)}


def read_only(members: Mapping[str, Any], station: Station) -> list[Mount]:
    """The channels that nothing may be written to: those of mode FastFile, which is a file system for reading
    on SageMaker."""
    mode = members["AlgorithmSpecification"]["TrainingInputMode"]
    return [
        Mount(path, f"/opt/ml/input/data/{channel['ChannelName']}")
        for channel in members.get("InputDataConfig", ())
        if channel.get("InputMode", mode) == "FastFile"
        and (path := station.ml / "input" / "data" / channel["ChannelName"]).is_dir()
    ]
