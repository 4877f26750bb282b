"""The runtime as a program of its own, for functions that need a fresh interpreter.

Started instead of the fork where a wrapper script (AWS_LAMBDA_EXEC_WRAPPER) or a variable that Python reads
only at its start asks for it.
"""

import os
import sys

TYPE_CHECKING = False


def main() -> None:
    search_path = [entry for entry in os.environ.pop("MDLC_SEARCH_PATH").split(os.pathsep) if entry]
    rapid = os.environ.pop("MDLC_GUEST")
    sys.path[:] = [rapid, os.environ["LAMBDA_RUNTIME_DIR"], *search_path]
    if TYPE_CHECKING:
        from mdlc_emulator.guest import bytecode, runtime
    else:
        import bytecode
        import runtime

    runtime.preload(())
    cache = os.environ.pop("MDLC_BYTECODE", "")
    if cache:
        bytecode.install(os.environ.pop("MDLC_ROOTS").split(os.pathsep), cache)
    added = os.environ.pop("MDLC_LIBRARIES", "")
    os.environ["LD_LIBRARY_PATH"] = os.environ.get("LD_LIBRARY_PATH", "").removesuffix(added)
    sys.path[:] = search_path
    sys.argv[:] = [os.path.join(os.environ["LAMBDA_RUNTIME_DIR"], "bootstrap.py")]
    os.chdir(os.environ["LAMBDA_TASK_ROOT"])
    runtime.forget(os.environ.pop("MDLC_BROUGHT", "").split(os.pathsep))
    runtime.serve(os.environ["_HANDLER"])


main()
