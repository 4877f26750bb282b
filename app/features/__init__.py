"""Stage 3, features: turn events into what a model sees, as of an event time.

Aggregates, windows and tiles, the incremental engine that brings them forward, the online view, and
point-in-time training sets.
"""
