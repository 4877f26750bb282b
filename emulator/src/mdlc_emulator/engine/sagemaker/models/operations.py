"""CreateModel, DescribeModel, ListModels, DeleteModel.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from __future__ import annotations

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.checks import check_role
from mdlc_emulator.engine.sagemaker.kernel.errors import already_existing, could_not_find, invalid
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

MODEL = Kind("model", could_not_find("model"), already_existing("model"))

_ASKED = (
    "PrimaryContainer",
    "Containers",
    "InferenceExecutionConfig",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
)


def models(caller: Caller) -> Shelf[Resource]:
    """The caller's models."""
    return STORE.shelf(MODEL, caller, Resource)


def create_model(caller: Caller, request: Request) -> Response:
    shelf = models(caller)
    name = request["ModelName"]
    shelf.refuse_existing(name)
    if ("PrimaryContainer" in request) == ("Containers" in request):
        raise invalid("You must specify exactly one of PrimaryContainer and Containers.")
    check_tags(request.get("Tags"))
    if "ExecutionRoleArn" in request:
        check_role(caller, request["ExecutionRoleArn"])
    asked = {member: request[member] for member in _ASKED if member in request}
    model = Resource(name, shelf.arn(name), caller, {"EnableNetworkIsolation": False} | asked)
    tag(model, request.get("Tags"))
    return {"ModelArn": shelf.add(model).arn}


def describe_model(caller: Caller, request: Request) -> Response:
    model = models(caller).get(request["ModelName"])
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
    models(caller).remove(request["ModelName"])
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "ListModels": list_models,
    "DeleteModel": delete_model,
}
