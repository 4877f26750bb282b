"""Processing jobs: containers that turn inputs into outputs."""
