"""Shapes of SageMaker's model, for what is generic over members: search and its suggestions."""

from __future__ import annotations

import functools

from botocore.model import Shape
from localstack.aws.spec import load_service


@functools.cache
def shape(name: str) -> Shape:
    """The shape of that name in SageMaker's newest model."""
    return load_service("sagemaker").shape_for(name)
