"""The gateway's pipeline: what a request passes, in order, and why what LocalStack has besides is not here.

Left out, since they do nothing on this emulator: the metrics collector, OpenAPI validation of LocalStack's
own routes, usage analytics, the parsing of moto's responses for the analytics, and the close of connections
for hypercorn. Replaced by cheaper ones of the same effect: the routers (asked only for paths and hosts that
can be theirs), service name, credentials, the request log.
"""

from localstack.aws import handlers
from localstack.aws.app import LocalstackAwsGateway
from localstack.aws.handlers.fallback import EmptyResponseHandler
from localstack.aws.handlers.service_plugin import ServiceLoader

from mdlc_emulator.engine.fidelity.recorder import admit, count_response
from mdlc_emulator.engine.gateway import cors, identity, log, routing, unknown


def order(gateway: LocalstackAwsGateway) -> None:
    """Set the handlers of `gateway`."""
    load_service = ServiceLoader(gateway.service_manager, gateway.service_request_router)

    gateway.request_handlers[:] = [
        handlers.add_internal_request_params,
        handlers.handle_runtime_shutdown,
        routing.load_service_of_host(load_service),
        handlers.preprocess_request,  # S3 answers its own CORS here, by the buckets' rules
        cors.refuse_foreign_pages,
        handlers.content_decoder,
        routing.serve_own_routes,
        routing.serve_localstack_routes,
        routing.serve_deployed_routes,
        # from here on it is an AWS API call
        routing.find_service,
        handlers.parse_pre_signed_url_request,
        identity.identify,
        handlers.parse_trace_context,
        handlers.parse_service_request,
        admit,
        handlers.serve_custom_service_request_handlers,
        load_service,
        gateway.service_request_router,
        EmptyResponseHandler(404, b'{"message": "Not Found"}'),
    ]
    gateway.exception_handlers[:] = [
        handlers.log_exception,
        handlers.serve_custom_exception_handlers,
        unknown.answer_exception,
        handlers.handle_internal_failure,
    ]
    gateway.response_handlers[:] = [
        handlers.modify_service_response,
        handlers.run_custom_response_handlers,
        cors.add_response_headers,
        count_response,
        log.log_call,
    ]
    gateway.finalizers[:] = [handlers.run_custom_finalizers]
