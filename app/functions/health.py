"""GET /health."""

from app.functions.api import Api
from app.functions.ports import ports
from app.health import check
from app.resources import required

routes = Api(__name__)


@routes.get("/health")
def health() -> dict[str, object]:
    """Whether the stage is complete; what is missing and how to make it. Always 200: the function itself is
    alive."""
    bound = ports()
    return check(bound.stage, required(bound.stage), bound.inspector, bound.lifecycles).to_json()
