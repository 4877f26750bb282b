"""The gateway's server as LocalStack's plugin: `GATEWAY_SERVER=threaded`."""

from localstack.runtime.server.core import RuntimeServer, RuntimeServerPlugin


class ThreadedServerPlugin(RuntimeServerPlugin):
    name = "threaded"

    def load(self, *_args: object, **_options: object) -> RuntimeServer:
        from mdlc_emulator.engine.gateway.server import ThreadedServer

        return ThreadedServer()
