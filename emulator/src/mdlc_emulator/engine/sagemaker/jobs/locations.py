"""What a job's creation looks at in S3: that inputs find something and outputs have a bucket."""

from __future__ import annotations

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid


def check_input(objects: Objects, uri: str, caller: Caller, role: str) -> None:
    """ValidationException unless at least one key begins with the URI's, as an input must have."""
    place = Place.of(uri)
    said = ""
    try:
        if objects.any_under(place):
            return
    except S3Error as error:
        said = f" Error message from S3: {error}"
    raise invalid(
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
        f"exists in the selected region ({caller.region}), that objects exist under that S3 prefix, and that "
        f'the role "{role}" has "s3:ListBucket" permissions on bucket "{place.bucket}".{said}'
    )


def check_output(objects: Objects, uri: str) -> None:
    """ValidationException unless the bucket is there."""
    bucket = Place.of(uri).bucket
    if not objects.has_bucket(bucket):
        raise invalid(f"The S3 bucket {bucket} of {uri} does not exist. Create it, or name another location.")
