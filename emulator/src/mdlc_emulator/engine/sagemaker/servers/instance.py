"""One instance of a model: the servers of all its containers, as a request sees them.

A model of several containers passes each answer on as the next one's request:
https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-real-time.html
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from mdlc_emulator.engine.containers.contract import Exit
from mdlc_emulator.engine.containers.logs import LogWriter
from mdlc_emulator.engine.sagemaker.models.plan import ModelPlan
from mdlc_emulator.engine.sagemaker.servers import health
from mdlc_emulator.engine.sagemaker.servers.many import Models
from mdlc_emulator.engine.sagemaker.servers.server import STOP_GRACE, Server, ServerError
from mdlc_emulator.engine.sagemaker.servers.wire import Body, Headers, Reply

_HANDED_ON = ("content-type", "x-amzn-sagemaker-custom-attributes")
"""Headers of an answer that go to the next container of a row."""


class InstanceError(Exception):
    """An instance did not come into service: `label` names the container, `why` says what happened, `asked`
    whether its server ran and was asked for /ping."""

    def __init__(self, label: str, why: str, *, asked: bool = False) -> None:
        super().__init__(f"{label}: {why}")
        self.label, self.why, self.asked = label, why, asked


class Down(NamedTuple):
    """An instance that is no longer in service: what happened, and whether its servers still answer what they
    have taken."""

    what: str
    answers: bool


class Answered(NamedTuple):
    """A container's answer, and which container gave it."""

    label: str
    reply: Reply


class Instance:
    """Started by `start`; `enter` and `leave` around each request, so that `close` can wait for the last."""

    def __init__(
        self, plan: ModelPlan, sink: Callable[[str], LogWriter], memory_mib: int | None = None
    ) -> None:
        """`sink(log stream below the variant)` gives where the lines of a container go."""
        self.plan = plan
        self.id = f"i-{secrets.token_hex(8)}0"
        self._sink, self._memory_mib = sink, memory_mib
        self._servers: list[Server] = []
        self._models: dict[str, Models] = {}
        self._idle = threading.Condition()
        self._closing = False
        self._checks: health.HealthChecks | None = None
        self.outstanding = 0
        self.up = False

    def start(self, timeout: float) -> None:
        """All its servers, until every one has answered /ping. InstanceError; then nothing is left."""
        many = len(self.plan.containers) > 1
        self._servers = [
            Server(
                container,
                self.plan.caller,
                f"{self.plan.name}-{container.label}-{self.id}",
                self.plan.isolated,
                self._sink(f"{self.id}/{container.label}" if many else self.id),
                self._memory_mib,
            )
            for container in self.plan.containers
        ]
        if self._closing:  # stopped before there was anything to stop
            self.stop(0.0)
        try:
            if many:
                with ThreadPoolExecutor(len(self._servers)) as threads:
                    list(threads.map(lambda server: _bring_up(server, timeout), self._servers))
            else:
                _bring_up(self._servers[0], timeout)
        except InstanceError:
            self.stop()
            raise
        for server in self._servers:
            if server.plan.many is not None:
                self._models[server.plan.label] = Models(
                    server.wire,
                    self.plan.caller,
                    server.plan.many,
                    server.models,
                    server.plan.cached,
                )
        self.up = True

    def when_down(self, call: Callable[[Down], None]) -> None:
        """Ping the servers from now on. `call` is called once, in a thread of its own, if one of them ends
        before it is stopped or fails its pings; the instance then takes no further request."""
        told = threading.Lock()

        def down(what: str, answers: bool) -> None:
            with self._idle:  # no request enters, or is counted before this
                self.up = False
            if not self._closing and told.acquire(blocking=False):
                call(Down(what, answers))

        def over(server: Server) -> Callable[[Exit], None]:
            def ended(exit_: Exit) -> None:
                down(
                    f"{server.plan.label} ended with exit code {exit_.code} ({exit_.ending.value})",
                    answers=False,
                )

            return ended

        for server in self._servers:
            server.when_over(over(server))
        self._checks = health.HealthChecks(
            f"Instance {self.id} of model {self.plan.name}",
            [health.Server(server.plan.label, server.wire) for server in self._servers],
            goes_on=lambda: self.up and not self._closing,
            busy=lambda: self.outstanding > 0,
            failed=lambda what, silent: down(what, answers=not silent),
        )
        self._checks.start()

    @property
    def doubtful(self) -> bool:
        """Whether the last ping of one of its servers failed: another instance is the better choice."""
        return self._checks is not None and self._checks.doubtful

    def enter(self) -> bool:
        """Count a request; False when the instance takes none any more."""
        with self._idle:
            if self._closing or not self.up:
                return False
            self.outstanding += 1
            return True

    def leave(self) -> None:
        with self._idle:
            self.outstanding -= 1
            if not self.outstanding:
                self._idle.notify_all()

    @property
    def containers(self) -> list[str]:
        return [container.label for container in self.plan.containers]

    @property
    def holds_many(self) -> bool:
        return bool(self._models)

    @property
    def process_ids(self) -> list[int]:
        return [server.process_id for server in self._servers]

    def ask(
        self,
        headers: Headers,
        body: Body,
        timeout: float,
        target_model: str | None = None,
        target_container: str | None = None,
    ) -> Answered:
        """One invocation, through all containers or only the one named. An answer that is no success ends
        the row. UnansweredError, ModelMissingError, NotLoadedError."""
        servers = self._servers
        if target_container is not None:
            servers = [server for server in servers if server.plan.label == target_container]
        answered = None
        for server in servers:
            label = server.plan.label
            path = "/invocations"
            models = self._models.get(label)
            if models is not None and target_model is not None:
                path = models.path(target_model)
            reply = server.wire.ask("POST", path, headers, body, timeout)
            if models is not None and target_model is not None:
                models.done(target_model)
            answered = Answered(label, reply)
            if not 200 <= reply.status < 300:
                break
            if server is not servers[-1]:
                headers = _handed_on(headers, reply)
                body = reply.body
        assert answered is not None
        return answered

    def server(self) -> Server:
        """The first server: what is asked for execution parameters."""
        return self._servers[0]

    def close(self, within: float) -> None:
        """Take no further request, wait until those under way are answered (`within` seconds at most), then
        stop."""
        with self._idle:
            self._closing = True
            self._idle.wait_for(lambda: not self.outstanding, within)
        self.stop()

    def stop(self, grace: float = STOP_GRACE) -> None:
        """SIGTERM to the servers, SIGKILL after `grace` seconds. Returns at once."""
        self._closing = True
        self.up = False
        for server in self._servers:
            server.stop(grace)


def _bring_up(server: Server, timeout: float) -> None:
    asked = False
    try:
        server.start()
        asked = True
        server.await_ready(timeout)
    except ServerError as error:
        raise InstanceError(server.plan.label, str(error), asked=asked) from error


def _handed_on(headers: Headers, reply: Reply) -> Headers:
    taken = {name: reply.headers[name] for name in _HANDED_ON if name in reply.headers}
    return [(name, value) for name, value in headers if name.lower() not in taken] + list(taken.items())
