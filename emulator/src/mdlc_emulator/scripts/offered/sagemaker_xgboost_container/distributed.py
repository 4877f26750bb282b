"""Training on one host, as the examples call it; several hosts need what xgboost 3 no longer has."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def wait_hostname_resolution(sm_hosts: Sequence[str]) -> None:
    """Hosts have their addresses from the start."""


def rabit_run(
    exec_fun: Callable[..., Any],
    args: Mapping[str, Any],
    include_in_training: bool,
    hosts: Sequence[str],
    current_host: str,
    first_port: int | None = None,  # noqa: ARG001
    second_port: int | None = None,  # noqa: ARG001
    max_connect_attempts: int | None = None,  # noqa: ARG001
    connect_retry_timeout: int = 10,  # noqa: ARG001
    update_rabit_args: bool = False,
) -> None:
    """Call `exec_fun` with `args`. RuntimeError for several hosts."""
    if len(hosts) > 1:
        raise RuntimeError(
            f"rabit_run on {len(hosts)} hosts ({current_host}): this emulator trains xgboost scripts on one "
            "instance; set InstanceCount to 1."
        )
    if not include_in_training:
        sys.exit(0)
    exec_fun(**args, **({"is_master": True} if update_rabit_args else {}))
