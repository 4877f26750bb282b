"""Compiled modules of functions and layers, kept between cold starts.

On Lambda, as here, a function cannot write beside its code, so every cold start would compile what it
imports. Only modules of the function and its layers are looked for in the cache: others have their own
beside them.
"""

import importlib.machinery
import os
import sys
from types import CodeType
from typing import Any


class CachedSourceLoader(importlib.machinery.SourceFileLoader):
    """Reads and writes bytecode below `cache` instead of beside the source."""

    cache: str | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        before = sys.pycache_prefix
        sys.pycache_prefix = self.cache
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix = before


def install(directories: list[str], cache: str) -> None:
    """Use `cache`, a directory, for modules found below the `directories`."""
    CachedSourceLoader.cache = cache
    machinery = importlib.machinery
    loaders: tuple[tuple[Any, list[str]], ...] = (
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (CachedSourceLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    roots = tuple(directory.rstrip("/") + "/" for directory in directories)

    def find(path: str) -> importlib.machinery.FileFinder:
        if not (path + "/").startswith(roots) or not os.path.isdir(path):
            raise ImportError("not below the function's directories", path=path)
        return machinery.FileFinder(path, *loaders)

    sys.path_hooks.insert(0, find)
