"""Object keys in S3's notifications, coded as AWS codes them.

In a notification a space is `+`; in an event of EventBridge the key stands as it is. LocalStack writes `%20`
into both. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import dataclasses
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from localstack.services.s3 import notifications
from localstack.services.s3.notifications import EventBridgeNotifier


def install() -> None:
    """Patch once, when S3 is first used."""
    stock = vars(EventBridgeNotifier).get("_get_event_payload")
    if not isinstance(stock, staticmethod) or not hasattr(notifications, "quote"):
        raise RuntimeError("S3's notifications have changed: this LocalStack cannot be patched.")
    function: Callable[..., Any] = stock.__func__

    def payload(context: Any, *arguments: Any, **options: Any) -> Any:
        plain = dataclasses.replace(context, key_name=unquote_plus(context.key_name))
        return function(plain, *arguments, **options)

    vars(notifications)["quote"] = lambda key: quote_plus(key, safe="/")
    setattr(EventBridgeNotifier, "_get_event_payload", staticmethod(payload))  # noqa: B010
