"""Why a server's certificate is not accepted: FFmpeg tells only that it is not. Blocks; for worker threads."""

from __future__ import annotations

import socket
import ssl

from supervisor.ffmpeg.phrases import EXPIRED, NOT_VALID_YET, UNTRUSTED, WRONG_HOST
from supervisor.model.quantities import Address

# OpenSSL's X509_V_ERR_…: the names of the numbers are in no module.
_REASONS = {
    9: NOT_VALID_YET,
    10: EXPIRED,
    18: UNTRUSTED,  # signed by itself
    19: UNTRUSTED,  # so is the last one of its chain
    20: UNTRUSTED,  # its signer is not known here
    21: UNTRUSTED,
    62: WRONG_HOST,
    64: WRONG_HOST,  # an IP address
}


def certificate_fault(address: Address, ca_file: str, timeout: float) -> str | None:
    """Connect by TLS, hang up, and say in words for people why the certificate is no good; None: nothing was found.

    `ca_file` is the PEM bundle that FFmpeg trusts, too. Takes at most some `timeout` seconds; nothing is sent.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
        with socket.create_connection((address.host, address.port), timeout) as connection:
            context.wrap_socket(connection, server_hostname=address.host.removesuffix(".")).close()
    except ssl.SSLCertVerificationError as error:
        return _REASONS.get(error.verify_code)
    except (OSError, ValueError):
        return None
    return None
