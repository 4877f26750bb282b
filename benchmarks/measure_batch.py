"""AWS Batch: what a job costs beyond the program that it runs, alone and with others; every job must have
done its work."""

import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from mdlc_emulator.environments.algorithms import ALGORITHMS

from benchmarks.clients import CREDENTIALS, WrongAnswerError
from benchmarks.samples import percentile

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
"""Runs in the environment `algorithms`, which has what `WORK` imports."""
WORK = "import pandas; print(len(pandas.DataFrame({'a': range(1000)})))"
BUSY = "import time\nend = time.process_time() + 1\nwhile time.process_time() < end: pass\nprint('done')"
ROUNDS = 7
NICE = "10"
CHILDREN = 100
AT_ONCE = 4

type Row = dict[str, Any]


def run(endpoint_url: str) -> list[Row]:
    """The figures of the emulator at `endpoint_url`."""
    bench = _Bench(endpoint_url)
    try:
        return [*bench.alone(), *bench.together(), *bench.array()]
    finally:
        bench.remove()


class _Bench:
    def __init__(self, endpoint_url: str) -> None:
        ALGORITHMS.build()
        self.python = str(ALGORITHMS.place() / "bin" / "python")
        client: Any = boto3.client
        self.batch = client("batch", endpoint_url=endpoint_url, **CREDENTIALS)
        self.logs = client("logs", endpoint_url=endpoint_url, **CREDENTIALS)
        self.name = f"bench-{uuid.uuid4().hex[:8]}"
        resources = {
            "type": "EC2",
            "maxvCpus": 16,
            "instanceTypes": ["optimal"],
            "instanceRole": "ecsInstanceRole",
            "subnets": ["subnet-1"],
        }
        self.batch.create_compute_environment(
            computeEnvironmentName=self.name, type="MANAGED", computeResources=resources
        )
        self._settled(self._environment)
        order = [{"order": 1, "computeEnvironment": self.name}]
        self.batch.create_job_queue(jobQueueName=self.name, priority=1, computeEnvironmentOrder=order)
        self._settled(self._queue)
        sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
        properties = {"image": IMAGE, "command": ["true"], "resourceRequirements": sizes}
        self.batch.register_job_definition(
            jobDefinitionName=self.name, type="container", containerProperties=properties
        )

    def alone(self) -> list[Row]:
        """The same program in turn by hand and as a job: the best of each, since other work on the machine is
        part of all others."""
        self._job(WORK)
        self._by_hand(WORK)
        jobs, by_hand = [], []
        for _ in range(ROUNDS):
            by_hand.append(self._by_hand(WORK))
            jobs.append(self._job(WORK, "1000"))
        submitted = []
        for _ in range(20):
            since = time.perf_counter()
            job_id = self._submit("true")
            submitted.append(1000 * (time.perf_counter() - since))
            self._ended(job_id)
        return [
            {
                "name": f"a job, beyond the same program run by hand, best of {ROUNDS}",
                "ours": min(jobs) - min(by_hand),
                "unit": "s",
                "target": 0.5,
                "stretch": 0.1,
            },
            {"name": "the program by hand", "ours": min(by_hand), "unit": "s"},
            {"name": "SubmitJob, p50", "ours": percentile(submitted, 0.5), "unit": "ms"},
        ]

    def together(self) -> list[Row]:
        """Jobs that use a processor each, while somebody asks."""
        looks: list[float] = []
        over = threading.Event()
        asked = self._submit("true")
        self._ended(asked)

        def look() -> None:
            while not over.wait(0.005):
                since = time.perf_counter()
                self.batch.describe_jobs(jobs=[asked])
                looks.append(1000 * (time.perf_counter() - since))

        thread = threading.Thread(target=look)
        thread.start()
        since = time.perf_counter()
        ids = [self._submit(self.python, "-c", BUSY) for _ in range(AT_ONCE)]
        for job_id in ids:
            self._ended(job_id, "done")
        took = time.perf_counter() - since
        over.set()
        thread.join()
        since = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._by_hand, [BUSY] * AT_ONCE))
        by_hand = time.perf_counter() - since
        return [
            {
                "name": f"DescribeJobs while {AT_ONCE} jobs use a processor each, p99",
                "ours": percentile(looks, 0.99),
                "unit": "ms",
                "target": 50,
            },
            {"name": f"{AT_ONCE} such jobs, time by hand of them", "ours": took / by_hand, "unit": "ratio"},
        ]

    def array(self) -> list[Row]:
        """Children that do nothing: what Batch itself costs."""
        since = time.perf_counter()
        job_id = self._submit("true", arrayProperties={"size": CHILDREN})
        self._ended(job_id)
        took = 1000 * (time.perf_counter() - since) / CHILDREN
        return [{"name": f"an array of {CHILDREN} jobs `true`, each", "ours": took, "unit": "ms"}]

    def _by_hand(self, program: str) -> float:
        since = time.perf_counter()
        # As nice as jobs are: on a busy machine it would otherwise be the niceness that is measured.
        command = ["nice", "-n", NICE, self.python, "-c", program]
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - since

    def _job(self, program: str, said: str | None = None) -> float:
        since = time.perf_counter()
        job_id = self._submit(self.python, "-c", program)
        self._ended(job_id)
        took = time.perf_counter() - since
        if said is not None:
            self._ended(job_id, said)
        return took

    def _submit(self, *command: str, **settings: Any) -> str:
        answer = self.batch.submit_job(
            jobName="bench",
            jobQueue=self.name,
            jobDefinition=self.name,
            containerOverrides={"command": list(command)},
            **settings,
        )
        return str(answer["jobId"])

    def _ended(self, job_id: str, said: str | None = None) -> None:
        while True:
            [job] = self.batch.describe_jobs(jobs=[job_id])["jobs"]
            if job["status"] in ("SUCCEEDED", "FAILED"):
                break
            time.sleep(0.005)
        if job["status"] != "SUCCEEDED":
            raise WrongAnswerError(f"The job {job_id} is {job['status']}: {job.get('statusReason')}")
        if said is not None:
            stream = job["container"]["logStreamName"]
            events = self.logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)["events"]
            if [event["message"] for event in events] != [said]:
                raise WrongAnswerError(f"The job {job_id} has not written {said!r} but {events}")

    def remove(self) -> None:
        self.batch.update_job_queue(jobQueue=self.name, state="DISABLED")
        self._settled(self._queue)
        self.batch.delete_job_queue(jobQueue=self.name)
        while self._queue():
            time.sleep(0.02)
        self.batch.update_compute_environment(computeEnvironment=self.name, state="DISABLED")
        self._settled(self._environment)
        self.batch.delete_compute_environment(computeEnvironment=self.name)

    def _environment(self) -> list[dict[str, Any]]:
        answer = self.batch.describe_compute_environments(computeEnvironments=[self.name])
        return list(answer["computeEnvironments"])

    def _queue(self) -> list[dict[str, Any]]:
        return list(self.batch.describe_job_queues(jobQueues=[self.name])["jobQueues"])

    def _settled(self, look: Any) -> None:
        while look()[0]["status"] != "VALID":
            time.sleep(0.01)
