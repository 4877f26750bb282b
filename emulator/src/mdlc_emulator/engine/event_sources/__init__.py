"""Event source mappings: records of Kinesis, DynamoDB Streams and SQS brought to Lambda functions."""
