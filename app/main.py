"""The composition root: the only place that chooses adapters and registers entry points.

Everything imported here is paid for by every function's cold start: no pandas, no boto3.
"""

import functools
import os

from aws_lambda_powertools import Logger
from chalice.app import Chalice

from app import compiled
from app.adapters.aws import Clients
from app.adapters.inspection import AwsInspector
from app.adapters.registrations import AwsRegistrations
from app.functions import health, lifecycles, registration, telemetry
from app.functions.ports import Ports, bind
from app.resources import APPLICATION

stage = os.environ.get("MDLC_STAGE", "local")

# Chalice logs through logging.getLogger(APPLICATION), which is powertools' logger of the same name.
logger = Logger(service=APPLICATION)
app = Chalice(app_name=APPLICATION, configure_logs=False)
telemetry.install(app, logger)

_clients = Clients()
bind(
    Ports(
        stage=stage,
        inspector=AwsInspector(_clients),
        registrations=AwsRegistrations(_clients, stage),
        lifecycles=functools.cache(compiled.load),
    )
)

for entry in (health.routes, lifecycles.routes, registration.steps):
    app.register_blueprint(entry)
