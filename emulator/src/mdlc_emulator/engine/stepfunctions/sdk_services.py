"""What `aws-sdk:<service>:...` calls a service, and what boto3 calls it.

Step Functions names services as AWS's SDK for Java does, by their service id without spaces and in lower case
("SageMaker Runtime" is `sagemakerruntime`): https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import functools
from typing import Any

# Where boto3's name is not the service id's letters with hyphens between them.
_BY_ID = {
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "databasemigration": "dms",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "states": "stepfunctions",
}


@functools.cache
def boto_name(service: str) -> str:
    """`sagemakerruntime` -> `sagemaker-runtime`; a name that boto3 has itself is left as it is."""
    if (known := _BY_ID.get(service)) is not None:
        return known
    from botocore.exceptions import DataNotFoundError
    from localstack.aws.spec import loader

    try:
        # Looks for this one; the list of all takes 20 ms.
        loader.list_api_versions(service, "service-2")
    except DataNotFoundError:
        available = loader.list_available_services("service-2")
        return next((name for name in available if name.replace("-", "") == service), service)
    return service


def install() -> None:
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service,
    )

    from mdlc_emulator.engine.stepfunctions.patching import replace

    def get_boto_service_name(self: Any, boto_service_name: str | None = None) -> str:
        return boto_name(boto_service_name or self.resource.api_name)

    replace(state_task_service.StateTaskService, "_get_boto_service_name", get_boto_service_name)
