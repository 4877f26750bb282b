"""Amazon SageMaker AI that really runs: jobs, models, endpoints and their records."""
