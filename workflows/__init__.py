"""Workflows (`*.asl.json`), their checks and deployment, and the templates of everything that is no
Lambda."""
