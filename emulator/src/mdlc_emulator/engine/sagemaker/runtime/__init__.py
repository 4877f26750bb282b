"""The calls of `sagemaker-runtime`: which instance is asked, and what its answer becomes."""
