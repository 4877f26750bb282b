"""AWS Batch: compute environments, queues, job definitions, and jobs that really run.

Everything but `provider`, `aws` and `cloudformation` is pure: it knows containers only by their contract, and
CloudWatch Logs, secrets and events only by the protocols of `ports`.
"""
