"""For `localstack.aws.handlers.validation`: checks of LocalStack's internal routes against OpenAPI documents.

They are off unless OPENAPI_VALIDATE_REQUEST or _RESPONSE is set (then the stock module is used); importing
the validator takes a quarter of the start.
"""

from typing import Any


class OpenAPIRequestValidator:
    """A handler of the gateway's chain that does nothing."""

    def __call__(self, chain: Any, context: Any, response: Any) -> None:
        pass


class OpenAPIResponseValidator(OpenAPIRequestValidator):
    """As above, for answers."""
