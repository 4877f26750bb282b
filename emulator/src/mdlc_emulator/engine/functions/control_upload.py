"""Deployment packages on their way in: tens of megabytes of base64 inside JSON, often the same one again.

A deployment sends one package once for each of its functions. Parsing the JSON and decoding the base64
takes half a second of CPU each time; here the package is cut out of the body before the rest is parsed,
recognised by its digest, and read from the store when it is there already.
"""

import hashlib
import json
import re
import secrets
import threading
from base64 import b64decode
from collections import OrderedDict
from typing import Any

from localstack.aws.protocol.parser import RestJSONRequestParser
from localstack.http import Request

from mdlc_emulator.engine.functions import control_code

SMALLEST = 1024 * 1024
"""Bytes of a body that are worth the trouble."""
REMEMBERED = 64
_PATHS = ("/2015-03-31/functions", "/2018-10-31/layers/")
_PACKAGE = re.compile(rb'"ZipFile"\s*:\s*"')
# Nobody outside this process can know it: a request cannot name a package that it does not bring.
_MARK = f"package-{secrets.token_hex(16)}"


class Uploads:
    """Which packages came in lately: digest of the base64 text -> digest of the package."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def package(self, text: memoryview) -> bytes:
        """What `text`, base64, stands for."""
        digest = hashlib.sha256(text).hexdigest()
        with self._lock:
            known = self._known.get(digest)
        if known is not None and (stored := control_code.stored(known)) is not None:
            return stored
        package = b64decode(text)
        with self._lock:
            self._known[digest] = hashlib.sha256(package).hexdigest()
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return package


def cut(body: bytes) -> tuple[bytes, memoryview] | None:
    """`body` with a mark in place of its package, and the package; None when none can be cut out."""
    found = _PACKAGE.search(body)
    if found is None:
        return None
    start = found.end()
    end = body.find(b'"', start)
    if end < 0 or body.find(b"\\", start, end) >= 0:
        return None
    return body[:start] + _MARK.encode() + body[end:], memoryview(body)[start:end]


def install() -> None:
    """Put this into LocalStack's parser of REST-JSON requests."""
    uploads = Uploads()
    parse, blob = RestJSONRequestParser._parse_body_as_json, RestJSONRequestParser._parse_blob

    def parse_body(self: RestJSONRequestParser, request: Request) -> dict[str, Any]:
        large = (request.content_length or 0) >= SMALLEST and request.path.startswith(_PATHS)
        parts = cut(request.data) if large else None
        if parts is None:
            return parse(self, request)
        rest, package = parts
        try:
            parsed: dict[str, Any] = json.loads(rest)
        except ValueError:
            return parse(self, request)  # raises the error that a client is to see
        vars(request)[_MARK] = package
        return parsed

    def parse_blob(self: RestJSONRequestParser, request: Any, shape: Any, node: Any, *more: Any) -> bytes:
        if node == _MARK and (package := vars(request).pop(_MARK, None)) is not None:
            return uploads.package(package)
        return blob(self, request, shape, node, *more)

    type.__setattr__(RestJSONRequestParser, "_parse_body_as_json", parse_body)
    type.__setattr__(RestJSONRequestParser, "_parse_blob", parse_blob)
