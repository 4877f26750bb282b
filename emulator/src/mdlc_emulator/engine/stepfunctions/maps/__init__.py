"""Map states: inline iterations, and distributed Map Runs with readers, batches, tolerance and written
results.

`items`, `batches` and `results` are pure.
"""
