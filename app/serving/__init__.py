"""Stage 6, serving: answer with the model.

Batch transform and its publication, real-time endpoints, canary rollout with promotion or roll back, and the
log of every prediction with the features it was made from.
"""
