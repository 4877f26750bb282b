"""What is left out at start is there when it is used."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from mdlc_emulator.launcher import Instance
from mdlc_emulator.pytest_plugin import Aws


@pytest.mark.skipif("config.getoption('--aws')", reason="looks into an emulator of its own")
def test_ec2_and_what_uses_it_work_though_ssm_does_not_bring_it(aws: Aws, emulator: Instance) -> None:
    ssm, ec2 = aws.client("ssm"), aws.client("ec2")
    ssm.put_parameter(Name="/standins/a", Value="b", Type="String", Overwrite=True)
    assert ssm.get_parameter(Name="/standins/a")["Parameter"]["Value"] == "b"
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert vpc in {found["VpcId"] for found in ec2.describe_vpcs()["Vpcs"]}
    assert len(ec2.describe_instance_types()["InstanceTypes"]) > 100
    ec2.delete_vpc(VpcId=vpc)


def test_a_checksum_of_s3_that_needs_the_native_library_works(aws: Aws) -> None:
    s3: Any = aws.client("s3", config=Config(request_checksum_calculation="when_required"))
    s3.create_bucket(Bucket="standins-checksums")
    s3.put_object(Bucket="standins-checksums", Key="k", Body=b"123456789")
    found = s3.head_object(Bucket="standins-checksums", Key="k", ChecksumMode="ENABLED")
    # The check value of CRC-64/NVME, 0xAE8B14860A799888.
    assert found["ChecksumCRC64NVME"] == "rosUhgp5mIg="
    s3.delete_object(Bucket="standins-checksums", Key="k")
    s3.delete_bucket(Bucket="standins-checksums")


def test_the_gateway_speaks_tls_when_asked(emulator: Instance) -> None:
    """The certificate is made for the first client that wants one."""
    import ssl
    from urllib.request import urlopen

    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with urlopen(f"https://127.0.0.1:{emulator.port}/_mdlc/status", context=trusting, timeout=20) as answer:
        assert answer.status == 200
