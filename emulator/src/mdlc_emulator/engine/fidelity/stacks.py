"""CloudFormation makes what it can make and says so of the rest: no dummy stands for a resource of an unknown
type.

Stock LocalStack deploys types that it does not know as resources that do nothing;
`CFN_IGNORE_UNSUPPORTED_...=0` (process/settings.py) fails the stack instead. Here such a resource is counted
in the ledger as unsupported, told in a sentence without LocalStack's offers, and in strict mode resources
that would only be simulated fail too.
"""

import contextvars
from typing import Any

from localstack.services.cloudformation.cfn_utils import get_service_name
from localstack.services.cloudformation.engine.v2 import change_set_model_executor as executor
from localstack.services.cloudformation.engine.v2.change_set_model import NodeResource, is_nothing
from localstack.services.cloudformation.engine.v2.change_set_model_visitor import ChangeSetModelVisitor
from localstack.services.cloudformation.resource_provider import plugin_manager
from localstack.services.cloudformation.v2 import entities
from localstack.services.cloudformation.v2.provider import CloudformationProviderV2
from localstack.services.plugins import Service

from mdlc_emulator.engine.fidelity import recorder
from mdlc_emulator.engine.fidelity.ledger import Fidelity
from mdlc_emulator.engine.fidelity.table import Judgement, table

_CHANGE_SET: contextvars.ContextVar[Any] = contextvars.ContextVar("change_set")
_CREATING = ("Create", "Put", "Register", "Request", "Allocate", "Run")


def cloudformation_service() -> Service:
    """For LocalStack's plugin manager: the provider, with our check of templates."""
    _install()
    return Service.for_provider(CloudformationProviderV2())


class SupportChecker(ChangeSetModelVisitor):
    """What LocalStack asks about a template before it deploys it: `failure_messages`, empty when all is
    well."""

    TITLE_MESSAGE = "Unsupported resources detected:"

    def __init__(self, change_set_type: Any) -> None:
        self._change_set_type = change_set_type
        self._messages: dict[str, str] = {}

    def visit_node_resource(self, node_resource: NodeResource) -> None:
        """A resource under a condition is left to its deployment: it may never be made."""
        kind = str(getattr(node_resource.type_, "value", ""))
        if is_nothing(node_resource.condition_reference):
            judged = judge_type(kind)
            if judged.fidelity is Fidelity.UNSUPPORTED:
                _count(judged.fidelity, kind, node_resource.name)
                self._messages[kind] = judged.reason
            elif judged.fidelity is Fidelity.SIMULATED and recorder.STRICT:
                self._messages[kind] = (
                    f"{kind} would only be simulated: {judged.reason} Start the emulator without --strict to "
                    "deploy it all the same."
                )
        super().visit_node_resource(node_resource)

    @property
    def failure_messages(self) -> list[str]:
        return list(self._messages.values())


def judge_type(kind: str) -> Judgement:
    """What a resource type is worth: that of the operation that makes such resources."""
    if kind.startswith("Custom::"):
        return Judgement(Fidelity.EXECUTED)
    if not plugin_manager.exists(kind):
        reason = f"CloudFormation cannot make resources of type {kind} here: take it out of the template."
        return Judgement(Fidelity.UNSUPPORTED, reason)
    service = get_service_name(kind) or ""
    if service not in table().services:
        return Judgement(Fidelity.EXECUTED)
    wanted = {f"{verb}{kind.rsplit('::', 1)[-1]}".lower() for verb in _CREATING}
    for operation in recorder.operations_of(service):
        if operation.lower() in wanted:
            judged = recorder.judge(service, operation)
            if judged.fidelity is not Fidelity.UNSUPPORTED:
                return judged
    classes = table().services[service]
    return Judgement(classes.native, classes.reason if classes.native is Fidelity.SIMULATED else "")


def _count(fidelity: Fidelity, kind: str, name: str) -> None:
    change_set = _CHANGE_SET.get(None)
    stack = f"{change_set.stack.stack_name}/" if change_set is not None else ""
    recorder.count_resource(
        fidelity,
        kind,
        f"{stack}{name}",
        account=change_set.account_id if change_set is not None else "",
        region=change_set.region_name if change_set is not None else "",
    )


def _note(action: Any, expected_resource_type: str, **_: Any) -> None:
    """In the place of LocalStack's usage statistics, told of each resource that is about to be made: what is
    no call to a service of this emulator would otherwise be in no ledger."""
    judged = judge_type(expected_resource_type)
    if getattr(action, "value", action) != "Add" or judged.fidelity is Fidelity.EXECUTED:
        return
    service = get_service_name(expected_resource_type) or ""
    if judged.fidelity is Fidelity.UNSUPPORTED or not recorder.has(service):
        _count(judged.fidelity, expected_resource_type, "")


def _install() -> None:
    stock_compute = entities.ChangeSet.compute_update_model

    def compute_update_model(self: Any, inputs: Any) -> None:
        token = _CHANGE_SET.set(self)
        try:
            stock_compute(self, inputs)
        finally:
            _CHANGE_SET.reset(token)

    patched: list[tuple[Any, str, Any]] = [
        (entities, "ChangeSetResourceSupportChecker", SupportChecker),
        (entities.ChangeSet, "compute_update_model", compute_update_model),
        (executor, "track_resource_operation", _note),
    ]
    for holder, name, ours in patched:
        if not hasattr(holder, name):
            raise RuntimeError(f"{holder.__name__}.{name} is gone: this LocalStack is not the locked one")
        setattr(holder, name, ours)
