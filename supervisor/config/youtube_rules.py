"""What one key of YouTube's means for another. Pure, on the raw tree, as `rules`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from supervisor.config.yaml_nodes import Path_

_NO = {"false", "no", "off", "n", "f", "0"}


class Found(NamedTuple):
    """As `rules.Broken`."""

    path: Path_
    expected: str
    show: bool = False


class YoutubeRules:
    """Every rule that a tree's destinations break; each is asked about once, in the order of the file."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._accounts = _section(_section(tree.get("youtube")).get("accounts"))
        self._managed: dict[str, tuple[str, str]] = {}

    def broken(self, path: Path_, destination: Mapping[str, Any], *, enabled: bool) -> Iterator[Found]:
        """Those of the destination at `path`."""
        section = destination.get("youtube")
        if not isinstance(section, dict):
            return
        place: Path_ = (*path, "youtube")
        if destination.get("recording") is not None:
            yield Found(place, "cannot be had with recording: a folder is no channel")
            return
        account = section.get("account")
        manages = _manages(section)
        if account is not None:
            yield from self._known((*place, "account"), account)
        elif manages:
            reason = "expected an account: broadcasts are made and repaired with its login (or manage: false)"
            yield Found((*place, "account"), reason)
        elif section.get("stream_id") is not None:
            yield Found((*place, "account"), "expected an account: what becomes of stream_id is asked with its login")
        elif section.get("channel") is None:
            yield Found((*place, "channel"), "expected a channel, for its public page, or an account")
        if manages:
            yield from _needs(place, section)
            if enabled:
                yield from self._once((*place, "stream_id"), section)
        elif section.get("rotate") is not None:
            yield Found((*place, "rotate"), "expected broadcast: {manage: true, …} beside it: nothing else may rotate")

    def _known(self, path: Path_, account: object) -> Iterator[Found]:
        if not isinstance(account, str) or account in self._accounts:
            return
        if not self._accounts:
            yield Found(path, "expected the name of an account, but there is none in youtube.accounts", show=True)
            return
        names = sorted(map(str, self._accounts))
        meant = get_close_matches(account, names, n=1)
        more = f"did you mean {meant[0]}?" if meant else f"expected one of {', '.join(names)}"
        yield Found(path, f"there is no such account in youtube.accounts; {more}", show=True)

    def _once(self, path: Path_, section: Mapping[str, Any]) -> Iterator[Found]:
        """Two that repair one broadcast would work against each other."""
        stream_id, here = section.get("stream_id"), (str(path[1]), str(path[3]))
        if not isinstance(stream_id, str):
            return
        other = self._managed.setdefault(stream_id, here)
        if other[0] != here[0]:
            yield Found(path, f"expected another one than that of streams.{other[0]}.destinations.{other[1]}")


def _needs(place: Path_, section: Mapping[str, Any]) -> Iterator[Found]:
    if section.get("stream_id") is None:
        yield Found((*place, "stream_id"), "expected the id of the stream that its key belongs to")
    broadcast = section["broadcast"]
    if broadcast.get("title") is None:
        yield Found((*place, "broadcast", "title"), "expected a title: viewers see it (or manage: false)")


def _manages(section: Mapping[str, Any]) -> bool:
    broadcast = section.get("broadcast")
    return isinstance(broadcast, dict) and str(broadcast.get("manage", True)).lower() not in _NO


def _section(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
