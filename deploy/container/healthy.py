"""Whether the neverdark of this container is well: the image's health check. With `tls` in its configuration, too.

`healthy.py [PORT]`. It is right here, and asked for nothing secret: whose certificate it shows does not matter.
"""

from __future__ import annotations

import http.client
import ssl
import sys

TIMEOUT = 2.0  # seconds, of the five that Docker gives to both


def is_well(connection: http.client.HTTPConnection) -> bool:
    """Whether it says so. Raises OSError or HTTPException where nobody speaks this protocol."""
    connection.request("GET", "/healthz")
    return connection.getresponse().status == http.client.OK


def main() -> int:
    """0: it is."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9833
    try:
        well = is_well(http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT))
    except (OSError, http.client.HTTPException):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        well = is_well(http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=context))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
