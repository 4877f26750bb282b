"""For `localstack.services.lambda_.invocation.event_manager`: LocalStack's queues for events of Lambda.

This engine has a queue of its own (engine/functions/invocation_async.py). The stock module imports the
providers of SQS and API Gateway, a quarter of what the first use of Lambda imports.
"""

from typing import Any


class LambdaEventManager:
    """Manages nothing: `InvocationService` never gives it an event."""

    def __init__(self, version_manager: Any) -> None:
        self.version_manager = version_manager

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def stop_for_update(self) -> None: ...
