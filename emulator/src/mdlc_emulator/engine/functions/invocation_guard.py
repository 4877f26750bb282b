"""The last look at an invocation's errors, the same on every way in: a client only ever sees Lambda's own."""

import logging

from localstack.aws.api import ServiceException
from localstack.aws.api import lambda_ as api
from localstack.services.lambda_.invocation.execution_environment import EnvironmentStartupTimeoutException

from mdlc_emulator.engine.functions.invocation_call import Answer, Call
from mdlc_emulator.engine.functions.invocation_service import InvocationService

LOG = logging.getLogger(__name__)


def guarded(service: InvocationService, call: Call) -> Answer:
    """`service.call`, with what is no exception of Lambda's turned into a ServiceException (500)."""
    try:
        return service.call(call)
    except ServiceException:
        raise
    except EnvironmentStartupTimeoutException as error:
        raise api.ServiceException(  # type: ignore[attr-defined]
            f"[{call.request_id}] Timeout while starting up lambda environment for function "
            f"{call.name}:{call.qualifier}"
        ) from error
    except Exception as error:
        LOG.exception("[%s] Error while invoking lambda %s", call.request_id, call.name)
        raise api.ServiceException(  # type: ignore[attr-defined]
            f"[{call.request_id}] Internal error while executing lambda {call.name}:{call.qualifier}. "
            f"Caused by {type(error).__name__}: {error}"
        ) from error
