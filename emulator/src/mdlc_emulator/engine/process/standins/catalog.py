"""For `localstack.utils.catalog.plugins`: which services the paid product has, said in an error's text.

The stock module is imported when the first such error is made, not at start.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Any


@functools.cache
def get_aws_catalog() -> Any:
    """What the stock function of that name returns."""
    import localstack.utils.catalog as package

    path = Path(package.__path__[0]) / "plugins.py"
    spec = importlib.util.spec_from_file_location("localstack.utils.catalog._stock_plugins", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is gone: this LocalStack is not the locked one")
    stock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stock)
    return stock.get_aws_catalog()
