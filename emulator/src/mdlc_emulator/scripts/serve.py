"""`serve FRAMEWORK`: what a framework's image does when SageMaker starts it with the word `serve`.

The user's functions answer as in the images' serving library
(https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html#deploy-a-scikit-learn-model);
the server is the built-in algorithms' own. The image of xgboost serves the built-in algorithm's models when
the model names no script.
"""

import json
import os
import runpy
import sys
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Any

from mdlc_emulator.algorithms import server
from mdlc_emulator.scripts import codecs, familiar, versions
from mdlc_emulator.scripts.defaults import FRAMEWORKS
from mdlc_emulator.scripts.user_module import Functions, ScriptError, functions, load


class Service:
    """One model and the functions that serve it. Called by several threads at once, as by gunicorn's."""

    def __init__(self, given: Functions, model: Any) -> None:
        self._given = given
        self._model = model
        self._accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or codecs.JSON

    def invoke(self, request: server.Request) -> server.Response:
        """One request. An exception of a user's function is the server's 500, its trace in the log."""
        content_type = request.headers.get("contenttype") or request.content_type or codecs.JSON
        accept = request.accept
        if not accept or accept == codecs.ANY:
            accept = self._accept
        body: Any = bytes(request.body)
        if content_type in codecs.UTF8_TYPES:
            body = body.decode("utf-8")
        if self._given.transform_fn is not None:
            return _response(self._given.transform_fn(self._model, body, content_type, accept))
        try:
            data = self._given.input_fn(body, content_type)
        except codecs.UnsupportedFormatError as error:
            return _refusal(error, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        prediction = self._given.predict_fn(data, self._model)
        try:
            return _response(self._given.output_fn(prediction, accept))
        except codecs.UnsupportedFormatError as error:
            return _refusal(error, HTTPStatus.NOT_ACCEPTABLE)


def _response(result: Any) -> server.Response:
    """What a user's function may return: a Response, (body, content type), or a body."""
    if isinstance(result, tuple):
        result = familiar.Response(result[0], mimetype=result[1])
    if isinstance(result, str | bytes | bytearray):
        # As Flask takes it.
        result = familiar.Response(result, mimetype="text/html; charset=utf-8")
    if hasattr(result, "get_data"):  # a response of Flask's, where the environment has it
        return server.Response(result.status_code, result.get_data(), result.mimetype)
    if not isinstance(result, familiar.Response):
        raise TypeError(
            f"output_fn and transform_fn must return a body and its type, not {type(result).__name__}"
        )
    body = result.response
    if not isinstance(body, str | bytes | bytearray | type(None)):
        body = b"".join(part.encode() if isinstance(part, str) else bytes(part) for part in body)
    return server.Response(int(result.status), body or b"", result.mimetype, result.headers)


def _refusal(error: Exception, status: HTTPStatus) -> server.Response:
    said = {
        "error": type(error).__name__,
        "error-message": str(error),
        "stack-trace": traceback.format_exc(),
    }
    return server.Response(status, json.dumps(said), codecs.JSON)


def _execution_parameters(given: Functions) -> Any:
    def answer() -> Any:
        said: Any = given.execution_parameters_fn() if given.execution_parameters_fn else {}
        if isinstance(said, familiar.Response):
            said = said.response
        return json.loads(said) if isinstance(said, str | bytes) else said

    return answer if given.execution_parameters_fn else None


def _load(framework: str) -> server.Handler:
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml")
    familiar.offer()
    module = load(base)
    given = functions(module, FRAMEWORKS[framework]())
    service = Service(given, given.model_fn(str(base / "model")))
    return server.routes(invocations=service.invoke, execution_parameters=_execution_parameters(given))


def main() -> None:
    framework = sys.argv[1]
    if framework == "xgboost" and not os.environ.get("SAGEMAKER_PROGRAM"):
        sys.argv = ["mdlc_emulator.algorithms.serve", framework]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    # More threads than one for each worker cost more than they bring for a few rows.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    versions.say(framework)
    try:
        server.run(lambda: _load(framework))
    except ScriptError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
