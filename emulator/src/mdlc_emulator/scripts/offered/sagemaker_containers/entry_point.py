"""Imported by the published examples of the xgboost image, and not used there: the toolkit's own."""

from typing import Any


def __getattr__(name: str) -> Any:
    from sagemaker_training import entry_point

    return getattr(entry_point, name)
