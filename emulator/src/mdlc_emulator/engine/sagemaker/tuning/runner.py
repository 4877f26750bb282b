"""The thread of a tuning job: starts training jobs, looks at what they print, ends.

Training jobs put what happens to them into the tuning job's inbox; nothing is polled.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.training import operations as training
from mdlc_emulator.engine.sagemaker.tuning import completion, early, strategies, warm
from mdlc_emulator.engine.sagemaker.tuning.checks import resources
from mdlc_emulator.engine.sagemaker.tuning.definitions import Definition
from mdlc_emulator.engine.sagemaker.tuning.experiments import joined
from mdlc_emulator.engine.sagemaker.tuning.job import Trial, TuningJob, tell
from mdlc_emulator.engine.sagemaker.tuning.ranges import Assignment, combinations

LOG = logging.getLogger(__name__)

ATTEMPTS = 5
"""Training jobs without a success after which a tuning job gives up."""

STOP, DEADLINE = "stop", "deadline"


class _Search:
    """What one definition of training jobs tries next."""

    def __init__(self, job: TuningJob, definition: Definition, seed: int, most: int) -> None:
        self.definition = definition
        self.strategy = strategies.make(job.config["Strategy"], definition.ranges, seed, most)
        self.first: deque[Assignment] = deque(warm.learn(job, definition, self.strategy, most))
        self.stopping = _stopping(job, definition)

    def ask(self) -> Assignment | None:
        return self.first.popleft() if self.first else self.strategy.ask()


def _stopping(job: TuningJob, definition: Definition) -> early.EarlyStop:
    if job.config["Strategy"] == "Hyperband":
        return early.Hyperband(*resources(job.config, definition))
    if job.config.get("TrainingJobEarlyStoppingType") == "Auto":
        return early.MedianRule()
    return early.Never()


class Runner:
    """Everything of it but `stop` runs in the thread of the job."""

    def __init__(self, job: TuningJob) -> None:
        self._job = job
        limits = job.config["ResourceLimits"]
        self._parallel: int = limits["MaxParallelTrainingJobs"]
        space = sum(combinations(each.ranges) for each in job.definitions)
        self._most: int = limits.get("MaxNumberOfTrainingJobs") or int(space)
        seed = job.config.get("RandomSeed")
        start = secrets.randbits(32) if seed is None else seed
        self._searches = [
            _Search(job, each, start + number, self._most) for number, each in enumerate(job.definitions)
        ]
        self._running: list[Trial] = []
        self._scores: list[float] = []
        self._exhausted = False
        self._outcome: tuple[str, str | None] | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"tuning-{self._job.name}", daemon=True).start()

    def _run(self) -> None:
        job = self._job
        runtime = job.config["ResourceLimits"].get("MaxRuntimeInSeconds")
        timer = runtime and clock.call_at(job.created + runtime, lambda: job.inbox.put(DEADLINE))
        try:
            tell(job, clock.now())
            while self._outcome is None or self._running:
                self._fill()
                if not self._running:
                    break
                message = job.inbox.get()
                if message is None:
                    return
                self._take(message)
            status, reason = self._outcome or self._summed_up()
        except Exception as error:
            LOG.exception("The tuning job %s failed.", job.name)
            self._stop_all()
            status, reason = "Failed", f"InternalServerError: {error}"
        finally:
            if timer:
                timer.cancel()
        self._end(status, reason)

    def _fill(self) -> None:
        """Start training jobs up to the limits."""
        job = self._job
        while (
            self._outcome is None
            and not self._exhausted
            and len(self._running) < self._parallel
            and len(job.trials) < self._most
        ):
            try:
                self._launch()
            except AwsError as error:
                if error.code == "ResourceLimitExceeded" and self._running:
                    return  # again when one of ours has ended
                self._finish("Failed", f"ClientError: {error.message}")

    def _launch(self) -> None:
        """The next training job; definitions take turns."""
        job = self._job
        number = len(job.trials)
        for offset in range(len(self._searches)):
            search = self._searches[(number + offset) % len(self._searches)]
            assignment = search.ask()
            if assignment is not None:
                break
        else:
            self._exhausted = True
            return
        name = f"{job.name}-{number + 1:03d}-{secrets.token_hex(4)}"
        tags = [{"Key": key, "Value": value} for key, value in job.tags.items()]
        request = search.definition.request(name, assignment, tags)
        try:
            made = training.launch(job.caller, request, tuning_job_arn=job.arn)
        except AwsError:
            search.first.appendleft(assignment)
            raise
        trial = Trial(number, search.definition, assignment, made)
        with STORE.lock:
            job.trials.append(trial)
            job.touch()
        self._running.append(trial)
        joined(job, made)
        training.watch(
            made,
            on_metric=lambda name, value, at: job.inbox.put((trial, name, value)),
            on_over=lambda over: job.inbox.put((trial, None, None)),
        )

    def _take(self, message: Any) -> None:
        if message in (STOP, DEADLINE):
            self._finish("Stopped" if message == STOP else "Completed", None)
            return
        trial, name, value = message
        if name is None:
            self._over(trial)
        elif name == trial.definition.metric:
            trial.values.append(value)
            self._consider(trial)

    def _consider(self, trial: Trial) -> None:
        """Stop the job that printed a value if there is no hope in it."""
        search = self._search_of(trial)
        sign = trial.definition.sign
        earlier = [
            [sign * value for value in each.values]
            for each in self._job.trials
            if each.over and each.definition is trial.definition and each.values
        ]
        values = [sign * value for value in trial.values]
        if search.stopping.hopeless(trial.number, values, earlier):
            _stop(trial)

    def _search_of(self, trial: Trial) -> _Search:
        return next(each for each in self._searches if each.definition is trial.definition)

    def _over(self, trial: Trial) -> None:
        job = self._job
        with STORE.lock:
            trial.over = True
            job.touch()
        self._running.remove(trial)
        score = trial.score
        self._search_of(trial).strategy.tell(trial.assignment, score)
        if score is not None:
            self._scores.append(score)
            job.not_improving = completion.not_improving(self._scores)
            if job.converged_at is None and completion.converged(self._scores):
                job.converged_at = clock.now()
        if self._outcome is None:
            self._judge(trial)

    def _judge(self, trial: Trial) -> None:
        """Whether the tuning job has found enough, or has nothing to hope for."""
        over = [each for each in self._job.trials if each.over]
        if not self._scores and len(over) >= ATTEMPTS:
            self._finish(*self._summed_up())
            return
        criteria = self._job.config.get("TuningJobCompletionCriteria", {})
        if completion.reason(criteria, self._scores, trial.definition.sign) is not None:
            self._finish("Completed", None)

    def _summed_up(self) -> tuple[str, str | None]:
        """How a tuning job ends whose training jobs are all over, in AWS's words."""
        trials = self._job.trials
        if self._scores or not trials:
            return "Completed", None
        count = len([trial for trial in trials if trial.over])
        if all(trial.status == "Failed" for trial in trials if trial.over):
            return "Failed", (
                f"No training job succeeded after {count} attempts. For additional details, please take a "
                "look at the training job failures by listing training jobs for the hyperparameter tuning "
                "job."
            )
        return "Failed", (
            f"No objective metrics found after running {count} training jobs. Please ensure that the custom "
            "algorithm is emitting the objective metric as defined by the regular expression provided."
        )

    def _finish(self, status: str, reason: str | None) -> None:
        """Start no more, and stop what runs."""
        self._outcome = self._outcome or (status, reason)
        self._stop_all()

    def _stop_all(self) -> None:
        for trial in self._running:
            _stop(trial)

    def _end(self, status: str, reason: str | None) -> None:
        job = self._job
        now = clock.now()
        with STORE.lock:
            members = job.members | {"HyperParameterTuningJobStatus": status}
            if reason is not None:
                members["FailureReason"] = reason
            job.members = members
            job.ended = now
            job.touch()
        tell(job, now)
        job.over.set()


def _stop(trial: Trial) -> None:
    """Stopping what has ended meanwhile is no fault."""
    try:
        training.stop(trial.job)
    except AwsError as error:
        LOG.debug("%s", error)
