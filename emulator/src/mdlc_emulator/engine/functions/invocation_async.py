"""Events: invocations that nobody waits for, their retries, and where they go when they fail or succeed.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html An error of the function
is tried again after one and after two minutes (`LAMBDA_RETRY_BASE_DELAY` seconds and twice that), up to
MaximumRetryAttempts times. Throttles and errors of the service are tried again, in steps that double from
one second to five minutes, until the event is older than MaximumEventAgeInSeconds.

LocalStack has a queue, a polling thread and a pool of workers for each version; here one queue serves all.
"""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from localstack.aws.api.lambda_ import ResourceNotFoundException, TooManyRequestsException
from localstack.services.lambda_.invocation.lambda_models import EventInvokeConfig, Function, InvocationResult

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.functions import destinations
from mdlc_emulator.engine.functions.invocation_call import Call, Target, resolve
from mdlc_emulator.engine.functions.invocation_event import Event
from mdlc_emulator.engine.functions.invocation_metrics import Metrics

LOG = logging.getLogger(__name__)
WORKERS = 1000
"""Events that may run at once: Lambda's own concurrency is the real limit. Threads are made as they are
needed."""
MAXIMUM_RETRIES = 2
MAXIMUM_AGE_SECONDS = 6 * 60 * 60
LONGEST_BACKOFF_SECONDS = 5 * 60

RETRY_BASE_SECONDS = 60.0

type Run = Callable[[Call, Target], InvocationResult]


def retry_base_seconds() -> float:
    """Seconds before the first retry: a minute, unless LAMBDA_RETRY_BASE_DELAY says otherwise."""
    return float(os.environ.get("LAMBDA_RETRY_BASE_DELAY") or RETRY_BASE_SECONDS)


class AsyncInvocations:
    """The queue of events, driven by the engine's clock."""

    def __init__(self, run: Run, metrics: Metrics) -> None:
        self._run = run
        self._metrics = metrics
        self._ending = False
        self._waiting = 0
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="lambda-event")

    def add(self, call: Call, qualifier: str) -> None:
        """Take an event. `qualifier` is the one it was sent to: its configuration applies."""
        self._metrics.record(
            call.account, call.region, call.name, _resource(call), {"AsyncEventsReceived": 1}
        )
        self._submit(Event(call, qualifier, clock.now()))

    def stop(self) -> None:
        """Start nothing any more. Events that wait for a retry end with the emulator."""
        self._ending = True
        if self._waiting:
            LOG.warning("%d events that waited for a retry end with the emulator", self._waiting)
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _submit(self, event: Event) -> None:
        if not self._ending:
            self._workers.submit(self._handle, event)

    def _later(self, event: Event, delay: float) -> None:
        self._waiting += 1

        def due() -> None:
            self._waiting -= 1
            self._submit(event)

        clock.call_at(clock.now() + delay, due)

    # -- one event

    def _handle(self, event: Event) -> None:
        try:
            self._attempt(event)
        except ResourceNotFoundException:
            LOG.info("The function %s was deleted: its event %s ends", event.call.name, event.call.request_id)
        except Exception:
            LOG.exception("The event %s of %s was lost", event.call.request_id, event.call.name)

    def _attempt(self, event: Event) -> None:
        target = resolve(event.call)
        settings = target.function.event_invoke_configs.get(event.qualifier)
        call = event.call
        self._metrics.record(
            call.account,
            call.region,
            call.name,
            _resource(call),
            {"AsyncEventAge": round((clock.now() - event.received) * 1000)},
        )
        try:
            result = self._run(call, target)
        except ResourceNotFoundException:
            raise
        except Exception as error:  # noqa: BLE001 - whatever keeps the function from running is tried again
            self._refused(event, target, settings, error)
            return
        event.attempts += 1
        event.refusals = 0
        if not result.is_error:
            destinations.deliver(destinations.success(event, target, result), settings, target)
            return
        delay = event.attempts * retry_base_seconds()
        if target.function.reserved_concurrent_executions == 0:
            self._give_up(event, target, settings, "ZeroReservedConcurrency", result)
        elif event.attempts > _retries(settings):
            self._give_up(event, target, settings, "RetriesExhausted", result)
        elif self._too_old(event, settings, delay):
            self._give_up(event, target, settings, "EventAgeExceeded", result)
        else:
            self._later(event, delay)

    def _refused(
        self, event: Event, target: Target, settings: EventInvokeConfig | None, error: Exception
    ) -> None:
        if not isinstance(error, TooManyRequestsException):
            LOG.warning("%s could not run an event: %s", event.call.name, error)
        delay = min(2**event.refusals, LONGEST_BACKOFF_SECONDS)
        if isinstance(error, TooManyRequestsException) and _switched_off(target.function):
            self._give_up(event, target, settings, "ZeroReservedConcurrency", None)
        elif self._too_old(event, settings, delay):
            self._give_up(event, target, settings, "EventAgeExceeded", None)
        else:
            event.refusals += 1
            self._later(event, delay)

    def _too_old(self, event: Event, settings: EventInvokeConfig | None, delay: float) -> bool:
        longest = settings.maximum_event_age_in_seconds if settings else None
        return clock.now() - event.received + delay > (longest or MAXIMUM_AGE_SECONDS)

    def _give_up(
        self,
        event: Event,
        target: Target,
        settings: EventInvokeConfig | None,
        condition: str,
        result: InvocationResult | None,
    ) -> None:
        call = event.call
        self._metrics.record(call.account, call.region, call.name, _resource(call), {"AsyncEventsDropped": 1})
        destinations.deliver(destinations.failure(event, target, condition, result), settings, target)
        destinations.dead_letter(event, target, result)


def _resource(call: Call) -> str:
    return f"{call.name}:{call.qualifier}" if call.qualifier else call.name


def _retries(settings: EventInvokeConfig | None) -> int:
    attempts = settings.maximum_retry_attempts if settings else None
    return MAXIMUM_RETRIES if attempts is None else attempts


def _switched_off(function: Function) -> bool:
    return function.reserved_concurrent_executions == 0
