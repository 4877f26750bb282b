"""Models: what an endpoint or a transform job serves."""
