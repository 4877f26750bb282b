"""botocore's newest models of the services that are newer here than in LocalStack's own botocore.

A directory as botocore's loaders search it: <service>/<version>/service-2.json.gz and its companions.
"""

import shutil
from pathlib import Path

from mdlc_emulator.environments.installed import Installed, Installer

SERVICES = ("batch", "sagemaker", "sagemaker-metrics", "sagemaker-runtime")


def _lay_out(installer: Installer, fresh: Path, _final: Path) -> None:
    packages = fresh.with_name("packages")
    installer.into_directory(MODELS.lock, packages)
    fresh.mkdir()
    for service in SERVICES:
        shutil.copytree(packages / "botocore" / "data" / service, fresh / service)
    shutil.rmtree(packages)


MODELS = Installed("models", "that describe SageMaker and Batch (botocore's service models)", 1, _lay_out)
