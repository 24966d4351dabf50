"""The server's own certificate and its key: files of PEM, as Let's Encrypt's programs keep them. IO."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Final

_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"
_IS_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
_HAS_PASSPHRASE: Final = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)
_CHAIN: Final = "a PEM file with the certificate, and behind it those of its chain"
_MOST_BYTES: Final = 1024 * 1024


class BadTls(Exception):  # noqa: N818 - it names the state
    """A file that no server can use: `key` is what names it in the configuration, the text what was expected."""

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(expected)
        self.key = key


def server_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """What a server speaks TLS with, 1.2 and newer. Raises `BadTls`."""
    if _CERTIFICATE not in _text("cert_file", cert_file):
        raise BadTls("cert_file", f"expected {_CHAIN}; there is none in it")
    key = _text("key_file", key_file)
    if _HAS_PASSPHRASE.search(key):
        raise BadTls("key_file", "expected a private key without a passphrase: nobody is there to type it")
    if not _IS_KEY.search(key):
        raise BadTls("key_file", "expected a PEM file with the private key; there is none in it")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cert_file)
    except (OSError, ValueError) as error:
        raise BadTls("cert_file", f"expected {_CHAIN}; OpenSSL: {_reason(error)}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert_file, key_file, password=lambda: b"")  # never ask for one on the terminal
    except (OSError, ValueError) as error:
        wrong = _reason(error)
        if "KEY_VALUES_MISMATCH" in wrong or "KEY_TYPE_MISMATCH" in wrong:
            raise BadTls("key_file", "expected the private key of the certificate in cert_file") from None
        if wrong.startswith(("EE_", "CA_")):  # too weak for this machine's policy
            raise BadTls("cert_file", f"expected a certificate that OpenSSL takes here: {wrong}") from None
        raise BadTls("key_file", f"expected a PEM file with the private key; OpenSSL: {wrong}") from None
    return context


def own_certificate(cert_file: Path) -> bytes | None:
    """The first certificate of the file, DER; None if it cannot be read."""
    try:
        begin = _text("cert_file", cert_file).partition(_CERTIFICATE)
        end = begin[2].partition("-----END CERTIFICATE-----")
        return ssl.PEM_cert_to_DER_cert(f"{_CERTIFICATE}{end[0]}{end[1]}\n")
    except (BadTls, ValueError):
        return None


def _text(key: str, file: Path) -> str:
    try:
        if not file.is_file() and file.exists():
            raise BadTls(key, "expected a plain file")
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise BadTls(key, f"expected a readable file: {error.strerror}") from None


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__)
