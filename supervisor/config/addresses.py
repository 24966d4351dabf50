"""Addresses of backup ingests for which the configuration names none: what YouTube has told of them, or the usual one.

Whoever has a login asks, and keeps the answer in a small file of the data_dir. That file counts as one of the
configuration's, so that an address that changes is taken up, and one that is known needs no network at a start.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from supervisor.config.fields import absolute
from supervisor.config.stamp import Stamp, stamp_of
from supervisor.config.urls import destination_scheme
from supervisor.model.destination_urls import RTMP_PORTS

FILE_NAME: Final = "youtube-addresses.json"
USUAL: Final = "rtmps://b.rtmps.youtube.com:443/live2?backup=1"
_VERSION: Final = 1
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_MOST_BYTES: Final = 1_000_000


class Asked(NamedTuple):
    """A backup whose address is left to YouTube: where it stands, and which stream of whose it is sent to."""

    stream: str
    destination: str
    account: str
    stream_id: str


def read_addresses(file: Path) -> Mapping[str, str]:
    """By the id of a stream: where its backup is sent to, without a key. What is broken or strange is left out."""
    with contextlib.suppress(OSError, ValueError, RecursionError, AttributeError):
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & _WRITABLE_BY_OTHERS:
                return {}  # whoever wrote it would be sent the stream, with its key
            tree = json.loads(opened.read(_MOST_BYTES))
        if tree.get("version") == _VERSION and isinstance(tree.get("addresses"), dict):
            return {name: url for name, url in tree["addresses"].items() if is_address(url)}
    return {}


def written_addresses(addresses: Mapping[str, str]) -> bytes:
    """The content of the file."""
    return json.dumps({"version": _VERSION, "addresses": dict(addresses)}).encode() + b"\n"


def is_address(url: object) -> bool:
    """Whether media could be sent there, with a key behind it."""
    return isinstance(url, str) and url.isprintable() and " " not in url and destination_scheme(url) in RTMP_PORTS


def asked(tree: Mapping[str, Any]) -> Iterator[Asked]:
    """The backups of a raw tree that name no address, and whose stream an account can be asked about."""
    for stream, section in _sections(tree.get("streams")):
        places = dict(_sections(section.get("destinations")))
        primary = next((one for one in places.values() if one.get("role") == "primary"), {})
        for destination, one in places.items():
            if one.get("role") != "backup" or one.get("url") is not None or one.get("recording") is not None:
                continue
            place = one.get("youtube") or primary.get("youtube")
            named = place if isinstance(place, dict) else {}
            account, stream_id = named.get("account"), named.get("stream_id")
            if isinstance(account, str) and isinstance(stream_id, str):
                yield Asked(stream, destination, account, stream_id)


class Addresses:
    """Those that one reading of a configuration needs. `files`: what they were read from, if any is needed."""

    def __init__(self, default: Path) -> None:
        """`default` is the data_dir of a configuration that names none."""
        self.files: dict[Path, Stamp] = {}
        self._default = default
        self._known: Mapping[str, str] | None = None

    def fill_in(self, tree: dict[str, Any]) -> None:
        """Give each backup that names no address its own, in place."""
        for one in asked(tree):
            if self._known is None:
                self._known = self._read(tree.get("data_dir"))
            tree["streams"][one.stream]["destinations"][one.destination]["url"] = self._known.get(one.stream_id, USUAL)

    def _read(self, directory: object) -> Mapping[str, str]:
        with contextlib.suppress(ValueError):  # no path: that is told where it stands
            file = absolute(Path(directory) if isinstance(directory, str) else self._default) / FILE_NAME
            self.files[file] = stamp_of(file)
            return read_addresses(file)
        return {}


def _sections(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, one) for name, one in value.items() if isinstance(one, dict))
