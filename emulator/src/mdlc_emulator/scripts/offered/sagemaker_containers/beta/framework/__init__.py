"""Encoders, content types and the response of a worker."""

from sagemaker_containers.beta.framework import content_types, encoders, worker

__all__ = ["content_types", "encoders", "worker"]
