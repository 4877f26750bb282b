"""Stage 7, monitoring: notice when the model stops being right.

Closed-loop accuracy once labels arrive, open-loop consistency and drift until then, and the trigger that
starts the life cycle again.
"""
