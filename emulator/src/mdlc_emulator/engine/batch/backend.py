"""Batch's operations as one table. Pure.

What is not in it is answered as unsupported, in a sentence: service environments and service jobs, quota
shares, consumable resources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.definitions import Definitions
from mdlc_emulator.engine.batch.dispatch import Dispatcher
from mdlc_emulator.engine.batch.environments import Environments
from mdlc_emulator.engine.batch.jobs import Jobs
from mdlc_emulator.engine.batch.model import Store
from mdlc_emulator.engine.batch.policies import Policies
from mdlc_emulator.engine.batch.ports import World
from mdlc_emulator.engine.batch.queues import Queues
from mdlc_emulator.engine.batch.runner import Runner
from mdlc_emulator.engine.batch.submission import Submission
from mdlc_emulator.engine.batch.tags import Tags
from mdlc_emulator.engine.containers.contract import Containers

type Handler = Callable[[Caller, dict[str, Any]], Any]


@dataclass
class Batch:
    """All of it, put together; `operations` answers the API."""

    store: Store
    dispatcher: Dispatcher
    operations: dict[str, Handler]


def batch(world: World, containers: Callable[[], Containers], machine: float) -> Batch:
    """`machine` is how many vCPU the jobs of all accounts may hold at once on this machine."""
    store = Store()
    dispatcher = Dispatcher(store, world, machine)
    dispatcher.starter = Runner(store, dispatcher, world, containers)
    environments = Environments(store, dispatcher.poke)
    queues = Queues(store, environments, dispatcher, dispatcher.poke)
    definitions = Definitions(store)
    policies = Policies(store, dispatcher.poke)
    submission = Submission(store, queues, definitions, dispatcher)
    jobs = Jobs(store, queues, dispatcher)
    tags = Tags(store)
    return Batch(
        store,
        dispatcher,
        {
            "CreateComputeEnvironment": environments.create,
            "UpdateComputeEnvironment": environments.update,
            "DescribeComputeEnvironments": environments.describe,
            "DeleteComputeEnvironment": environments.delete,
            "CreateJobQueue": queues.create,
            "UpdateJobQueue": queues.update,
            "DescribeJobQueues": queues.describe,
            "DeleteJobQueue": queues.delete,
            "GetJobQueueSnapshot": jobs.snapshot,
            "CreateSchedulingPolicy": policies.create,
            "UpdateSchedulingPolicy": policies.update,
            "DescribeSchedulingPolicies": policies.describe,
            "ListSchedulingPolicies": policies.list,
            "DeleteSchedulingPolicy": policies.delete,
            "RegisterJobDefinition": definitions.register,
            "DeregisterJobDefinition": definitions.deregister,
            "DescribeJobDefinitions": definitions.describe,
            "SubmitJob": submission.submit,
            "DescribeJobs": jobs.describe,
            "ListJobs": jobs.list_jobs,
            "CancelJob": jobs.cancel,
            "CancelJobs": jobs.cancel_many,
            "TerminateJob": jobs.terminate,
            "TerminateJobs": jobs.terminate_many,
            "TagResource": tags.tag,
            "UntagResource": tags.untag,
            "ListTagsForResource": tags.list,
        },
    )
