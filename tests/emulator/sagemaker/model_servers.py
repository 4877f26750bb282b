"""Model servers for tests, started by recipes: small, quick to start, each with a fault of its own.

    python3 model_servers.py KIND

Standard library only: it runs inside containers.
"""

import http.server
import json
import os
import socketserver
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

KINDS = ("echo", "unhealthy", "mute", "silent", "many", "slow", "single")
LOADED: dict[str, str] = {}
kind = "echo"
SICK, GIVEN_UP = threading.Event(), threading.Semaphore(0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/ping":
            if kind == "mute":
                time.sleep(3600)
            if SICK.is_set():
                GIVEN_UP.release()
            self.answer(500 if kind == "unhealthy" or SICK.is_set() else 200, b"")
        elif self.path == "/execution-parameters" and kind == "echo":
            offered = {"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
            self.answer(200, json.dumps(offered).encode())
        else:
            self.answer(404, b"")

    def do_DELETE(self) -> None:
        LOADED.pop(self.path.split("/")[2], None)
        self.answer(200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/models":
            self.load(json.loads(body))
        elif self.path.startswith("/models/"):
            name = LOADED.get(self.path.split("/")[2])
            self.answer(404 if name is None else 200, b"" if name is None else name.encode() + b":" + body)
        elif body == b"headers":
            seen = {name.lower(): value for name, value in self.headers.items()}
            self.answer(200, json.dumps(seen).encode(), "application/json")
        elif body == b"network":
            self.answer(200, reached().encode())
        elif body.startswith(b"status "):
            self.answer(int(body.split()[1]), b"as you like")
        elif body == b"sicken":
            SICK.set()
            for _ in range(3):
                GIVEN_UP.acquire()
            time.sleep(0.5)
            self.answer(200, b"sick")
        elif body == b"wait":
            time.sleep(0.5)
            self.answer(200, b"waited")
        else:
            if kind == "slow":
                time.sleep(0.05)
            self.answer(200, body, self.headers.get("Content-Type", "text/plain"))

    def load(self, asked: dict[str, str]) -> None:
        """Two models fit."""
        if len(LOADED) >= 2:
            self.answer(507, b"no memory")
            return
        LOADED[asked["model_name"]] = Path(asked["url"], "name").read_text()
        self.answer(200, b"")

    def answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", "from=model")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def reached() -> str:
    """Whether the emulator can be reached from here."""
    try:
        urllib.request.urlopen(os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"), timeout=2)
    except urllib.error.HTTPError:
        return "reached"
    except OSError:
        return "apart"
    return "reached"


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    kind = sys.argv[1]
    print(f"a server of kind {kind}", flush=True)
    if kind == "silent" or Path("/state/silent").exists():
        threading.Event().wait()
    server = http.server.HTTPServer if kind == "single" else Server
    server(("0.0.0.0", 8080), Handler).serve_forever()
