"""Stage 5, training: find the model that deserves to be served.

Training and tuning jobs, experiments, evaluation on a holdout later in time, the gate against the champion,
and the registry.
"""
