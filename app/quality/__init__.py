"""Stage 2, quality: let only what keeps its contract pass.

Contracts on tables and on unstructured data, checks on the stream record by record, and the quarantine in
which every refused record waits with the failed check and its origin until it is mended and replayed.
"""
