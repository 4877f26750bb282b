"""`python -m mdlc_emulator.engine`: configure LocalStack for one machine, then run it in this process."""

import gc
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

SETTINGS = {
    "GATEWAY_SERVER": "threaded",
    "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "0",
    "LAMBDA_RUNTIME_EXECUTOR": "process",
    "PROVIDER_OVERRIDE_LAMBDA": "mdlc",
    "PROVIDER_OVERRIDE_CLOUDWATCH": "mdlc",
    "PROVIDER_OVERRIDE_APIGATEWAY": "mdlc",
    "PROVIDER_OVERRIDE_CLOUDFORMATION": "mdlc",
    "PROVIDER_OVERRIDE_SQS": "mdlc",
    "PROVIDER_OVERRIDE_DYNAMODB": "mdlc",
    "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "mdlc",
    "PROVIDER_OVERRIDE_KINESIS": "mdlc",
    "PROVIDER_OVERRIDE_SCHEDULER": "mdlc",
    "PROVIDER_OVERRIDE_EVENTS": "mdlc",
    "PROVIDER_OVERRIDE_S3": "mdlc",
    "PROVIDER_OVERRIDE_STEPFUNCTIONS": "mdlc",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
    "LAMBDA_SYNCHRONOUS_CREATE": "1",
    "OVERRIDE_IN_DOCKER": "0",
    # Queue URLs that resolve on every machine, not by a name server for *.localhost.
    "SQS_ENDPOINT_STRATEGY": "path",
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "LOCALSTACK_RESPONSE_HEADER_ENABLED": "0",
    "DISABLE_EVENTS": "1",
    "DNS_ADDRESS": "0",
}


def configure(environment: MutableMapping[str, str]) -> None:
    """Fill in what LocalStack reads at import; what the user has set himself stays."""
    for name, value in SETTINGS.items():
        environment.setdefault(name, value)


def main() -> None:
    # Nothing that is imported is ever garbage: looking for it is a tenth of the start.
    gc.disable()
    from mdlc_emulator.engine.process.handover import receive

    handover = receive(os.environ)
    configure(os.environ)
    from mdlc_emulator.engine.process import imports

    imports.install()
    if sys.argv[1:2] == ["template"]:
        from mdlc_emulator.engine.process.template import serve

        socket_path, key, idle = sys.argv[2:5]
        sys.exit(serve(Path(socket_path), key, float(idle)))
    from mdlc_emulator.engine.process.run import run

    run(handover)


if __name__ == "__main__":
    main()
