"""Updates by which a resource's condition becomes true or false.

LocalStack refuses a change set that makes a condition true when a resource under it names an attribute of
another one ("Unresolved resource dependencies": before, there was none), and it leaves alone what a condition
takes away. Here what was not there has no attributes, and what is no longer wanted is deleted, as AWS does.
"""

from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_model import (
    ChangeType,
    Nothing,
    is_nothing,
)
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import ChangeSetModelPreproc

_CHANGED = ("_resolve_attribute", "visit_node_resource", "visit_node_resources")


def install() -> None:
    """Idempotent. RuntimeError when LocalStack has moved what is changed here."""
    stock = {name: vars(ChangeSetModelPreproc).get(name) for name in _CHANGED}
    for name, function in stock.items():
        if function is None:
            raise RuntimeError(f"ChangeSetModelPreproc.{name} is gone: this LocalStack cannot be patched.")
    if getattr(stock["visit_node_resources"], "mdlc", False):
        return
    resolve: Any = stock["_resolve_attribute"]
    visit: Any = stock["visit_node_resource"]

    def resolve_attribute(self: Any, arguments: Any, select_before: bool) -> Any:
        name = arguments.split(".")[0] if isinstance(arguments, str) else arguments[0]
        before, after = _there(self, name)
        if (select_before and not before) or (not select_before and not after and _leaving(self)):
            return Nothing
        return resolve(self, arguments, select_before)

    def visit_node_resource(self: Any, node_resource: Any) -> Any:
        before, after = _there(self, node_resource.name)
        _leaves(self).append(before and not after)
        try:
            return visit(self, node_resource)
        finally:
            _leaves(self).pop()

    def visit_node_resources(self: Any, node_resources: Any) -> None:
        """Skip what is neither there nor to be."""
        for node_resource in node_resources.resources:
            if any(_there(self, node_resource.name)):
                self.visit(node_resource)

    visit_node_resources.mdlc = True  # type: ignore[attr-defined]
    for name, ours in zip(
        _CHANGED, (resolve_attribute, visit_node_resource, visit_node_resources), strict=True
    ):
        setattr(ChangeSetModelPreproc, name, ours)


def _there(model: Any, name: str) -> tuple[bool, bool]:
    """Whether the condition of the resource `name` lets it be, before and after the update."""
    for resource in model._change_set.update_model.node_template.resources.resources:
        if resource.name == name and not is_nothing(resource.condition_reference):
            delta = model._resolve_resource_condition_reference(resource.condition_reference)
            # A condition that is new in the template says nothing of a resource that was there.
            known = not is_nothing(delta.before)
            before = bool(delta.before) if known else resource.change_type != ChangeType.CREATED
            return before, delta.after is not False
    return True, True


def _leaves(model: Any) -> list[bool]:
    """For each resource being visited, the innermost last, whether the update takes it away."""
    found: list[bool] = model.__dict__.setdefault("_mdlc_leaves", [])
    return found


def _leaving(model: Any) -> bool:
    return bool(_leaves(model)) and _leaves(model)[-1]
