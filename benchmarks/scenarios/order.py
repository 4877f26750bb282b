"""The order in which one emulator is asked.

Idle memory is read in an emulator of its own that nothing has asked yet; the twelve services are used before
fifty functions run at once.
"""

from benchmarks.scenarios import functions, memory, routes, start, workflows
from benchmarks.scenarios.plan import Step

AT_REST: tuple[Step, ...] = (
    Step("ready", ("ready",), start.ready),
    Step("memory", ("memory_idle", "memory_idle_pss"), memory.idle),
)

IN_USE: tuple[Step, ...] = (
    Step("ready", ("ready",), start.ready),
    Step("ready", ("first_api_answer",), start.first_api_answer),
    Step("lambda", ("lambda_first",), functions.first),
    Step("memory", ("memory_12", "memory_12_pss"), memory.used),
    Step("lambda", ("lambda_cold", "lambda_create_and_call"), functions.cold),
    Step("lambda", ("lambda_warm", "lambda_warm_p99", "lambda_warm_cpu"), functions.warm),
    Step("stepfunctions", ("sfn_pass",), workflows.passes),
    Step("stepfunctions", ("sfn_five_tasks", "sfn_task"), workflows.tasks),
    Step("gateway", ("api_get_p50", "api_get_p99"), routes.get),
    Step("parallel", ("parallel_50",), functions.parallel),
    Step("parallel", ("parallel_one",), functions.scaled),
)
