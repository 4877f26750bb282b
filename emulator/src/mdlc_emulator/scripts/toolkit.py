"""AWS's sagemaker-training toolkit, unchanged, without the two imports that take longer than many a job.

It imports boto3 to ask for a region and to fetch the user's archive, and paramiko for MPI between hosts:
half a second of processor time. Both are real here, but imported when somebody looks into them, and the two
common uses of boto3 are answered without it. The user's own script runs in another process, without this.
"""

import importlib
import os
import sys
import types
from typing import Any

from mdlc_emulator.scripts import fetching


class Deferred(types.ModuleType):
    """A module that is imported when an attribute of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        own = self.__name__
        sys.modules.pop(own, None)
        return getattr(importlib.import_module(own), name)


class _Session:
    @property
    def region_name(self) -> str | None:
        """As botocore finds it, but for the files that a container does not have."""
        return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


class _Bucket:
    def __init__(self, name: str, region: str | None, endpoint: str | None) -> None:
        self._name = name
        self._region = region
        self._endpoint = endpoint

    def download_file(self, key: str, target: str) -> None:
        """As boto3's; whatever is not a plain success is left to boto3, and so are its errors."""
        if fetching.download(self._name, key, target, self._region, self._endpoint):
            return
        _real_boto3().resource("s3", region_name=self._region, endpoint_url=self._endpoint).Bucket(
            self._name
        ).download_file(key, target)


class _Storage:
    def __init__(self, region: str | None, endpoint: str | None) -> None:
        self._place = (region, endpoint)

    def Bucket(self, name: str) -> _Bucket:  # noqa: N802 - boto3's name
        return _Bucket(name, *self._place)


class Boto3(Deferred):
    """boto3, as far as the toolkit uses it in every job; anything else imports it."""

    session = types.SimpleNamespace(Session=_Session)

    @staticmethod
    def resource(service: str, region_name: str | None = None, endpoint_url: str | None = None) -> Any:
        """boto3.resource("s3")."""
        if service == "s3":
            return _Storage(region_name, endpoint_url)
        return _real_boto3().resource(service, region_name=region_name, endpoint_url=endpoint_url)


def _real_boto3() -> Any:
    if isinstance(sys.modules.get("boto3"), Boto3):
        del sys.modules["boto3"]
        for name in ("boto3.s3", "boto3.s3.transfer"):
            sys.modules.pop(name, None)
    return importlib.import_module("boto3")


def train() -> None:
    """The toolkit's own entry point. Ends the process with the script's exit code."""
    boto3 = Boto3("boto3")
    storage, transfer = Deferred("boto3.s3"), Deferred("boto3.s3.transfer")
    # `import boto3.s3.transfer as x` looks these up as attributes.
    boto3.s3, storage.transfer = storage, transfer  # type: ignore[attr-defined]
    boto3.__path__ = []
    storage.__path__ = []
    sys.modules |= {"boto3": boto3, "boto3.s3": storage, "boto3.s3.transfer": transfer}
    sys.modules["paramiko"] = Deferred("paramiko")
    from sagemaker_training.cli import train as program

    program.main()
