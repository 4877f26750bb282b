"""What scripts import of the xgboost image's own package:
https://github.com/aws/sagemaker-xgboost-container/tree/master/src/sagemaker_xgboost_container"""

import mdlc_offered  # noqa: F401 - for what this package holds
