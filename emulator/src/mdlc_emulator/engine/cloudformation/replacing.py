"""What refers to an attribute of a resource that is replaced changes with it.

LocalStack compares templates: `!GetAtt Model.ModelName` reads the same before and after, so that whoever
names a model would keep the old one, which is then deleted.
"""

from typing import Any


def install() -> None:
    """Raises RuntimeError when this is not the locked LocalStack."""
    from localstack.services.cloudformation.engine.v2.change_set_model import ChangeSetModel, ChangeType

    stock = vars(ChangeSetModel).get("_resolve_intrinsic_function_fn_get_att")
    if stock is None:
        raise RuntimeError("ChangeSetModel has changed: adapt engine/cloudformation/replacing.py")

    def fn_get_att(self: Any, arguments: Any) -> ChangeType:
        found: ChangeType = stock(self, arguments)
        if found is ChangeType.UNCHANGED:
            resource = self._retrieve_or_visit_resource(resource_name=arguments.array[0].value)
            if resource.requires_replacement and resource.change_type is ChangeType.MODIFIED:
                return ChangeType.MODIFIED
        return found

    setattr(ChangeSetModel, "_resolve_intrinsic_function_fn_get_att", fn_get_att)  # noqa: B010
