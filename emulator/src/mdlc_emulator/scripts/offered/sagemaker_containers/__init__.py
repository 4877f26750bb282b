"""What scripts import of sagemaker-containers, whose last release needs packages that no longer install."""

import mdlc_offered  # noqa: F401 - for what this package holds
