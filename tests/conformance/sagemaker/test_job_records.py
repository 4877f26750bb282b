"""What SageMaker keeps of a job by itself: its trial component, metrics and lineage."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import IMAGE, Jobs, error_of

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_ExperimentConfig.html")

SCRIPT = """
    for step in range(3):
        print(f"loss={1 / (step + 1)};")
"""


def test_a_training_job_has_a_component_of_an_experiment(jobs: Jobs) -> None:
    client = jobs.client
    experiment, trial = jobs.name("experiment"), jobs.name("trial")
    client.create_experiment(ExperimentName=experiment)
    client.create_trial(TrialName=trial, ExperimentName=experiment)
    job = jobs.train(
        SCRIPT,
        AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*?);"}]},
        HyperParameters={"eta": "0.25", "booster": "gbtree"},
        ExperimentConfig={
            "ExperimentName": experiment,
            "TrialName": trial,
            "TrialComponentDisplayName": "Training",
        },
    )
    name = f"{job['TrainingJobName']}-aws-training-job"
    found = client.describe_trial_component(TrialComponentName=name)
    assert found["DisplayName"] == "Training"
    assert found["Source"] == {"SourceArn": job["TrainingJobArn"], "SourceType": "SageMakerTrainingJob"}
    assert found["Status"]["PrimaryStatus"] == "Completed"
    assert found["Parameters"]["eta"] == {"NumberValue": 0.25}
    assert found["Parameters"]["booster"] == {"StringValue": "gbtree"}
    assert found["Parameters"]["SageMaker.InstanceCount"] == {"NumberValue": 1.0}
    assert found["InputArtifacts"]["SageMaker.ImageUri"]["Value"] == IMAGE
    assert found["InputArtifacts"]["code"]["Value"].startswith("s3://")
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert found["OutputArtifacts"]["SageMaker.ModelArtifact"]["Value"] == model
    assert found["EndTime"] >= found["StartTime"]
    (metric,) = found["Metrics"]
    assert (metric["MetricName"], metric["Count"], metric["Max"]) == ("loss", 3, 1.0)
    assert metric["Last"] == metric["Min"] == pytest.approx(1 / 3)
    listed = client.list_trial_components(SourceArn=job["TrainingJobArn"])["TrialComponentSummaries"]
    assert [each["TrialComponentName"] for each in listed] == [name]
    (record,) = client.search(
        Resource="ExperimentTrialComponent",
        SearchExpression={
            "Filters": [
                {"Name": "Parents.ExperimentName", "Value": experiment},
                {"Name": "Metrics.loss.Min", "Operator": "LessThan", "Value": "0.4"},
            ]
        },
    )["Results"]
    detail = record["TrialComponent"]["SourceDetail"]
    assert detail["TrainingJob"]["TrainingJobName"] == job["TrainingJobName"]
    (by_detail,) = client.search(
        Resource="ExperimentTrialComponent",
        SearchExpression={
            "Filters": [{"Name": "SourceDetail.TrainingJob.TrainingJobName", "Value": job["TrainingJobName"]}]
        },
    )["Results"]
    assert by_detail["TrialComponent"]["TrialComponentName"] == name
    (searched,) = client.search(
        Resource="TrainingJob",
        SearchExpression={
            "Filters": [
                {"Name": "TrainingJobName", "Value": job["TrainingJobName"]},
                {"Name": "Metrics.loss", "Operator": "LessThan", "Value": "0.4"},
                {"Name": "HyperParameters.eta", "Operator": "GreaterThan", "Value": "0.2"},
            ]
        },
    )["Results"]
    assert searched["TrainingJob"]["TrainingJobArn"] == job["TrainingJobArn"]


@pytest.mark.source(f"{GUIDE}/lineage-tracking-auto-creation.html")
def test_a_model_s_lineage_leads_to_its_data(jobs: Jobs) -> None:
    client = jobs.client
    data = jobs.bucket.put(f"{jobs.name('data')}/rows.csv", "1,2").rpartition("/")[0]
    job = jobs.train("print('done')", channels=[jobs.channel("train", data)])
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    (artifact,) = client.list_artifacts(SourceUri=model)["ArtifactSummaries"]
    assert artifact["ArtifactType"] == "Model"
    found = client.query_lineage(StartArns=[artifact["ArtifactArn"]], Direction="Ascendants")["Vertices"]
    types = {each["Type"] for each in found}
    assert {"TrainingJob", "DataSet", "Image"} <= types
    sources = {
        client.describe_artifact(ArtifactArn=each["Arn"])["Source"]["SourceUri"]
        for each in found
        if each["LineageType"] == "Artifact"
    }
    assert {data, IMAGE} <= sources


def test_a_job_is_a_source_of_its_run(jobs: Jobs) -> None:
    client = jobs.client
    experiment, run = jobs.name("experiment"), jobs.name("run")
    client.create_experiment(ExperimentName=experiment)
    client.create_trial(TrialName=f"{run}-trial", ExperimentName=experiment)
    client.create_trial_component(TrialComponentName=run)
    job = jobs.train(
        "print('done')",
        ExperimentConfig={"ExperimentName": experiment, "TrialName": f"{run}-trial", "RunName": run},
    )
    found = client.describe_trial_component(TrialComponentName=run)
    assert found["Sources"] == [{"SourceArn": job["TrainingJobArn"], "SourceType": "SageMakerTrainingJob"}]
    listed = client.list_trial_components(SourceArn=job["TrainingJobArn"])["TrialComponentSummaries"]
    assert {each["TrialComponentName"] for each in listed} == {
        run,
        f"{job['TrainingJobName']}-aws-training-job",
    }


def test_an_experiment_that_is_missing_is_refused(jobs: Jobs) -> None:
    request = jobs.training(ExperimentConfig={"ExperimentName": "no-such-experiment"})
    with pytest.raises(ClientError) as raised:
        jobs.client.create_training_job(**request)
    assert error_of(raised)[0] == "ResourceNotFound"
    with pytest.raises(ClientError):
        jobs.client.describe_trial_component(
            TrialComponentName=f"{request['TrainingJobName']}-aws-training-job"
        )


def test_without_a_trial_a_new_one_is_made(jobs: Jobs) -> None:
    client, experiment = jobs.client, jobs.name("experiment")
    client.create_experiment(ExperimentName=experiment)
    job = jobs.process("print('done')", ExperimentConfig={"ExperimentName": experiment})
    assert job["ProcessingJobStatus"] == "Completed"
    (trial,) = client.list_trials(ExperimentName=experiment)["TrialSummaries"]
    (component,) = client.list_trial_components(TrialName=trial["TrialName"])["TrialComponentSummaries"]
    assert component["TrialComponentName"] == f"{job['ProcessingJobName']}-aws-processing-job"
    assert component["Status"]["PrimaryStatus"] == "Completed"
