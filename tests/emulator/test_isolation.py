"""Two emulators on one machine share nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mdlc_emulator.launcher import Instance, start
from mdlc_emulator.pytest_plugin import Aws

LARGE = b"x" * 2_000_000  # more than S3 keeps in memory


@pytest.fixture
def other() -> Iterator[Instance]:
    instance = start()
    yield instance
    instance.stop()


def test_objects_of_one_outlive_the_bucket_of_the_same_name_in_the_other(aws: Aws, other: Instance) -> None:
    here, there = aws.client("s3"), Aws(other.endpoint_url).client("s3")
    for s3 in (here, there):
        s3.create_bucket(Bucket="isolation")
        s3.put_object(Bucket="isolation", Key="large", Body=LARGE)
    there.delete_object(Bucket="isolation", Key="large")
    there.delete_bucket(Bucket="isolation")
    assert here.get_object(Bucket="isolation", Key="large")["Body"].read() == LARGE
    here.delete_object(Bucket="isolation", Key="large")
    here.delete_bucket(Bucket="isolation")


def test_everything_one_writes_lies_in_its_home_and_goes_with_it(tmp_path: Path) -> None:
    before = set(Path("/tmp").iterdir())
    instance = start()
    s3 = Aws(instance.endpoint_url).client("s3")
    s3.create_bucket(Bucket="isolation")
    s3.put_object(Bucket="isolation", Key="large", Body=LARGE)
    ours = {path for path in set(Path("/tmp").iterdir()) - before if "localstack" in path.name}
    instance.stop()
    assert ours == set()
    assert not instance.home.exists()
