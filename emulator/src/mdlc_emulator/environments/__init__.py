"""Packages that run beside the engine, each in a directory of its own, installed from lock files in here."""
