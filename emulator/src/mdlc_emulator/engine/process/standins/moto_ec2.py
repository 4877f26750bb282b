"""For `moto.ec2` itself (not its modules): its backends, loaded when they are first looked into.

A dozen services of moto import them and use them in one function each, as SSM does. The stock package reads
its lists of every instance type in every region for that: 95 MB and 0.7 s.
"""

from collections.abc import Iterator
from typing import Any


class _Backends:
    """Stands for moto's mapping of account and region to a backend."""

    def _real(self) -> Any:
        from moto.ec2.models import ec2_backends as real

        return real

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # LocalStack asks whether it is one
        from moto.core.base_backend import BackendDict

        return BackendDict

    def __getitem__(self, account: str) -> Any:
        return self._real()[account]

    def __contains__(self, account: object) -> bool:
        return account in self._real()

    def __iter__(self) -> Iterator[str]:
        return iter(self._real())

    def __len__(self) -> int:
        return len(self._real())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)


ec2_backends = _Backends()
