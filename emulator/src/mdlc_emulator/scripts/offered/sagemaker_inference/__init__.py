"""What scripts import of sagemaker-inference, which needs setuptools below 81 and a JVM."""

import mdlc_offered  # noqa: F401 - for what this package holds
