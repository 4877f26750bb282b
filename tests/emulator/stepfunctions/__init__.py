"""Step Functions: the parts that stand without LocalStack."""
