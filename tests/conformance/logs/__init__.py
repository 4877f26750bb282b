"""CloudWatch Logs: filter patterns, metric filters, subscription filters."""
