"""Which version of a framework really runs, said in the log beside the one that the image's tag names."""

import contextlib
import importlib.metadata
import os

DISTRIBUTIONS = {
    "pytorch": ("torch",),
    "scikit-learn": ("scikit-learn",),
    "xgboost": ("xgboost-cpu", "xgboost"),
}


def say(framework: str) -> None:
    """One line on standard output."""
    image = os.environ.get("MDLC_IMAGE_VERSION")
    named = f"The image's version of {framework} is {image}; " if image else ""
    print(f"{named}{framework} {_installed(framework)} runs here.", flush=True)


def _installed(framework: str) -> str:
    for distribution in DISTRIBUTIONS[framework]:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(distribution)
    return "(not installed)"
