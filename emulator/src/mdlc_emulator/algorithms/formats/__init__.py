"""The data formats that SageMaker's algorithms read and write, each in one module."""
