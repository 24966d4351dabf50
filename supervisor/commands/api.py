"""A running neverdark's HTTP API, as its clients see it, and where to find it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from supervisor.config.file import peek
from supervisor.config.problems import ConfigError, Problem, shown
from supervisor.config.tls import own_certificate
from supervisor.model.quantities import DEFAULT_LISTEN, Address, parse_address

_TIMEOUT = 5.0


class ApiError(Exception):
    """A neverdark that cannot be reached, or that refused; the text is for the person at the terminal.

    `status` is the HTTP status, None without an answer; `body` the answer, if it was JSON.
    """

    def __init__(self, message: str, status: int | None = None, body: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class Api:
    """A running neverdark's API. Every method raises `ApiError`.

    `token` goes only with orders: reading needs none, and whoever answers at `url` need not be neverdark. `no_token`
    says why there is none, to whoever is told that one is needed.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        no_token: str = "",
        *,
        ca_file: Path | None = None,
        certificate: bytes | None = None,
    ) -> None:
        """By TLS, `certificate` (DER) is the only one that is believed; else those that `ca_file` vouches for."""
        self.url = url.rstrip("/")
        self._token = token
        self._no_token = no_token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and the loopback
        if ca_file is not None:
            self._session.verify = str(ca_file)
        elif certificate is not None:
            self._session.verify = False  # no authority and no name tells more than the certificate itself
            self._session.mount("https://", _Pinned(certificate))

    def get(self, path: str, **parameters: object) -> Any:
        """The JSON at `path`."""
        return self._call("GET", path, parameters)

    def post(
        self, path: str, *, timeout: float = _TIMEOUT, body: dict[str, Any] | None = None, **parameters: object
    ) -> Any:
        """Give an order."""
        return self._call("POST", path, parameters, timeout, body)

    def delete(self, path: str) -> Any:
        """Give the order to take something away."""
        return self._call("DELETE", path, {})

    def _call(
        self,
        method: str,
        path: str,
        parameters: dict[str, object],
        timeout: float = _TIMEOUT,
        body: dict[str, Any] | None = None,
    ) -> Any:
        is_order = method != "GET"
        try:
            answer = self._session.request(
                method,
                self.url + path,
                params={name: str(value) for name, value in parameters.items() if value is not None},
                json=body or None,
                headers={"Authorization": f"Bearer {self._token}"} if is_order and self._token else {},
                timeout=timeout,
                allow_redirects=not is_order,  # a token is for the address that was meant
            )
            told = answer.json()
        except requests.exceptions.SSLError:
            reason = "its certificate is not trusted, or it speaks no TLS"
            raise ApiError(f"{self.url}: {reason}; --ca-file (NEVERDARK_CA_FILE) names whom to trust") from None
        except requests.ConnectionError:
            raise ApiError(f"no neverdark answers at {self.url}; is it running?") from None
        except requests.RequestException as error:
            raise ApiError(f"{self.url}: {type(error).__name__}") from None
        except OSError:  # requests looks for it when it connects
            raise ApiError(f"{self._session.verify}: expected a file with certificates to trust") from None
        if not answer.ok or answer.is_redirect:
            detail = str(
                (told.get("detail") if isinstance(told, dict) else None) or f"{self.url} answers {answer.status_code}"
            )
            if answer.status_code == requests.codes.unauthorized and not self._token:
                detail += self._no_token
            raise ApiError(detail, answer.status_code, told)
        return told


class _Pinned(HTTPAdapter):
    """Believes one certificate, whoever has signed it and whatever name is in it."""

    def __init__(self, certificate: bytes) -> None:
        self._fingerprint = hashlib.sha256(certificate).hexdigest()
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """As the base does it, with the fingerprint."""
        super().init_poolmanager(*args, **more, assert_fingerprint=self._fingerprint)


def connect(url: str | None, config: Path | Sequence[Path], ca_file: Path | None = None) -> Api:
    """The neverdark at `url`, else at NEVERDARK_URL, else where the configuration listens.

    Of the configuration only single keys are read: a client needs none of the secrets that `run` needs, and may be
    somebody who may not read it at all. Its token is for the address that it names itself; to any other one goes only
    NEVERDARK_API_TOKEN. If that configuration has `tls`, it is the certificate there that has to answer: the name in it
    is for others. `ca_file`, else NEVERDARK_CA_FILE, names whom to trust instead.
    """
    files = [config] if isinstance(config, Path) else config
    url = url or os.environ.get("NEVERDARK_URL")
    ca_file = ca_file or (Path(named) if (named := os.environ.get("NEVERDARK_CA_FILE")) else None)
    token = os.environ.get("NEVERDARK_API_TOKEN")
    try:
        own, having, cert_file = _own_address(files)
    except ConfigError:
        if url is None:
            raise
        own, having, cert_file = "", (), None
    if token or (url or own).rstrip("/") != own:
        only = "; a configuration's token goes only to the address that it names: set NEVERDARK_API_TOKEN for another"
        pinned = own_certificate(cert_file) if cert_file and (url or own).rstrip("/") == own else None
        return Api(url or own, token, only, ca_file=ca_file, certificate=pinned)
    token = next(filter(None, map(_token, having)), None)
    how = "; name the configuration that has it (-c), or set NEVERDARK_API_TOKEN"
    pinned = own_certificate(cert_file) if cert_file else None
    return Api(own, token, how, ca_file=ca_file, certificate=pinned)


def _own_address(files: Sequence[Path]) -> tuple[str, Sequence[Path], Path | None]:
    """Where a configuration listens, as a URL; those of `files` that say so; its certificate. Raises `ConfigError`."""
    named = ((file, found) for file in files if (found := peek(file, "listen")) is not None)
    file, listen = next(named, (None, str(DEFAULT_LISTEN)))
    variable = os.environ.get("NEVERDARK_LISTEN")
    try:
        address = parse_address(variable or listen)
    except ValueError as error:
        where = "listen (from NEVERDARK_LISTEN)" if variable else "listen"
        problem = Problem(where, shown(("listen",), variable or listen), str(error))
        raise ConfigError(file or Path(), [problem]) from None
    host = "127.0.0.1" if address.host in {"0.0.0.0", "::"} else address.host  # noqa: S104 - compared with
    cert_file = _cert_file([file] if file else files)
    scheme = "https" if cert_file else "http"
    return f"{scheme}://{Address(host, address.port)}", [file] if file and not variable else files, cert_file


def _cert_file(files: Sequence[Path]) -> Path | None:
    """The certificate that a neverdark of the first of `files` that names one shows."""
    for file in files:
        tls = peek(file, "tls")
        named = os.environ.get("NEVERDARK_TLS__CERT_FILE") or (tls.get("cert_file") if isinstance(tls, dict) else None)
        if isinstance(named, str):
            with suppress(RuntimeError):  # a ~ of nobody's: `check` tells
                return file.absolute().parent / Path(named).expanduser()
    return None


def _token(file: Path) -> str | None:
    token, token_file = peek(file, "api_token"), peek(file, "api_token_file")
    if isinstance(token_file, str):
        try:
            return (file.absolute().parent / Path(token_file).expanduser()).read_text(encoding="utf-8-sig").strip()
        except (OSError, ValueError, RuntimeError):
            return None
    return str(token) if token is not None else None
