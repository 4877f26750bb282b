"""`mdlc deploy`, the application it deploys, and `mdlc destroy`."""

import json
import re
from typing import Any

import pytest

from cli.exits import Exit
from tests.deploy.conftest import User, everything, get
from tests.waiting import eventually

# One deployment for all of them, and the last one takes it down.
pytestmark = pytest.mark.xdist_group("deploy")

Deployed = tuple[User, Any]
# What CloudFormation asks for the template, and the emulator only keeps the setting of.
SIMULATED = {"kinesis:StartStreamEncryption": "records lie in the emulator's memory, unencrypted"}
STEPS = ["package", "stack", "layer", "functions", "workflows", "mappings", "check"]


def test_the_report_has_every_step_and_the_working_url(deployed: Deployed) -> None:
    user, report = deployed
    assert sorted(step["name"] for step in report["steps"]) == sorted(STEPS)
    assert report["url"].startswith(f"{user.aws.endpoint_url}/_aws/execute-api/")
    assert get(f"{report['url']}health").json["status"] == "ok"


def test_nothing_is_left_out(deployed: Deployed) -> None:
    assert deployed[1]["left_out"] == []


def test_jobs_of_the_project_run(deployed: Deployed) -> None:
    """By the queue, the definition, the roles and the log group that the stack has made."""
    user, _ = deployed
    batch = user.client("batch")
    job_id = batch.submit_job(jobName="check", jobQueue="mdlc-local", jobDefinition="mdlc-local-job")["jobId"]

    def ended() -> Any:
        [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
        return job if job["status"] in ("SUCCEEDED", "FAILED") else None

    job = eventually(ended, within=60)
    assert job["status"] == "SUCCEEDED", job
    events = user.client("logs").get_log_events(
        logGroupName="/aws/batch/mdlc-local", logStreamName=job["container"]["logStreamName"]
    )["events"]
    report = json.loads(events[-1]["message"])
    assert "deltalake" in report["libraries"]
    assert "broken" not in report


def test_jobs_are_taken_away_and_given_back(deployed: Deployed) -> None:
    user, _ = deployed
    batch = user.client("batch")
    away = user.mdlc("deploy", "--without-jobs", "--json")
    assert away.code == 0, away.error
    assert "AWS Batch" in away.json["left_out"][0]
    assert batch.describe_job_queues()["jobQueues"] == []
    assert batch.describe_compute_environments()["computeEnvironments"] == []
    back = user.mdlc("deploy", "--json")
    assert back.code == 0, back.error
    assert back.json["left_out"] == []
    [queue] = batch.describe_job_queues()["jobQueues"]
    assert (queue["jobQueueName"], queue["status"]) == ("mdlc-local", "VALID")


def test_all_that_it_takes_is_really_executed(deployed: Deployed) -> None:
    """So that a deploy also works with `mdlc up --strict`."""
    user, _ = deployed
    ledger = get(f"{user.aws.endpoint_url}/_mdlc/fidelity").json["entries"]
    mine = [entry for entry in ledger if entry["principal"]["account"] == user.aws.account]
    assert len(mine) > 20
    not_executed = {
        f"{entry['service']}:{entry['operation']}" for entry in mine if entry["fidelity"] != "executed"
    }
    assert not_executed <= SIMULATED.keys()


def test_the_api_answers(deployed: Deployed) -> None:
    url = deployed[1]["url"]
    assert [lifecycle["name"] for lifecycle in get(f"{url}lifecycles").json["lifecycles"]] == [
        "flights",
        "retail",
    ]
    assert get(f"{url}lifecycles/flights").json["source"]["stream"] == "flights"


def test_deploying_has_registered_the_lifecycles(deployed: Deployed) -> None:
    url = deployed[1]["url"]
    for name, digest in get(f"{url}health").json["lifecycles"].items():
        registered = get(f"{url}lifecycles/{name}/registration").json
        assert (registered["digest"], registered["current"]) == (digest, True)


def test_errors_are_problems_with_the_request_id_of_the_answer(deployed: Deployed) -> None:
    answer = get(f"{deployed[1]['url']}lifecycles/none")
    assert answer.code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_cors_is_as_the_stage_declares(deployed: Deployed) -> None:
    headers = get(f"{deployed[1]['url']}health", Origin="https://example.org").headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Request-Id" in headers["Access-Control-Expose-Headers"]


def test_logs_hold_the_request_id(deployed: Deployed) -> None:
    user, report = deployed
    request_id = get(f"{report['url']}health").headers["X-Request-Id"]
    logs = user.client("logs")

    def answered() -> list[dict[str, Any]]:
        events = logs.filter_log_events(logGroupName="/aws/lambda/mdlc-local")["events"]
        return [json.loads(e["message"]) for e in events if request_id in e["message"]]

    (line,) = eventually(answered)
    assert (line["message"], line["route"], line["status"]) == ("answered", "/health", 200)


def test_the_nightly_rule_starts_the_workflow(deployed: Deployed) -> None:
    user, _ = deployed
    (machine,) = user.client("stepfunctions").list_state_machines()["stateMachines"]
    (target,) = user.client("events").list_targets_by_rule(Rule="mdlc-local-nightly-register")["Targets"]
    assert target["Arn"] == machine["stateMachineArn"]
    role = user.client("iam").get_role_policy(
        RoleName=target["RoleArn"].rsplit("/", 1)[1], PolicyName="start"
    )
    (statement,) = role["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("states:StartExecution", target["Arn"])


def test_every_function_has_a_role_of_its_own_with_its_own_policy(deployed: Deployed) -> None:
    user, _ = deployed
    functions = user.client("lambda").list_functions()["Functions"]
    roles = {function["FunctionName"]: function["Role"].rsplit("/", 1)[1] for function in functions}
    assert len(roles) == 3
    assert len(set(roles.values())) == 3


def test_a_change_of_code_is_live_after_the_next_deploy_and_nothing_else_is_touched(
    deployed: Deployed,
) -> None:
    user, report = deployed
    registered = get(f"{report['url']}lifecycles/flights/registration").json["digest"]
    health = user.project.root / "app" / "health.py"
    health.write_text(health.read_text().replace('"stage": self.stage', '"stage": self.stage, "new": 1'))
    flights = user.project.root / "app" / "lifecycles" / "flights.py"
    flights.write_text(flights.read_text().replace("ge=1987", "ge=2000"))
    done = user.mdlc("deploy", "--json")
    assert done.code == 0, done.error
    details = {step["name"]: step["detail"] for step in done.json["steps"]}
    assert details == {
        "package": "dependencies unchanged",
        "stack": "unchanged",
        "layer": "unchanged",
        "functions": "3 deployed",
        "workflows": "1 unchanged",
        "mappings": "none declared",
        "check": "healthy, lifecycles registered",
    }
    assert done.json["url"] == report["url"]
    assert get(f"{report['url']}health").json["new"] == 1
    live = get(f"{report['url']}lifecycles/flights/registration").json
    assert live["current"]
    assert live["digest"] != registered


def test_a_wrong_declaration_stops_the_deploy_with_its_line(deployed: Deployed) -> None:
    user, _ = deployed
    path = user.project.root / "app" / "lifecycles" / "retail.py"
    right = path.read_text()
    path.write_text(right.replace('event_time="invoiced_at"', 'event_time="invoiced"'))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "event_time=" in text)
    done = user.mdlc("deploy")
    path.write_text(right)
    assert done.code == Exit.FAILURE
    assert re.search(rf"app/lifecycles/retail\.py:{line}: event_time 'invoiced' is no column", done.error)
    assert "Traceback" not in done.error


def test_a_full_bucket_is_not_removed_unasked(deployed: Deployed) -> None:
    user, _ = deployed
    bucket = next(b["Name"] for b in user.client("s3").list_buckets()["Buckets"] if "tables" in b["Name"])
    for _ in range(2):
        user.client("s3").put_object(Bucket=bucket, Key="k", Body=b"v")
    refused = user.mdlc("destroy")
    assert refused.code == Exit.USAGE
    assert f"{bucket}. Add --force" in refused.error
    assert get(f"{deployed[1]['url']}health").code == 200


def test_destroy_leaves_nothing_and_can_be_run_twice(deployed: Deployed) -> None:
    """The last of this module: it takes down what the others look at."""
    user, _ = deployed
    done = user.mdlc("destroy", "--force", "--json")
    assert done.code == 0, done.error
    assert {kind: left for kind, left in everything(user).items() if left} == {}
    assert not (user.project.root / ".chalice" / "deployed" / "local.json").exists()
    again = user.mdlc("destroy", "--json")
    assert again.code == 0, again.error
    assert {step["detail"] for step in again.json["steps"]} == {"none", "0 objects removed"}


@pytest.mark.long
def test_a_deploy_to_an_emulator_that_has_forgotten_everything(user: User) -> None:
    """.chalice/deployed then names what is gone: neither deploy nor destroy stops at that."""
    assert user.mdlc("deploy").code == 0
    api = next(r for r in user.project.deployed("local") if r["resource_type"] == "rest_api")
    user.client("apigateway").delete_rest_api(restApiId=api["rest_api_id"])
    user.client("lambda").delete_function(FunctionName="mdlc-local")
    done = user.mdlc("deploy", "--json")
    assert done.code == 0, done.error
    assert get(f"{done.json['url']}health").json["status"] == "ok"
    user.client("lambda").delete_function(FunctionName="mdlc-local-inspect-stage")
    assert user.mdlc("destroy", "--force").code == 0
    assert {kind: left for kind, left in everything(user).items() if left} == {}


@pytest.mark.long
def test_a_deploy_that_stopped_half_way_goes_on(user: User) -> None:
    path = user.project.root / "workflows" / "register.asl.json"
    right = path.read_text()
    path.write_text(right.replace("InspectStageFunctionArn", "NobodyFunctionArn"))
    stopped = user.mdlc("deploy")
    assert stopped.code == Exit.FAILURE
    assert "Done so far: package, " in stopped.error
    assert "register.asl.json names NobodyFunctionArn, which no function has" in stopped.error
    path.write_text(right)
    assert user.mdlc("deploy").code == 0
    assert user.mdlc("destroy").code == 0


@pytest.mark.long
def test_functions_that_chalice_made_but_did_not_record_are_found(user: User) -> None:
    """Chalice records nothing of a first deploy that fails: neither deploy nor destroy relies on its
    record."""
    config = user.project.root / ".chalice" / "config.json"
    right = config.read_text()
    broken = json.loads(right)
    functions = broken["stages"]["local"]["lambda_functions"]
    functions["register-lifecycle"]["lambda_memory_size"] = 1
    config.write_text(json.dumps(broken))
    stopped = user.mdlc("deploy")
    assert stopped.code == Exit.FAILURE
    assert (
        "`chalice deploy` failed at `Creating lambda function: mdlc-local-register-lifecycle`"
        in stopped.error
    )
    assert "Traceback" not in stopped.error
    assert everything(user)["functions"]
    assert not user.project.deployed("local")
    assert user.mdlc("destroy").code == 0
    assert {kind: left for kind, left in everything(user).items() if left} == {}


@pytest.mark.long
def test_a_stage_that_lost_something_fails_its_workflow_which_is_told(user: User) -> None:
    """The rule puts the failed execution into the queue; the next deploy says what is gone."""
    report = user.mdlc("deploy", "--json").json
    user.client("dynamodb").delete_table(TableName="mdlc-local-lifecycles")
    assert get(f"{report['url']}health").json["status"] == "degraded"
    states = user.client("stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    told = eventually(
        lambda: (d := states.describe_execution(executionArn=execution))["status"] != "RUNNING" and d
    )
    assert (told["status"], told["error"]) == ("FAILED", "StageIncomplete")
    assert "table mdlc-local-lifecycles" in told["cause"]
    sqs = user.client("sqs")
    queue = sqs.get_queue_url(QueueName="mdlc-local-failed-events")["QueueUrl"]
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    assert json.loads(message["Body"])["detail"]["executionArn"] == execution
    again = user.mdlc("deploy")
    assert again.code == Exit.FAILURE
    assert "table mdlc-local-lifecycles is gone: it was removed past the stack" in again.error
    user.mdlc("destroy", "--force")
