"""Hyperparameter tuning jobs: which values to try next, training jobs that try them, and the best of them."""
