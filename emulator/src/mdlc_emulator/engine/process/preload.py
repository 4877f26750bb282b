"""What a template process imports: all that a first start imports, and the services most used."""

import importlib
import sys
import threading

MODULES = (
    "localstack.aws.app",
    "localstack.aws.components",
    "localstack.runtime.main",
    "localstack.services.providers",
    "localstack.services.moto",
    "localstack.services.apigateway.next_gen.provider",
    "localstack.services.cloudformation.v2.provider",
    "localstack.services.cloudwatch.provider_v2",
    "localstack.services.events.provider",
    "localstack.services.iam.provider",
    "localstack.services.lambda_.provider",
    "localstack.services.logs.provider",
    "localstack.services.s3.provider",
    "localstack.services.sns.provider",
    "localstack.services.sqs.provider",
    "localstack.services.ssm.provider",
    "localstack.services.sts.provider",
    "mdlc_emulator.engine.dynamodb.provider",
    "mdlc_emulator.engine.functions.control",
    "mdlc_emulator.engine.functions.plugin",
    "mdlc_emulator.engine.hooks",
    "mdlc_emulator.engine.kinesis.provider",
    "mdlc_emulator.engine.gateway.server",
    "mdlc_emulator.engine.process.run",
    "mdlc_emulator.engine.providers",
    "localstack.services.stepfunctions.provider",
    "mdlc_emulator.engine.stepfunctions.provider",
)


def preload() -> None:
    """Import everything of `MODULES`. RuntimeError when that made something which a fork would break.

    A module that cannot be imported by itself only costs the instance the time to import it, and is said.
    """
    from mdlc_emulator.engine.gateway import catalog
    from mdlc_emulator.engine.stepfunctions.install import without_jvm

    # Some modules look into the index while they are imported.
    catalog.install()
    without_jvm()
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"Not imported ahead: {name}: {error}", file=sys.stderr, flush=True)
    if "twisted.internet.reactor" in sys.modules:
        raise RuntimeError("an import has made the Twisted reactor, which does not survive a fork")
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate()[1:])
        raise RuntimeError(f"an import has started threads, which do not survive a fork: {names}")
