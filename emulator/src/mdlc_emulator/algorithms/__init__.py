"""SageMaker's built-in algorithms: the programs that stand for their images.

They run inside a container, with the interpreter of the `algorithms` environment, and know the container's
contract (/opt/ml, the model server's port) and nothing of the engine. Only `specification` and `errors` are
imported from elsewhere: they need the standard library alone.
"""
