"""What LocalStack reads from its environment when it is imported, filled in for one machine."""

from collections.abc import MutableMapping

SETTINGS = {
    "GATEWAY_SERVER": "threaded",
    "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "0",
    "LAMBDA_RUNTIME_EXECUTOR": "process",
    "PROVIDER_OVERRIDE_LAMBDA": "mdlc",
    "PROVIDER_OVERRIDE_CLOUDWATCH": "mdlc",
    "PROVIDER_OVERRIDE_LOGS": "mdlc",
    "PROVIDER_OVERRIDE_APIGATEWAY": "mdlc",
    "PROVIDER_OVERRIDE_CLOUDFORMATION": "mdlc",
    "PROVIDER_OVERRIDE_SQS": "mdlc",
    "PROVIDER_OVERRIDE_DYNAMODB": "mdlc",
    "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "mdlc",
    "PROVIDER_OVERRIDE_KINESIS": "mdlc",
    "PROVIDER_OVERRIDE_SCHEDULER": "mdlc",
    "PROVIDER_OVERRIDE_EVENTS": "mdlc",
    "PROVIDER_OVERRIDE_S3": "mdlc",
    "PROVIDER_OVERRIDE_STEPFUNCTIONS": "mdlc",
    "PROVIDER_OVERRIDE_ECR": "mdlc",
    "PROVIDER_OVERRIDE_IAM": "mdlc",
    "PROVIDER_OVERRIDE_BATCH": "mdlc",
    "PROVIDER_OVERRIDE_SAGEMAKER": "mdlc",
    "PROVIDER_OVERRIDE_SAGEMAKER_RUNTIME": "mdlc",
    "PROVIDER_OVERRIDE_SAGEMAKER_METRICS": "mdlc",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
    "LAMBDA_SYNCHRONOUS_CREATE": "1",
    "OVERRIDE_IN_DOCKER": "0",
    # Queue URLs that resolve on every machine, not by a name server for *.localhost.
    "SQS_ENDPOINT_STRATEGY": "path",
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "LOCALSTACK_RESPONSE_HEADER_ENABLED": "0",
    "DISABLE_EVENTS": "1",
    "DNS_ADDRESS": "0",
}


def configure(environment: MutableMapping[str, str]) -> None:
    """Fill in what LocalStack reads at import; what the user has set himself stays."""
    for name, value in SETTINGS.items():
        environment.setdefault(name, value)
