"""SQS: LocalStack's service, without a call to CloudWatch for every message."""
