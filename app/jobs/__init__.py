"""Jobs: the entry points of the one image that AWS Batch, SageMaker Processing and script training run.

A job is a module of this package with a function `main(arguments: Sequence[str]) -> int`, the exit code; its
docstring's first line is its description. `python -m app.jobs NAME ...` runs it, in the image and, by the
recipe in mdlc-images.toml, in the project's own environment.
"""
