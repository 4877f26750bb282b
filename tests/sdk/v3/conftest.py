"""The SDK's session and the images that its scenarios use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sdk.account import (
    REGION,
    EmuSession,
    boto_session,
    bucket,
    configuration,
    put,
    role,
    training_data,
    unique,
)

__all__ = ["boto_session", "bucket", "configuration", "put", "role", "training_data", "unique"]


@pytest.fixture
def session(boto_session: EmuSession, bucket: str) -> Any:
    from sagemaker.core.helper.session_helper import Session

    return Session(boto_session=boto_session, default_bucket=bucket)


@pytest.fixture
def xgboost_image() -> str:
    """The built-in algorithm's image, looked up as users do."""
    from sagemaker.core import image_uris

    return str(image_uris.retrieve("xgboost", REGION, version="1.7-1"))


@pytest.fixture
def sklearn_image() -> str:
    from sagemaker.core import image_uris

    return str(image_uris.retrieve("sklearn", REGION, version="1.2-1"))
