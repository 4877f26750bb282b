"""The shipped workflows: their placeholders, their shape, and the rights read off them."""

import json

import pytest
import yaml

from cli.deploy_project import Project
from tests.packaging.conftest import ROOT
from workflows.checks import problems
from workflows.definitions import Workflow, WorkflowError, function_arns, job_arns, placeholder, read_all
from workflows.permissions import policy

WORKFLOWS = {workflow.name: workflow for workflow in read_all(ROOT / "workflows")}
FUNCTIONS = Project(ROOT).config["stages"]["local"]["lambda_functions"]
PLACEHOLDERS = [placeholder(name) for name in FUNCTIONS]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_it_has_no_problems(name: str) -> None:
    assert problems(WORKFLOWS[name], PLACEHOLDERS) == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_sam_template_fills_the_same_placeholders(name: str) -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, tag, node: f"{tag} {node.value}")
    template = yaml.load((ROOT / "workflows" / "sam.yaml").read_text(), Loader)
    machine = template["Resources"][f"{name.capitalize()}Workflow"]["Properties"]
    assert machine["DefinitionUri"].endswith(f"workflows/{name}.asl.json")
    assert set(machine["DefinitionSubstitutions"]) == WORKFLOWS[name].placeholders


def test_arns_come_from_what_chalice_recorded() -> None:
    recorded = [
        {"name": "inspect-stage", "resource_type": "lambda_function", "lambda_arn": f"{ARN}a"},
        {"name": "inspect-stage_role", "resource_type": "iam_role", "role_arn": "arn:aws:iam::0:role/x"},
    ]
    assert function_arns(recorded) == {"InspectStageFunctionArn": f"{ARN}a"}


def test_filling_leaves_json_paths_and_jsonata_alone() -> None:
    text = '{"FunctionName": "${AFunctionArn}", "Payload.$": "$.x", "Output": "{% $states.result %}"}'
    filled = Workflow("w", text, "workflows/w.asl.json").filled({"AFunctionArn": "arn"})
    assert json.loads(filled) == {"FunctionName": "arn", "Payload.$": "$.x", "Output": "{% $states.result %}"}


def test_an_unknown_placeholder_is_told_with_those_that_exist() -> None:
    workflow = Workflow("w", '"${TrainFunctionArn}"', "workflows/w.asl.json")
    with pytest.raises(
        WorkflowError, match=r"w\.asl\.json names TrainFunctionArn.*there are: InspectFunctionArn"
    ):
        workflow.filled({"InspectFunctionArn": "arn"})


def test_broken_json_is_told_with_the_file() -> None:
    with pytest.raises(WorkflowError, match=r"workflows/w\.asl\.json is not valid JSON"):
        _ = Workflow("w", "{", "workflows/w.asl.json").definition
    with pytest.raises(WorkflowError, match=r"workflows/w\.asl\.json is not valid JSON"):
        Workflow("w", "{", "workflows/w.asl.json").filled({})


def test_rights_are_those_of_the_functions_that_are_called() -> None:
    arns = {"InspectStageFunctionArn": f"{ARN}inspect", "RegisterLifecycleFunctionArn": f"{ARN}register"}
    definition = json.loads(WORKFLOWS["register"].filled(arns))
    (statement,) = policy("workflows/register.asl.json", definition)["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"] == [
        f"{ARN}inspect",
        f"{ARN}inspect:*",
        f"{ARN}register",
        f"{ARN}register:*",
    ]


def test_rights_of_jobs_are_those_of_their_queue_and_definition() -> None:
    batch = "arn:aws:batch:us-east-1:000000000000"
    arns = job_arns({"JobsQueue": f"{batch}:job-queue/q", "JobDefinition": f"{batch}:job-definition/d"})
    text = json.dumps(
        {
            "States": {
                "Job": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::batch:submitJob.sync",
                    "Parameters": {"JobQueue": "${JobQueueArn}", "JobDefinition": "${JobDefinitionArn}"},
                }
            }
        }
    )
    definition = json.loads(Workflow("w", text, "w.asl.json").filled(arns))
    statements = {each["Sid"]: each for each in policy("w", definition)["Statement"]}
    assert statements["SubmitJobs"]["Resource"] == [
        f"{batch}:job-definition/d",
        f"{batch}:job-definition/d:*",
        f"{batch}:job-queue/q",
    ]
    assert statements["EndJobs"]["Resource"] == f"{batch}:job/*"
    assert set(statements) == {"SubmitJobs", "EndJobs", "WatchJobs", "HearOfJobs"}


def test_jobs_are_named_by_placeholders() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob", "Parameters": {"JobQueue": "q"}}
    with pytest.raises(WorkflowError, match=r"Job must name its JobQueue by a \$\{\.\.\.JobQueueArn\}"):
        policy("w", {"States": {"Job": task}})


def test_rights_that_are_not_known_are_not_guessed() -> None:
    definition = {"States": {"Put": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem"}}}
    with pytest.raises(WorkflowError, match=r"Put may do is not known.*permissions\.py"):
        policy("w", definition)
