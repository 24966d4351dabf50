"""A source that comes to us: the keys that say where a publisher is awaited, by RTMP or SRT, and who may be one.

IO: key files. What one of these keys means for another: `broken_listening`, on the raw tree, as all such rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ModelWrapValidatorHandler, SecretStr, model_validator

from supervisor.config.fields import SecretFile, SecretFromFile, SecretWord, text
from supervisor.config.yaml_nodes import Path_
from supervisor.model.policies import Section
from supervisor.model.quantities import (
    DEFAULT_LISTEN,
    DEFAULT_PORTS,
    MAX_PORT,
    Address,
    Count,
    parse_address,
    parse_count,
    parse_port_range,
)

DEFAULT_ADDRESS: Final = "127.0.0.1"
DEFAULT_APP: Final = "live"
_ANY_KEY: Final = "stream"  # of a URL must name one, also where any is taken
_LONGEST_KEY: Final = 64
_LEAST_KEY: Final = 8  # beyond loopback
_IS_KEY: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST_KEY}}}").fullmatch
_IS_APP: Final = r"^[A-Za-z0-9_-]{1,32}$"
_IS_PASSPHRASE: Final = re.compile(r"[ -~]{10,79}").fullmatch
_ANY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with
_OWN_KEYS: Final = ("address", "port", "app", "key", "key_file", "passphrase", "passphrase_file", "insecure")
_OF_RTMP: Final = ("app", "key", "key_file", "insecure")
_OF_SRT: Final = ("passphrase", "passphrase_file")
_NOT_WITH: Final = ("url", "format", "loop", "realtime")
_YES: Final = frozenset({"true", "yes", "on", "y", "t", "1"})
TRANSPORTS: Final = {"rtmp": "tcp", "srt": "udp"}


def _key(value: SecretStr) -> SecretStr:
    if not _IS_KEY(value.get_secret_value()):
        raise ValueError(f"expected a key of 1 to {_LONGEST_KEY} characters: a-z, A-Z, 0-9, _ and -")
    return value


def _passphrase(value: SecretStr) -> SecretStr:
    if not _IS_PASSPHRASE(value.get_secret_value()):
        raise ValueError("expected a passphrase of 10 to 79 ASCII characters, as SRT wants it")
    return value


def _key_file(value: SecretFile) -> SecretFile:
    _key(value.secret)
    return value


def _passphrase_file(value: SecretFile) -> SecretFile:
    _passphrase(value.secret)
    return value


def _address(value: object) -> str:
    try:
        return str(ip_address(str(value).strip("[]")))
    except ValueError:
        raise ValueError(
            "expected an IP address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 for all networks"
        ) from None


class Listening(Section):
    """Where a source listens for its publisher. Without `listen` none of these is set."""

    listen: Literal["rtmp", "srt"] | None = None
    address: Annotated[str, BeforeValidator(_address)] = DEFAULT_ADDRESS
    port: Count | None = Field(default=None, ge=1, le=MAX_PORT)
    app: str = Field(default=DEFAULT_APP, pattern=_IS_APP)
    key: Annotated[SecretWord, AfterValidator(_key)] | None = None
    key_file: Annotated[SecretFromFile, AfterValidator(_key_file)] | None = None
    passphrase: Annotated[SecretWord, AfterValidator(_passphrase)] | None = None
    passphrase_file: Annotated[SecretFromFile, AfterValidator(_passphrase_file)] | None = None
    insecure: bool = False

    @model_validator(mode="wrap")
    @classmethod
    def _with_url(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Its URL is made of the other keys, so that whatever reads a source finds it where it always is."""
        if not isinstance(value, Mapping) or value.get("listen") is None or "url" in value:
            return validate(value)
        found = validate({**value, "url": "rtmp://127.0.0.1/"})
        return found.model_copy(update={"url": SecretStr(_url(found))})

    @property
    def awaited_at(self) -> Address:
        """Where it listens."""
        return Address(self.address, self.port or 0)

    @property
    def publisher_secret(self) -> SecretStr | None:
        """What a publisher must know: a key (RTMP) or a passphrase (SRT); None: whoever comes is taken."""
        for written, file in ((self.key, self.key_file), (self.passphrase, self.passphrase_file)):
            if found := file.secret if file else written:
                return found
        return None

    @property
    def secret_files(self) -> tuple[SecretFile, ...]:
        """Its secrets that stand in files of their own."""
        return tuple(file for file in (self.key_file, self.passphrase_file) if file)


