"""The model server of Amazon's algorithms.

Requests and answers: https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html and each
algorithm's page of formats.
"""

import logging
import os
from typing import Any

from mdlc_emulator.algorithms.amazon.artefact import Artefact
from mdlc_emulator.algorithms.amazon.training import module_of
from mdlc_emulator.algorithms.formats import answers, csv, json, matrix
from mdlc_emulator.algorithms.formats import content_type as types
from mdlc_emulator.algorithms.place import Place
from mdlc_emulator.algorithms.server import MIB, Handler, Request, Response, body_limit, routes
from mdlc_emulator.algorithms.specification import load as specification_of


class Service:
    """Answers invocations of one model."""

    def __init__(self, artefact: Artefact) -> None:
        algorithm = artefact.facts["algorithm"]
        self._predictor = module_of(algorithm).Predictor(artefact)
        self._width: int = artefact.facts["feature_dim"]
        specification = specification_of(algorithm)
        self._requests, self._responses = specification.requests, specification.responses

    def invoke(self, request: Request) -> Response:
        media = types.MediaType.parse(request.content_type or types.CSV)
        if media.name not in self._requests:
            return _refused(
                415, f"Content-type {request.content_type} is not supported: use {', '.join(self._requests)}"
            )
        accepted = answers.choose(request.accept, self._responses)
        if accepted is None:
            return _refused(
                406, f"Accept type {request.accept} is not supported: use {', '.join(self._responses)}"
            )
        try:
            rows = self._rows(request.body, media)
            fields = self._predictor.predict(rows, verbose=accepted.parameters.get("verbose") == "true")
        except ValueError as error:
            return _refused(400, f"Unable to evaluate payload provided: {error}")
        return Response(200, answers.encode(fields, accepted.name, self._predictor.top), accepted.name)

    def _rows(self, body: bytes | bytearray, media: types.MediaType) -> Any:
        if media.name == types.CSV:
            found = csv.parse(body)[:, int(media.parameters.get("label_size", "0")) :]
        elif media.name == types.JSON:
            found = json.parse(body)
        elif media.name == types.JSON_LINES:
            found = json.parse_lines(body)
        else:
            found = matrix.read(body).features
        if hasattr(found, "toarray"):
            found = found.toarray()
        if found.ndim != 2 or found.shape[1] != self._width:
            raise ValueError(f"a record has {found.shape[-1]} features, the model has {self._width}")
        return found


def _refused(status: int, message: str) -> Response:
    logging.error("%s", message)
    return Response(status, message)


def load() -> Handler:
    """The handler for the model in the container."""
    artefact = Artefact.load(Place.here().model)
    service = Service(artefact)
    logging.info("Serving %s, trained by %s", artefact.facts["algorithm"], artefact.facts["ran"])
    return routes(invocations=service.invoke, execution_parameters=execution_parameters)


def execution_parameters() -> dict[str, object]:
    """What a transform job that says nothing itself goes by."""
    concurrent = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "MaxConcurrentTransforms": concurrent,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": body_limit() // MIB,
    }
