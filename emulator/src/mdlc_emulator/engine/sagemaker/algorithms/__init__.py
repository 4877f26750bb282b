"""Algorithms in the form of AWS Marketplace: what trains and what serves, under one name."""
