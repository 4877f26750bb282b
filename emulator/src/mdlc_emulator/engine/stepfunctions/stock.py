"""The names of LocalStack's interpreter that this package works with, in one place. Import it after
`without_jvm()`."""

from localstack.aws.api.stepfunctions import (
    EvaluationFailedEventDetails,
    ExecutionAbortedEventDetails,
    ExecutionFailedEventDetails,
    ExecutionStartedEventDetails,
    ExecutionSucceededEventDetails,
    ExecutionTimedOutEventDetails,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
    TaskFailedEventDetails,
)
from localstack.services.stepfunctions.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localstack.services.stepfunctions.asl.component.eval_component import EvalComponent
from localstack.services.stepfunctions.asl.component.program.program import Program
from localstack.services.stepfunctions.asl.component.state.state import CommonStateField
from localstack.services.stepfunctions.asl.component.state.state_execution.execute_state import ExecutionState
from localstack.services.stepfunctions.asl.eval.environment import Environment
from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localstack.services.stepfunctions.asl.eval.event.event_manager import EventManager
from localstack.services.stepfunctions.asl.eval.program_state import (
    ProgramEnded,
    ProgramError,
    ProgramRunning,
    ProgramState,
    ProgramStopped,
    ProgramTimedOut,
)
from localstack.services.stepfunctions.asl.utils.json_path import NoSuchJsonPathError

__all__ = [
    "CommonStateField",
    "CustomErrorName",
    "Environment",
    "EvalComponent",
    "EvaluationFailedEventDetails",
    "EventDetails",
    "EventManager",
    "ExecutionAbortedEventDetails",
    "ExecutionFailedEventDetails",
    "ExecutionStartedEventDetails",
    "ExecutionState",
    "ExecutionSucceededEventDetails",
    "ExecutionTimedOutEventDetails",
    "FailureEvent",
    "FailureEventException",
    "HistoryEventExecutionDataDetails",
    "HistoryEventType",
    "NoSuchJsonPathError",
    "Program",
    "ProgramEnded",
    "ProgramError",
    "ProgramRunning",
    "ProgramState",
    "ProgramStopped",
    "ProgramTimedOut",
    "StatesErrorName",
    "StatesErrorNameType",
    "TaskFailedEventDetails",
]
