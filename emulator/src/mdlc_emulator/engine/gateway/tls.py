"""TLS on the gateway's port, made when the first client asks for it: most never do, and a key takes its
time."""

import functools
import ssl

from localstack import config


@functools.cache
def server_context() -> ssl.SSLContext:
    """A server's context with LocalStack's own certificate for localhost."""
    from localstack.utils.ssl import create_ssl_cert

    _, certificate, key = create_ssl_cert(  # type: ignore[no-untyped-call]
        serial_number=config.GATEWAY_LISTEN[0].port
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
