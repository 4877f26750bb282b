"""What the framework images run: a user's script trains, a user's functions serve.

Imports nothing of the engine; runs in any environment whose Python is 3.10 or newer.
"""
