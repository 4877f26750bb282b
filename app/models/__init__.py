"""Stage 4, models: what can be trained and served.

Built-in algorithms, marketplace packages, container images and scripts, each behind the same description of
inputs, outputs and hyperparameters.
"""
