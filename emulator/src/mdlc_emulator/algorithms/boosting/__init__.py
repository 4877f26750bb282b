"""The xgboost algorithm, as SageMaker's own container runs it around the same library.

https://github.com/aws/sagemaker-xgboost-container
"""
