"""A disk that is full is said to be one, with the way out: on a small file system of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import boto3, os
from botocore.config import Config
from botocore.exceptions import ClientError
from mdlc_emulator.launcher import start

emulator = start()
try:
    session = boto3.Session("000000000000", "test", region_name="us-east-1")
    once = Config(retries={"max_attempts": 0})
    s3 = session.client("s3", endpoint_url=emulator.endpoint_url, config=once)
    s3.create_bucket(Bucket="small")
    s3.put_object(Bucket="small", Key="fits", Body=b"1")
    try:
        s3.put_object(Bucket="small", Key="does-not-fit", Body=bytes(9_000_000))
    except ClientError as error:
        print(error.response["Error"]["Code"], error.response["Error"]["Message"])
    print(s3.get_object(Bucket="small", Key="fits")["Body"].read())
finally:
    emulator.stop()
"""
MOUNT = 'mount -t tmpfs -o size=4m tmpfs "$1" && TMPDIR="$1" exec "$2" -c "$3"'


def test_a_full_disk_is_said_with_the_way_out(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no user namespaces, hence no file system of the test's own")
    done = subprocess.run(
        [*own, "sh", "-c", MOUNT, "sh", str(place), sys.executable, PROGRAM],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said, kept = done.stdout.splitlines()
    assert said.startswith("InsufficientStorage The disk of the emulator's files is full (")
    assert "start the emulator with TMPDIR on a larger one" in said
    assert kept == "b'1'"
