"""Training jobs run a container, and say what has become of it."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.conformance.sagemaker.conftest import IMAGE, MACHINE, Bucket, Jobs
from tests.waiting import eventually

GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_DescribeTrainingJob.html")

REPORT = """
    import glob, json, os
    report = {"files": {}, "environment": dict(os.environ)}
    for path in glob.glob("/opt/ml/input/**", recursive=True):
        if os.path.isfile(path):
            report["files"][path] = open(path).read()
    json.dump(report, open("/opt/ml/model/report.json", "w"))
"""


def test_a_job_runs_and_its_model_lies_in_s3(jobs: Jobs, bucket: Bucket) -> None:
    data = bucket.uri("model/train")
    bucket.put("model/train/rows.csv", "1,2\n3,4\n")
    described = jobs.train(
        """
        total = sum(int(cell) for row in open("/opt/ml/input/data/train/rows.csv") for cell in row.split(","))
        open("/opt/ml/model/total.txt", "w").write(str(total))
        """,
        channels=[jobs.channel("train", data)],
    )
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Completed"
    name = described["TrainingJobName"]
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == bucket.uri(f"output/{name}/output/model.tar.gz")
    assert jobs.model(described) == {"total.txt": b"10"}


@pytest.mark.source(f"{REFERENCE}/API_SecondaryStatusTransition.html")
def test_the_history_names_every_step_with_its_times(jobs: Jobs) -> None:
    described = jobs.train("print('done')")
    steps = described["SecondaryStatusTransitions"]
    assert [step["Status"] for step in steps] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert [step["StatusMessage"] for step in steps[1:]] == [
        "Downloading input data",
        "Training image download completed. Training in progress.",
        "Uploading generated training model",
        "Training job completed",
    ]
    for before, after in itertools.pairwise(steps):
        assert before["StartTime"] <= before["EndTime"] == after["StartTime"]
    assert described["CreationTime"] <= described["TrainingStartTime"] < described["TrainingEndTime"]
    assert described["LastModifiedTime"] >= described["TrainingEndTime"]
    assert described["TrainingTimeInSeconds"] >= 1 <= described["BillableTimeInSeconds"]


@pytest.mark.source(f"{GUIDE}/your-algorithms-training-algo-running-container.html")
def test_a_container_finds_its_configuration(jobs: Jobs, bucket: Bucket) -> None:
    bucket.put("config/train/rows.csv", "1\n")
    described = jobs.train(
        REPORT,
        channels=[jobs.channel("train", bucket.uri("config/train/"), ContentType="text/csv")],
        HyperParameters={"alpha": "0.5", "words": '"quoted"'},
        Environment={"COLOUR": "green"},
    )
    report = jobs.report(described)
    config = {
        path.removeprefix("/opt/ml/input/config/"): json.loads(text)
        for path, text in report["files"].items()
        if path.startswith("/opt/ml/input/config/")
    }
    assert config["hyperparameters.json"] == {"alpha": "0.5", "words": '"quoted"'}
    assert config["inputdataconfig.json"]["train"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    resources = config["resourceconfig.json"]
    assert resources.pop("network_interface_name")
    assert resources == {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1"],
            }
        ],
    }
    variables = report["environment"]
    assert variables["TRAINING_JOB_NAME"] == described["TrainingJobName"]
    assert variables["TRAINING_JOB_ARN"] == described["TrainingJobArn"]
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["COLOUR"] == "green"


def test_describe_shows_what_was_asked_for_and_the_defaults(jobs: Jobs, bucket: Bucket) -> None:
    request = jobs.training(HyperParameters={"alpha": "1"}, Environment={"A": "B"})
    described = jobs.run(request)
    for member in ("TrainingJobName", "RoleArn", "ResourceConfig", "HyperParameters", "Environment"):
        assert described[member] == request[member]
    assert described["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert described["StoppingCondition"]["MaxRuntimeInSeconds"] == 300
    [channel] = described["InputDataConfig"]
    assert channel["CompressionType"] == channel["RecordWrapperType"] == "None"
    assert channel["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "FullyReplicated"
    assert described["OutputDataConfig"]["S3OutputPath"] == bucket.uri("output")
    assert described["EnableNetworkIsolation"] is False
    assert described["EnableManagedSpotTraining"] is False
    for absent in ("VpcConfig", "CheckpointConfig", "FailureReason", "ExperimentConfig", "TuningJobArn"):
        assert absent not in described


@pytest.mark.source(f"{GUIDE}/your-algorithms-training-algo-output.html")
def test_output_data_is_an_archive_of_its_own(jobs: Jobs, bucket: Bucket) -> None:
    described = jobs.train(
        """
        import os
        open("/opt/ml/output/data/plot.txt", "w").write("###")
        os.makedirs("/opt/ml/model/deep/down")
        open("/opt/ml/model/deep/down/w", "w").write("weights")
        """
    )
    name = described["TrainingJobName"]
    assert bucket.archive(bucket.uri(f"output/{name}/output/output.tar.gz")) == {"plot.txt": b"###"}
    assert jobs.model(described) == {"deep/down/w": b"weights"}


@pytest.mark.source(f"{REFERENCE}/API_OutputDataConfig.html")
def test_artefacts_are_not_compressed_when_asked(jobs: Jobs, bucket: Bucket) -> None:
    described = jobs.train(
        "open('/opt/ml/model/w', 'w').write('weights')",
        OutputDataConfig={"S3OutputPath": bucket.uri("plain"), "CompressionType": "NONE"},
    )
    name = described["TrainingJobName"]
    assert described["ModelArtifacts"]["S3ModelArtifacts"].rstrip("/") == bucket.uri(
        f"plain/{name}/output/model"
    )
    assert bucket.read(bucket.uri(f"plain/{name}/output/model/w")) == b"weights"


@pytest.mark.source(f"{GUIDE}/logging-cloudwatch.html")
def test_what_a_job_prints_is_in_its_log_line_by_line(jobs: Jobs) -> None:
    described = jobs.train(
        """
        import sys
        print("first", flush=True)
        print("second", file=sys.stderr, flush=True)
        print("third: äöü")
        """
    )
    eventually(lambda: jobs.log(described["TrainingJobName"]) == ["first", "second", "third: äöü"])


@pytest.mark.source(f"{GUIDE}/logging-cloudwatch.html")
def test_the_log_grows_while_the_job_runs(jobs: Jobs, bucket: Bucket) -> None:
    name = jobs.start(jobs.training("import time\nprint('begun', flush=True)\nwhile True: time.sleep(1)"))

    def begun() -> bool:
        logs = jobs.aws.client("logs")
        try:
            return jobs.log(name) == ["begun"]
        except (logs.exceptions.ResourceNotFoundException, ValueError):
            return False

    eventually(begun, within=60)
    assert jobs.describe(name)["SecondaryStatus"] == "Training"


@pytest.mark.source(f"{REFERENCE}/API_Channel.html")
def test_keys_below_a_prefix_become_paths(jobs: Jobs, bucket: Bucket) -> None:
    for key in ("p/train/a.csv", "p/train/deep/b.csv", "p/train-2/c.csv", "p/train.csv", "p/other/d.csv"):
        bucket.put(key, key)
    described = jobs.train(
        REPORT,
        channels=[
            jobs.channel("directory", bucket.uri("p/train/")),
            jobs.channel("prefix", bucket.uri("p/train")),
            jobs.channel("object", bucket.uri("p/train/a.csv")),
        ],
    )
    data = "/opt/ml/input/data/"
    files = {
        path.removeprefix(data): text
        for path, text in jobs.report(described)["files"].items()
        if path.startswith(data) and "/code/" not in path
    }
    assert files == {
        "directory/a.csv": "p/train/a.csv",
        "directory/deep/b.csv": "p/train/deep/b.csv",
        "prefix/a.csv": "p/train/a.csv",
        "prefix/deep/b.csv": "p/train/deep/b.csv",
        "prefix/train-2/c.csv": "p/train-2/c.csv",
        "prefix/train.csv": "p/train.csv",
        "object/a.csv": "p/train/a.csv",
    }


@pytest.mark.source(f"{REFERENCE}/API_S3DataSource.html")
def test_a_manifest_names_the_objects_of_a_channel(jobs: Jobs, bucket: Bucket) -> None:
    for key in ("m/data/1.csv", "m/data/sub/2.csv", "m/data/3.csv"):
        bucket.put(key, key)
    manifest = [{"prefix": bucket.uri("m/data/")}, "1.csv", "sub/2.csv"]
    uri = bucket.put("m/list.manifest", json.dumps(manifest))
    described = jobs.train(REPORT, channels=[jobs.channel("train", uri, S3DataType="ManifestFile")])
    found = [path for path in jobs.report(described)["files"] if path.startswith("/opt/ml/input/data/train/")]
    assert sorted(found) == ["/opt/ml/input/data/train/1.csv", "/opt/ml/input/data/train/sub/2.csv"]


@pytest.mark.source(f"{REFERENCE}/API_Channel.html")
def test_fast_file_channels_are_read_as_files(jobs: Jobs, bucket: Bucket) -> None:
    bucket.put("fast/rows.csv", "1,2\n")
    described = jobs.train(
        """
        import json
        rows = open("/opt/ml/input/data/train/rows.csv").read()
        try:
            open("/opt/ml/input/data/train/new", "w")
            writable = True
        except OSError:
            writable = False
        json.dump([rows, writable], open("/opt/ml/model/report.json", "w"))
        """,
        channels=[jobs.channel("train", bucket.uri("fast/"), InputMode="FastFile")],
    )
    assert jobs.report(described) == ["1,2\n", False]


@pytest.mark.source(f"{REFERENCE}/API_Channel.html")
def test_compressed_channels_are_unpacked(jobs: Jobs, bucket: Bucket) -> None:
    import gzip

    bucket.put("zipped/rows.csv.gz", gzip.compress(b"1,2\n"))
    described = jobs.train(
        REPORT, channels=[jobs.channel("train", bucket.uri("zipped/"), CompressionType="Gzip")]
    )
    data = [text for path, text in jobs.report(described)["files"].items() if "/data/train/" in path]
    assert data == ["1,2\n"]


@pytest.mark.source(f"{REFERENCE}/API_S3DataSource.html")
def test_sharded_channels_are_divided_among_the_hosts(jobs: Jobs, bucket: Bucket) -> None:
    for number in range(5):
        bucket.put(f"shards/{number}.csv", str(number))
    described = jobs.train(
        """
        import json, os, socket
        resources = json.load(open("/opt/ml/input/config/resourceconfig.json"))
        me = resources["current_host"]
        print("I am", me)
        found = {
            "hosts": resources["hosts"],
            "sharded": sorted(os.listdir("/opt/ml/input/data/sharded")),
            "whole": sorted(os.listdir("/opt/ml/input/data/whole")),
            "addresses": sorted({socket.gethostbyname(host) for host in resources["hosts"]}),
        }
        json.dump(found, open(f"/opt/ml/model/{me}.json", "w"))
        """,
        ResourceConfig=MACHINE | {"InstanceCount": 2},
        channels=[
            jobs.channel("sharded", bucket.uri("shards/"), S3DataDistributionType="ShardedByS3Key"),
            jobs.channel("whole", bucket.uri("shards/")),
        ],
    )
    reports = {name: json.loads(text) for name, text in jobs.model(described).items()}
    assert set(reports) == {"algo-1.json", "algo-2.json"}
    everything = [f"{number}.csv" for number in range(5)]
    shards = [report["sharded"] for report in reports.values()]
    assert sorted(itertools.chain.from_iterable(shards)) == everything
    assert all(len(shard) in (2, 3) for shard in shards)
    for report in reports.values():
        assert report["whole"] == everything
        assert report["hosts"] == ["algo-1", "algo-2"]
        assert len(report["addresses"]) == 2
    for host in ("algo-1", "algo-2"):
        assert jobs.log(described["TrainingJobName"], host) == [f"I am {host}"]


@pytest.mark.source(f"{REFERENCE}/API_InstanceGroup.html")
def test_a_channel_may_go_to_one_group_of_instances(jobs: Jobs, bucket: Bucket) -> None:
    bucket.put("groups/rows.csv", "1")
    groups = [
        {"InstanceGroupName": "big", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "small", "InstanceType": "ml.m5.large", "InstanceCount": 1},
    ]
    described = jobs.train(
        """
        import json, os
        resources = json.load(open("/opt/ml/input/config/resourceconfig.json"))
        found = [resources["current_group_name"], resources["current_instance_type"],
                 sorted(os.listdir("/opt/ml/input/data")), resources["instance_groups"]]
        json.dump(found, open(f"/opt/ml/model/{resources['current_host']}", "w"))
        """,
        ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 5},
        channels=[jobs.channel("rows", bucket.uri("groups/"), InstanceGroupNames=["big"])],
    )
    found = {host: json.loads(text) for host, text in jobs.model(described).items()}
    listed = [
        {"instance_group_name": "big", "instance_type": "ml.m5.xlarge", "hosts": ["algo-1"]},
        {"instance_group_name": "small", "instance_type": "ml.m5.large", "hosts": ["algo-2"]},
    ]
    assert found == {
        "algo-1": ["big", "ml.m5.xlarge", ["code", "rows"], listed],
        "algo-2": ["small", "ml.m5.large", ["code"], listed],
    }


@pytest.mark.source("https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html")
def test_whoever_watches_the_bucket_is_told_of_the_model(jobs: Jobs, bucket: Bucket) -> None:
    sqs = jobs.aws.client("sqs")
    queue = sqs.create_queue(QueueName=jobs.name("models"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    events = ["s3:ObjectCreated:*"]
    bucket.s3.put_bucket_notification_configuration(
        Bucket=bucket.name,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": events}]},
    )
    try:
        described = jobs.train("open('/opt/ml/model/w', 'w').write('weights')")
        wanted = bucket.uri() + f"output/{described['TrainingJobName']}/output/model.tar.gz"

        def told() -> bool:
            found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            records = [
                record
                for message in found.get("Messages", ())
                for record in json.loads(message["Body"]).get("Records", ())
            ]
            return any(bucket.uri(record["s3"]["object"]["key"]) == wanted for record in records)

        eventually(told, within=60)
    finally:
        bucket.s3.put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration={})
        sqs.delete_queue(QueueUrl=queue)
