"""CloudWatch Logs: LocalStack's, with filter patterns that select."""
