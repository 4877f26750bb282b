"""CreateModel, DescribeModel, ListModels, DeleteModel.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from __future__ import annotations

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.checks import check_role
from mdlc_emulator.engine.sagemaker.kernel.errors import already_existing, could_not_find
from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import (
    Kind,
    Operation,
    Request,
    Resource,
    Response,
    moment,
)
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.models.definitions import checked_containers

MODEL = Kind("model", could_not_find("model"), already_existing("model"))

_ASKED = ("InferenceExecutionConfig", "ExecutionRoleArn", "VpcConfig")


def models(caller: Caller) -> Shelf[Resource]:
    """The caller's models."""
    return STORE.shelf(MODEL, caller, Resource)


def create_model(caller: Caller, request: Request) -> Response:
    shelf = models(caller)
    name = request["ModelName"]
    shelf.refuse_existing(name)
    check_tags(request.get("Tags"))
    containers = checked_containers(caller, request)
    if "ExecutionRoleArn" in request:
        check_role(caller, request["ExecutionRoleArn"])
    members = {"EnableNetworkIsolation": request.get("EnableNetworkIsolation", False)}
    members |= containers | {member: request[member] for member in _ASKED if member in request}
    model = Resource(name, shelf.arn(name), caller, members)
    tag(model, request.get("Tags"))
    shelf.add(model)
    _announce(model)
    return {"ModelArn": model.arn}


def describe_model(caller: Caller, request: Request) -> Response:
    return _described(models(caller).get(request["ModelName"]))


def _described(model: Resource) -> Response:
    return {
        "ModelName": model.name,
        "ModelArn": model.arn,
        "CreationTime": moment(model.created),
        **model.members,
    }


_LISTING = Listing[Resource](
    "Models",
    lambda model: {
        "ModelName": model.name,
        "ModelArn": model.arn,
        "CreationTime": moment(model.created),
    },
)


def list_models(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(models(caller), request)


def delete_model(caller: Caller, request: Request) -> Response:
    _announce(models(caller).remove(request["ModelName"]))
    return {}


def _announce(model: Resource) -> None:
    """ "The state changes when a model is either created or deleted."
    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"""
    announce(
        model.caller, "SageMaker Model State Change", _described(model) | {"Tags": model.tags}, [model.arn]
    )


OPERATIONS: dict[str, Operation] = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "ListModels": list_models,
    "DeleteModel": delete_model,
}
