"""Certificates of a test's own authority: good ones, and every kind that nobody should accept."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

_CONFIG = """\
[ca]
default_ca = test
[test]
database = index
new_certs_dir = .
serial = serial
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_LONG_AGO, _AGO, _LATER, _MUCH_LATER = (f"{year}0101000000Z" for year in (2000, 2001, 2045, 2049))


class Authority:
    """Makes certificates in a folder; `bundle` is what trusts them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.bundle = folder / "ca.pem"
        (folder / "ca.cnf").write_text(_CONFIG)
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        self._openssl(
            "req", "-x509", *_KEY, "-days", "9999", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test"
        )

    def files(self, name: str, whose: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """Certificate and key of a new server called `name`."""
        self._made(name, whose, _LONG_AGO, _MUCH_LATER)
        return self._folder / f"{name}.pem", self._folder / f"{name}.key"

    def good(self, name: str = "IP:127.0.0.1") -> ssl.SSLContext:
        """What a server has whose certificate is for `name`, an alternative name as OpenSSL writes it."""
        return self._made("good", name, _LONG_AGO, _MUCH_LATER)

    def expired(self) -> ssl.SSLContext:
        return self._made("expired", "IP:127.0.0.1", _LONG_AGO, _AGO)

    def not_valid_yet(self) -> ssl.SSLContext:
        return self._made("future", "IP:127.0.0.1", _LATER, _MUCH_LATER)

    def _made(self, name: str, whose: str, start: str, end: str) -> ssl.SSLContext:
        subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={whose}")
        self._openssl("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", *subject)
        days = ("-startdate", start, "-enddate", end)
        self._openssl(
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem", *days
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        return context

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self._folder, timeout=60)
