"""The engine's run, from configured environment to the end of the process."""

import gc
import logging
import os
import signal
import traceback
from typing import NoReturn

from mdlc_emulator.engine.process import ending
from mdlc_emulator.engine.process.handover import Handover


def run(handover: Handover) -> NoReturn:
    """Serve until told to end. Never returns; exits 0 after an orderly end, 1 after a failure."""
    try:
        ending.install(handover)
        _serve(handover)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it must be said before the process ends
        traceback.print_exc()
        handover.say_failed(f"The engine could not start ({type(error).__name__}: {error}): see its log.")
        ending.exit_now(1)
    # The server returned: the end is under way in another thread, which ends the process.
    ending.begin("the server has stopped")
    while True:
        signal.pause()


def _serve(handover: Handover) -> None:
    from localstack.logging.setup import setup_logging_from_config
    from localstack.runtime import current
    from localstack.runtime.runtime import LocalstackRuntime

    from mdlc_emulator.engine.process import serving

    setup_logging_from_config()  # type: ignore[no-untyped-call]
    # It would tell the user off for what this engine sets: TMPDIR, and the providers that replace stock ones.
    logging.getLogger("localstack.deprecations").setLevel(logging.ERROR)
    serving.install()

    def on_ready(runtime: LocalstackRuntime) -> None:
        stock_on_ready(runtime)  # type: ignore[no-untyped-call]
        handover.say_ready()
        print(f"Listening on {os.environ.get('GATEWAY_LISTEN')}", flush=True)

    stock_on_ready = LocalstackRuntime._on_ready
    LocalstackRuntime._on_ready = on_ready  # type: ignore[method-assign]
    runtime = current.initialize_runtime()
    gc.enable()
    gc.freeze()
    runtime.run()  # type: ignore[no-untyped-call]
