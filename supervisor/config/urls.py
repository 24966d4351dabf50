"""What the URL of a source or a destination may be."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from supervisor.config.fields import absolute, base_dir
from supervisor.model.destination_urls import file_path, split
from supervisor.model.push_urls import is_listener, wrong_parameter
from supervisor.model.quantities import MAX_PORT, Address

DESTINATION_SCHEMES = ("rtmp", "rtmps", "srt", "rtsp", "udp", "rist", "https", "file")
_WITHOUT_USUAL_PORT = ("srt", "udp", "rist")
FILE_TYPES = (".flv", ".ts", ".mkv", ".mp4")
# FFmpeg's reading protocols that a URL can begin with, and what each must name.
_SOURCE_SCHEMES_WITH_HOST = (
    *("rtsp", "rtsps", "rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpte", "rtmpts", "http", "https"),
    *("ftp", "sftp", "mmsh", "mmst", "tls", "gopher", "gophers"),
)
_SOURCE_SCHEMES = (
    *_SOURCE_SCHEMES_WITH_HOST,
    *("srt", "udp", "tcp", "rtp", "srtp", "rist", "zmq", "unix", "file", "hls", "hls+http", "hls+https"),
)
_IS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*").fullmatch
_DATABASE_SCHEMES = ("postgresql://", "postgres://")
_SPACE = re.compile(r"\s")
_AFTER_HOST = re.compile(r"[/?#]")
_HOST_AND_PORT = f"expected a URL with a host and, if any, a port from 1 to {MAX_PORT}"


def destination_scheme(url: str) -> str:
    """`rtmp`, `rtmps`, `srt`, `file` (also for a bare path), or whatever else the URL begins with."""
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon and _IS_SCHEME(scheme) else "file"


def _destination_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    scheme = destination_scheme(url)
    if scheme not in DESTINATION_SCHEMES:
        raise ValueError(f"expected a URL that begins with one of {', '.join(DESTINATION_SCHEMES)}, or a path")
    if scheme == "file":
        path = Path(file_path(url))
        if path.suffix.lower() not in FILE_TYPES:
            raise ValueError(f"expected a file whose name ends with one of {', '.join(FILE_TYPES)}")
        return SecretStr(str(absolute(path)))
    host, port = _host_and_port(url)
    if scheme == "srt" and not host and port:
        raise ValueError(
            "expected a host before the port: that of the receiver, or with mode=listener an address of this machine"
            " (0.0.0.0 for all)"
        )
    if not host or port == 0 or _SPACE.search(url):
        raise ValueError(f"{_HOST_AND_PORT}, and without spaces")
    if scheme in _WITHOUT_USUAL_PORT and port is None:
        raise ValueError(f"expected a port: {scheme.upper()} has no usual one")
    if reason := wrong_parameter(url):
        raise ValueError(reason)
    if is_listener(url) and (reason := _open_to_strangers(url, host)):
        raise ValueError(reason)
    return value


def _open_to_strangers(url: str, host: str) -> str | None:
    """What lets anybody take a stream that waits to be called; a machine's own loopback is nobody else's."""
    word = next((value for name, value in parse_qsl(url.partition("?")[2]) if name == "passphrase"), "")
    if not word and not Address(host, 1).is_loopback:
        return "expected a passphrase (passphrase=…), because with mode=listener anybody who can reach it may take it"
    return None


def _source_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """What FFmpeg may read is much; what is certainly wrong is a URL with a misspelt or missing part."""
    url = value.get_secret_value()
    scheme, found, rest = url.partition("://")
    if info.data.get("format") is not None:
        return value  # of a lavfi graph or a device's name, only FFmpeg knows what is right
    if not found or not _IS_SCHEME(scheme):
        is_path = ":" not in url and url != "-" and base_dir.get() != Path()
        return SecretStr(str(absolute(Path(url)))) if is_path else value
    if scheme.lower() not in _SOURCE_SCHEMES:
        raise ValueError(f"expected a URL that begins with one of {', '.join(_SOURCE_SCHEMES)}, or a path")
    host, port = _host_and_port(url)
    needs_host = scheme.lower() in _SOURCE_SCHEMES_WITH_HOST
    if port == 0 or (needs_host and not host) or (port is None and host is None and _authority(rest)):
        raise ValueError(_HOST_AND_PORT)
    return value


def _database_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if not url.startswith(_DATABASE_SCHEMES):
        raise ValueError("expected a URL that begins with postgresql://; without this key an SQLite file is used")
    try:
        parts = urlsplit(url, allow_fragments=False)
        database, _ = parts.path.strip("/"), parts.port
    except ValueError:
        raise ValueError(f"expected postgresql://USER:PASSWORD@HOST/DATABASE, with a port up to {MAX_PORT}") from None
    if not database or "/" in database or _SPACE.search(url):
        raise ValueError("expected postgresql://USER:PASSWORD@HOST/DATABASE, without spaces")
    if find_spec("psycopg") is None:
        raise ValueError(
            "expected neverdark to be installed with what PostgreSQL needs: pip install 'neverdark[postgres]'"
        )
    return value


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    """The host and port in a URL; no host when either cannot be one."""
    try:
        parts = split(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None, None
    return host, port


def _authority(rest: str) -> str:
    return _AFTER_HOST.split(rest, maxsplit=1)[0].rpartition("@")[2]


DestinationUrl = Annotated[SecretStr, Field(min_length=1), AfterValidator(_destination_url)]
DatabaseUrl = Annotated[SecretStr, Field(min_length=1), AfterValidator(_database_url)]
SourceUrl = Annotated[SecretStr, Field(min_length=1), AfterValidator(_source_url)]
