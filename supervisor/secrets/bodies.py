"""A stream's configuration without its secrets, and the secrets back in what somebody sends after having read it. Pure.

Hidden is what may hold a secret: keys, of URLs what `show_url` hides, and all but the plainest words of lists that may
hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from supervisor.secrets.harmless import HIDDEN, names_a_secret
from supervisor.secrets.secrecy import show_url

Place = tuple[str | int, ...]
_COMMAND: Final[Place] = ("command",)
_SECRETS_OF_A_SOURCE: Final = ("key", "passphrase")
_OPTION: Final = re.compile(r"-[A-Za-z_:]{1,24}", re.ASCII)
_PLAIN: Final = re.compile(r"[-+]?[0-9.]{1,6} ?[A-Za-z/]{0,5}|[A-Za-z0-9_]{0,8}", re.ASCII)
_NO_KEY: Final = "-"  # for a URL whose key stands in a file


def hidden(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it may be shown."""
    shown = {key: _copy(value) for key, value in body.items()}
    for place, value in _secretive(body):
        _put(shown, place, value)
    return shown


def revealed(body: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[dict[str, Any], list[Place]]:
    """The body with the values of `known` where their hidden form was sent, and where such a form stands for nothing.

    A word of a list may have moved; it is found by its form, if that is one word's alone.
    """
    full = {key: _copy(value) for key, value in body.items()}
    forms = dict(_secretive(known))
    unknown = []
    for place, value in list(_written(body)):
        if not isinstance(value, str) or HIDDEN not in value:
            continue
        if forms.get(place) == value:
            _put(full, place, _at(known, place))
        elif isinstance(place[-1], int) and (word := _moved(known, forms, place, value)) is not None:
            _put(full, place, word)
        else:
            unknown.append(place)
    return full, unknown


def sends_elsewhere(body: Mapping[str, Any], known: Mapping[str, Any], sent: object) -> Iterator[Place]:
    """The keys that nobody has sent anew and that would go to another server: so one could read what is hidden."""
    old, asked = _section(known, "destinations"), _section(sent, "destinations")
    for name, destination in _section(body, "destinations").items():
        key, before = _section(destination).get("key"), _section(old.get(name))
        said = _section(asked.get(name)).get("key")
        kept = key is not None and key == before.get("key") and (said is None or said == HIDDEN)
        if kept and _server(destination.get("url")) != _server(before.get("url")):
            yield "destinations", name, "key"


# --- what may be secret ------------------------------------------------------------------------------


def _written(body: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """Whatever stands where a secret may be."""
    rungs = body.get("fallback")
    sources: list[Place] = [("source",)]
    sources += [("fallback", index, "source") for index in range(len(rungs) if isinstance(rungs, list) else 0)]
    for place in sources:
        for key in ("url", *_SECRETS_OF_A_SOURCE):
            yield (*place, key), _section(_at(body, place)).get(key)
    for place in (*((*place, "options") for place in sources), _COMMAND):
        words = _at(body, place)
        if isinstance(words, list):
            yield from (((*place, index), word) for index, word in enumerate(words))
    for name, destination in _section(body, "destinations").items():
        for key in ("url", "key"):
            yield ("destinations", name, key), _section(destination).get(key)


def _secretive(body: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """The same as it may be shown, where that is something else; what is no text and no number is left as it is."""
    for place, value in _written(body):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        text, above = str(value), _at(body, place[:-1])
        if place[-1] in {"key", *_SECRETS_OF_A_SOURCE}:
            yield place, HIDDEN
        elif place[0] == "destinations":
            yield place, _destination(text, above)
        elif place[-1] == "url":
            yield place, show_url(text)
        elif not _is_harmless(text, place[-1], above):
            yield place, HIDDEN


def _is_harmless(word: str, index: Any, words: Any) -> bool:
    """Whether a word of a list surely holds no secret: the name of an option, a short number, a plain word."""
    before = str(words[index - 1]) if index else ""
    if before.startswith("-") and names_a_secret(before):
        return False
    return _OPTION.fullmatch(word) is not None or _PLAIN.fullmatch(word) is not None


def _destination(url: str, destination: Mapping[str, Any]) -> str:
    key = destination.get("key")
    if (key is None and destination.get("key_file") is None) or (key is not None and str(key) in url):
        return show_url(url)
    shown = show_url(url, _NO_KEY)
    parts = urlsplit(url.partition("?")[0]) if shown.startswith("rtmp") else None
    bare = parts is not None and "@" not in parts.netloc and "?" not in url
    return url if bare else shown


def _server(url: Any) -> tuple[str, str]:
    try:
        parts = urlsplit(str(url), allow_fragments=False)
    except ValueError:
        return "", str(url)
    return parts.scheme.lower(), parts.netloc.lower()


# --- trees ---------------------------------------------------------------------------------------------


def _moved(known: Mapping[str, Any], forms: Mapping[Place, str], place: Place, form: str) -> Any:
    found = {_at(known, there) for there, shown in forms.items() if there[:-1] == place[:-1] and shown == form}
    return found.pop() if len(found) == 1 else None


def _section(value: Any, key: str | None = None) -> Mapping[str, Any]:
    if key is not None:
        value = _section(value).get(key)
    return value if isinstance(value, Mapping) else {}


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _at(tree: Any, place: Sequence[str | int]) -> Any:
    for part in place:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def _put(tree: Any, place: Place, value: Any) -> None:
    for part in place[:-1]:
        tree = tree[part]
    tree[place[-1]] = value
