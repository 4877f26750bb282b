"""What Chalice's packager puts at the root of the Lambda package: there, `app` is the folder `chalicelib`.

On a developer's machine the package `app/` wins over this file, so it is never imported there.
"""

from pathlib import Path

__path__ = [str(Path(__file__).with_name("chalicelib"))]

from app.main import app

__all__ = ["app"]
