"""Lineage: which data, code and jobs a model came from, as a graph of entities and associations."""
