"""The model server of the xgboost algorithm.

https://github.com/aws/sagemaker-xgboost-container, algorithm_mode/serve.py: which status answers which
fault, what is accepted, and how predictions are written.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any

from mdlc_emulator.algorithms.boosting import selecting
from mdlc_emulator.algorithms.boosting.data import format_of
from mdlc_emulator.algorithms.boosting.model import Model
from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.formats import answers, csv, libsvm, matrix
from mdlc_emulator.algorithms.formats import content_type as types
from mdlc_emulator.algorithms.place import Place
from mdlc_emulator.algorithms.server import MIB, Handler, Request, Response, body_limit, routes

ACCEPTS = [types.JSON, types.JSON_LINES, types.RECORDIO, types.CSV]


class Service:
    """Answers invocations of one model. `environment` is the container's."""

    def __init__(self, model: Model, environment: Mapping[str, str]) -> None:
        self._model = model
        self._batch = "SAGEMAKER_BATCH" in environment
        self._selected = environment.get("SAGEMAKER_INFERENCE_OUTPUT")
        self._default = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or types.CSV

    def invoke(self, request: Request) -> Response:
        if not request.body:
            return Response(204)
        try:
            rows = read(request.body, request.content_type)
        except (UserError, ValueError, RuntimeError) as error:
            return _refused(415, str(error))
        try:
            predictions = self._model.predict(rows)
        except Exception as error:  # noqa: BLE001 whatever the library says of the payload
            said = str(error).partition("\nStack trace:")[0]  # addresses in the library help nobody
            return _refused(400, f"Unable to evaluate payload provided: {said}")
        accept = request.accept.partition(";")[0].strip()
        if not accept or accept == "*/*":
            accept = self._default
        elif accept.lower() not in ACCEPTS:
            return _refused(
                406, f"Accept type {accept} is not supported. Please use supported accept types: {ACCEPTS}."
            )
        return self._written(predictions, accept.lower())

    def _written(self, predictions: Any, accept: str) -> Response:
        if self._selected is not None:
            names = selecting.keys(self._selected)
            model = self._model
            try:
                chosen = selecting.select(predictions, names, model.objective, model.classes)
                return Response(200, selecting.encode(chosen, names, accept, batch=self._batch), accept)
            except ValueError as error:
                return _refused(500, str(error))
        if self._batch:
            # One line for each record, whatever is accepted; several classes as a list.
            return Response(200, "\n".join(map(str, predictions.tolist())) + "\n", accept)
        if accept == types.CSV:
            return Response(200, answers.encode({"score": predictions}, accept), "text/csv; charset=utf-8")
        return Response(200, answers.encode({"score": predictions}, accept), accept)


def read(body: bytes | bytearray, content_type: str) -> Any:
    """The rows of a request. UserError for a wrong type, RuntimeError for data that is not of it."""
    kind = format_of(content_type or None)
    if kind == "csv":
        return _named("csv data", "csv", _csv, body)
    if kind == "libsvm":
        return _named("libsvm data", "libsvm", lambda data: libsvm.parse(data, labelled=False).features, body)
    if kind == "recordio-protobuf":
        return _named("recordio-protobuf data", kind, lambda data: matrix.read(data).features, body)
    raise UserError(f"Content-type {content_type} is not supported.")


def _named(what: str, kind: str, parse: Any, body: bytes | bytearray) -> Any:
    try:
        return parse(body)
    except ValueError as error:
        raise RuntimeError(
            f"Loading {what} failed with Exception, please ensure data is in {kind} format:\n "
            f"{ValueError}\n {error}"
        ) from error


def _csv(body: bytes | bytearray) -> Any:
    first = bytes(body[:512]).strip().partition(b"\n")[0].decode("utf-8", "replace")
    if "," not in first and _is_number(first):
        return csv.parse(body, ",")  # one feature: the sniffer cannot say a delimiter
    return csv.parse(body, csv.delimiter_of(first))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refused(status: int, message: str) -> Response:
    logging.error("%s", message)
    return Response(status, message, "text/html; charset=utf-8")


def load() -> Handler:
    """The handler for the model in the container."""
    ensemble = os.environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true"
    service = Service(Model.load(Place.here().model, ensemble=ensemble), os.environ)
    logging.info("Model loaded successfully for worker : %d", os.getpid())
    return routes(invocations=service.invoke, execution_parameters=execution_parameters)


def execution_parameters() -> dict[str, object]:
    """What a transform job that says nothing itself goes by."""
    return {
        "MaxConcurrentTransforms": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": body_limit() // MIB,
    }
