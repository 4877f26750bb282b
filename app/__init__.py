"""The application that is deployed: `app.app` is what Chalice looks for. See app/main.py."""

from app.main import app

__all__ = ["app"]
