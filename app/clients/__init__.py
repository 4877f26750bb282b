"""Stage 8, clients: let others use it.

The OpenAPI description, the Python client made from it, and authentication and authorisation of callers.
"""
