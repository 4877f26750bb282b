"""Training jobs: containers that learn a model from channels of data."""
