"""Imports xgboost without scikit-learn and pandas, which it imports only to fit between them where they are.

A job of a few rows spends most of its time on imports: 2.0 s of processor time with the two, 0.5 s without.
They can be imported afterwards all the same.
"""

import sys

UNNEEDED = ("sklearn", "pandas")


def import_xgboost() -> None:
    """Put a lean xgboost among the modules, unless there is one already."""
    if "xgboost" in sys.modules:
        return
    hidden = [name for name in UNNEEDED if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # an import of it now is an ImportError
    try:
        import xgboost  # noqa: F401
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
