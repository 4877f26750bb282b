"""Endpoint configurations and endpoints: fleets of model servers, traffic, deployments."""
