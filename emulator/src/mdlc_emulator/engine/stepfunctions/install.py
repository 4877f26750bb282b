"""Puts every change of this package in place, once, before the provider is made."""

import sys
import types

_installed = False


def without_jvm() -> None:
    """LocalStack's JSONata module imports the JVM bridge when it is loaded; nothing of the bridge is ever
    called."""
    for name in ("jpype", "jpype.imports"):
        sys.modules.setdefault(name, types.ModuleType(name))


def install() -> None:
    """Idempotent. Raises MissingTargetError when LocalStack is not the release this engine fits."""
    global _installed
    if _installed:
        return
    _installed = True
    without_jvm()
    # Everything that refers to a replaced function by name has to be loaded first.
    from localstack.services.stepfunctions import provider  # noqa: F401

    from mdlc_emulator.engine.stepfunctions import (
        activities,
        choices,
        clients,
        definitions,
        ending,
        error_names,
        halting,
        integrations,
        interpreter,
        keywords,
        notifications,
        queries,
        sdk_services,
        waits,
    )
    from mdlc_emulator.engine.stepfunctions.maps import inline, runs

    for part in (interpreter, queries, halting, ending, definitions, clients, notifications, integrations):
        part.install()
    keywords.install()
    sdk_services.install()
    for state in (activities, choices, waits, inline, runs, error_names):
        state.install()
