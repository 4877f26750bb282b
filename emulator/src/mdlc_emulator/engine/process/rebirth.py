"""After the fork from a template: everything that LocalStack fixed when it was imported, made this
instance's own."""

import os
import sys
import tempfile
import time
from collections.abc import Mapping

# Variables that belong to one instance; everything else that LocalStack or this engine reads at import must
# be the same in the template as in the instance.
PER_INSTANCE = frozenset(
    {
        "GATEWAY_LISTEN",
        "LOCALSTACK_HOST",
        "TMPDIR",
        "FILESYSTEM_ROOT",
        "MDLC_LISTEN_FD",
        "MDLC_READY_FD",
        "MDLC_LIFE_FD",
        "MDLC_OWNER_FD",
        "MDLC_INSTANCE",
        "MDLC_PORT",
        "MDLC_STARTED_IN",
        "MDLC_STARTED_WITH",
        "MDLC_TEMPLATE",
        "MDLC_TEMPLATE_IDLE",
        "MDLC_TEST_AWS",
    }
)


def fixed_at_import(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of `environment` that importing LocalStack and this engine has read for good."""
    from localstack import config

    names = set(config.CONFIG_ENV_VARS) - PER_INSTANCE
    return {
        name: value
        for name, value in environment.items()
        if name in names
        or (name.startswith(("MDLC_", "LAMBDA_", "PROVIDER_OVERRIDE_")) and name not in PER_INSTANCE)
    }


def be_born(environment: Mapping[str, str]) -> None:
    """Take over `environment`, and with it ports, directories and chance of one's own."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None
    _rebind_config()
    _reseed()
    _start_clocks()


def _rebind_config() -> None:
    from localstack import config

    config.LOCALSTACK_HOST, config.GATEWAY_LISTEN = config.populate_edge_configuration(os.environ)
    config.TMP_FOLDER = f"{tempfile.gettempdir()}/localstack"
    if not os.environ.get("LOCALSTACK_VOLUME_DIR"):
        config.VOLUME_DIR = config.TMP_FOLDER
    config.dirs = config.init_directories()
    packages = sys.modules.get("localstack.packages.api")
    if packages is not None:
        packages.InstallTarget.VAR_LIBS._value_ = config.dirs.var_libs
        packages.InstallTarget.STATIC_LIBS._value_ = config.dirs.static_libs


def _start_clocks() -> None:
    """What the engine says of itself counts from the fork on."""
    routes = sys.modules.get("mdlc_emulator.engine.fidelity.routes")
    if routes is not None:
        vars(routes)["_STARTED"] = time.time()
        routes.recorder.LEDGER.reset()


def _reseed() -> None:
    """Two instances of one template would draw the same ids from generators that were seeded at import.

    The `random` module and OpenSSL see to themselves; moto has a generator of its own.
    """
    moto = sys.modules.get("moto.moto_api._internal")
    if moto is not None:
        moto.mock_random.seed()