def _url(source: Listening) -> str:
    place = f"{source.listen}://{source.awaited_at}"
    if source.listen == "srt":
        return place  # FFmpeg would not decode what had to be escaped in it: the passphrase is an option
    return f"{place}/{source.app}/{text(source.publisher_secret) or _ANY_KEY}"


# --- rules between keys ----------------------------------------------------------------------------


def broken_listening(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each key of a source, as it is written, that does not go with the others, and what was expected of it."""
    kind = source.get("listen")
    if kind is None:
        for key in _OWN_KEYS:
            if source.get(key) is not None:
                yield key, "goes with listen alone: a source that comes to us"
        return
    if kind not in TRANSPORTS:
        return  # reported where it stands
    for key in _NOT_WITH:
        if source.get(key) is not None:
            yield key, "cannot be had with listen: the publisher decides what it sends"
    for key in _OF_SRT if kind == "rtmp" else _OF_RTMP:
        if source.get(key) is not None:
            other = "rtmp has a key" if kind == "rtmp" else "srt has a passphrase"
            yield key, f"cannot be had with listen: {kind}; {other}"
    if source.get("port") is None:
        yield "port", "expected the port at which the publisher calls, such as 1935"
    yield from _secrets(source)
    yield from _beyond_loopback(source, kind)


def _secrets(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, file in (("key", "key_file"), ("passphrase", "passphrase_file")):
        if source.get(key) is not None and source.get(file) is not None:
            yield file, f"expected one of {key} and {file}, not both"
        for empty in (key, file):
            if empty in source and source[empty] is None:
                yield empty, "expected a secret, or a file with one, but nothing stands there"


def _beyond_loopback(source: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    try:
        address = _address(source.get("address") or DEFAULT_ADDRESS)
    except ValueError:
        return  # reported where it stands
    if kind == "srt" and address == "::":
        yield "address", "expected 0.0.0.0 or one address of this machine: not every FFmpeg takes :: for SRT"
    if Address(address, 0).is_loopback:
        return
    if kind == "srt":
        if source.get("passphrase") is None and source.get("passphrase_file") is None:
            yield "passphrase_file", f"expected a passphrase, because {address} is not loopback"
        return
    if source.get("key") is None and source.get("key_file") is None:
        yield "key_file", f"expected a key, because {address} is not loopback"
    elif source.get("key") is not None and len(str(source["key"])) < _LEAST_KEY:
        yield "key", f"expected at least {_LEAST_KEY} characters, because {address} is not loopback"
    if str(source.get("insecure", False)).lower() not in _YES:
        reason = (
            f"expected true, because {address} is not loopback: FFmpeg itself takes any key, neverdark ends it when it "
            "says so, and RTMP sends the key in plain text. Better: listen: srt with a passphrase"
        )
        yield "insecure", reason


class Takers:
    """Who listens at which port: no two can at the same one."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        """`tree` is the whole file: neverdark listens itself, and has UDP ports of its own."""
        self._taken: list[tuple[str, Address, str]] = []
        for key, usual in (("listen", DEFAULT_LISTEN), ("metrics_listen", None)):
            with suppress(ValueError):  # not there; reported where it stands
                self._taken.append(("tcp", parse_address(tree.get(key, usual)), key))
        self._media = DEFAULT_PORTS
        with suppress(ValueError):
            self._media = parse_port_range(tree.get("ports", DEFAULT_PORTS))

    def conflict(self, path: Path_, source: Mapping[str, Any]) -> str | None:
        """Who else listens where this source of a stream that shall run would; from now on it is taken."""
        try:
            transport = TRANSPORTS[source["listen"]]
            mine = Address(_address(source.get("address") or DEFAULT_ADDRESS), parse_count(source["port"]))
        except (KeyError, TypeError, ValueError):
            return None  # reported where it stands
        found = next((name for kind, other, name in self._taken if kind == transport and _meet(mine, other)), None)
        if transport == "udp" and self._media.first <= mine.port <= self._media.last:
            found = f"ports ({self._media}), which neverdark uses itself"
        self._taken.append((transport, mine, ".".join(map(str, path))))
        return found


def _meet(mine: Address, other: Address) -> bool:
    hosts = {"127.0.0.1" if host == "localhost" else host for host in (mine.host, other.host)}
    return mine.port == other.port and (len(hosts) == 1 or bool(hosts & _ANY_ADDRESS))
