"""What may be shown and what may not. Pure.

Our own texts are safe by construction: a URL is shown as `rtmps://host/app/***`, or `rtsp://***@host/***/stream1`.
Text of other programs' (FFmpeg prints keys and passwords when it is refused) is cleaned with a `Redactor`: of what is
known to be secret, by value, and of what nobody told us, by its form.
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from supervisor.secrets.harmless import (
    HIDDEN,
    is_harmless_application,
    is_harmless_parameter,
    is_harmless_picture,
    names_a_secret,
)
from supervisor.secrets.hiding import hide_forms
from supervisor.secrets.literals import SHORTEST, Literals
from supervisor.secrets.urls_in_text import hide_urls

__all__ = [
    "HIDDEN",
    "Redactor",
    "names_a_secret",
    "secrets_of_argv",
    "secrets_of_url",
    "show_destination",
    "show_url",
]

_MIN_TOKEN: Final = 16  # a parameter of any name whose value is so long is a token
_MIN_UNNAMED: Final = 4  # a shorter part of a path, or value of a name that does not tell, is hidden in its URL only
_MIN_NUMBER: Final = 6  # and a shorter number: others print numbers, too

_URL_IN_TEXT: Final = re.compile(
    r"(?<![a-zA-Z0-9+.-])[a-zA-Z0-9+.-]+://(?:[^\s\"'<>|\[\]/?]*@)?(?:\[[0-9a-fA-F:.%]+\])?[^\s\"'<>|\[\]]*"
)
_BEGINS_LIKE_A_URL: Final = re.compile(r"(?<![a-zA-Z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]*://")
_HEADER_NAME: Final = re.compile(r"(?<![A-Za-z0-9-])([A-Za-z0-9-]+)\s*+:\s*+")
_HEADER_VALUE: Final = re.compile(r"[^\r\n\"']+")
_HEADERS: Final = re.compile(r"(?i)authorization|cookie|token|api-?key|secret")
_ASSIGNMENT: Final = re.compile(r"(?<![A-Za-z0-9_.-])-{0,2}([A-Za-z_][A-Za-z0-9_.-]*+)=(.+)", re.DOTALL)
_IN_A_PATH: Final = re.compile(r"(?<![A-Za-z])([A-Za-z]++)=([^_&;,]*)")  # /user=admin_password=x_channel=1.sdp
_PARAMETER_END: Final = re.compile(r"[&;]")
_COOKIE_END: Final = re.compile(r"[;\s]+")
_WORD_END: Final = re.compile(r"[\s\"']+")


# --- our own texts ---------------------------------------------------------------------------------


def show_url(url: str, key: str | None = None) -> str:
    """A URL without its secrets: scheme, host, port, of RTMP the application, and a last part that everybody uses.

    >>> show_url("rtmp://a.example/live2/KEY")
    'rtmp://a.example/live2/***'
    >>> show_url("http://a.example/live/me/PASSWORD/index.m3u8")
    'http://a.example/***/index.m3u8'
    """
    parts = _split(url)
    if parts is None:
        return HIDDEN
    if not parts.scheme or not parts.netloc or parts.scheme.lower() == "file":
        return _show_what_has_no_host(url, parts.scheme.lower())
    pieces = [piece for piece in parts.path.split("/") if piece]
    if not parts.scheme.lower().startswith("rtmp"):
        return _shown_front(parts) + _shown_path(pieces) + (f"?{HIDDEN}" if parts.query else "")
    if key is None and len(pieces) == 1 and not is_harmless_application(pieces[0]):
        return f"{_shown_front(parts)}/{HIDDEN}"  # the stream's name alone: FFmpeg would not find it either
    kept = pieces if key is not None else pieces[:1]
    return "/".join([_shown_front(parts), *kept, HIDDEN])


def _show_what_has_no_host(url: str, scheme: str) -> str:
    """A path or a lavfi graph has no place for a secret, but a URL in it may."""
    if scheme != "file" and (_BEGINS_LIKE_A_URL.match(url) or scheme.startswith("rtmp")):
        return HIDDEN  # whatever it is, it is not what it was meant to be
    return hide_urls(url)


def _shown_path(pieces: list[str]) -> str:
    if not pieces:
        return ""
    last = pieces[-1] if is_harmless_picture(pieces[-1]) else HIDDEN
    return f"/{HIDDEN}/{last}" if len(pieces) > 1 and last != HIDDEN else f"/{last}"


def show_destination(url: str) -> str:
    """A destination's URL that may be wrong, and its key anywhere in it: only what surely is none stays."""
    parts = _split(url)
    if parts is not None and parts.netloc and parts.scheme.lower().startswith("rtmp"):
        return show_url(url)
    if parts is not None and parts.netloc:
        return f"{_shown_front(parts)}/{HIDDEN}"
    is_path = ":" not in url and ("/" in url or "." in url)
    return url if is_path else HIDDEN


def _shown_front(parts: SplitResult) -> str:
    user = f"{HIDDEN}@" if "@" in parts.netloc else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}"


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None if it is malformed. A `#` is not special to FFmpeg."""
    try:
        parts = urlsplit(url, allow_fragments=False)
        _ = parts.port
    except ValueError:
        return None
    return parts


# --- what is secret --------------------------------------------------------------------------------


def secrets_of_url(url: str, key: str | None = None) -> set[str]:
    """The strings in a URL, as they are written, that must never be printed.

    User, password and both as a login sends them, stream name, values of parameters, parts of the path.
    """
    parts = _split(url)
    if parts is None:
        return {url, *_of_user(url.partition("://")[2].rpartition("@")[0])} - {""}
    found = set(_of_user(parts.netloc.rpartition("@")[0])) | set(_of_query(parts.query))
    if parts.scheme.lower().startswith("rtmp"):
        found |= set(_stream_names(parts)) if key is None else set()
    elif parts.netloc and parts.scheme.lower() != "file":
        found |= set(_of_path(parts.path))
    else:  # a path, a graph, or something like `concat:`
        found |= {secret for nested in _urls_in(url) if nested != url for secret in secrets_of_url(nested)}
    if key:
        stream, _, query = key.partition("?")
        found |= {key, stream, stream.rpartition("/")[2], *_of_query(query)}
    return found - {""}


def _of_user(user_info: str) -> Iterator[str]:
    name, colon, password = user_info.partition(":")
    yield password if colon else name  # a lone user name is a token more often than not
    for login in {user_info, unquote(user_info)} if user_info else ():
        sent = (login if colon else f"{login}:").encode("utf-8", "surrogatepass")
        yield from {encode(sent).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode)}


def _of_query(query: str) -> Iterator[str]:
    for parameter in _PARAMETER_END.split(query):
        name, _, value = parameter.partition("=")
        if not value:
            value = name if len(name) >= _MIN_TOKEN else ""
        tells = names_a_secret(unquote(name)) or len(value) >= _MIN_TOKEN
        if tells or (not is_harmless_parameter(name) and _is_worth_hiding(value)):
            yield value
            yield value.rpartition("=")[2]  # SRT's `streamid=#!::r=live,token=X`


def _of_path(path: str) -> Iterator[str]:
    for part in path.split("/"):
        if _is_worth_hiding(part) and not is_harmless_picture(part) and not is_harmless_application(part):
            yield part
        yield from (value for name, value in _IN_A_PATH.findall(part) if names_a_secret(name))


def _stream_names(parts: SplitResult) -> Iterator[str]:
    pieces = [piece for piece in parts.path.split("/")[2:] if piece]
    if pieces:
        yield "/".join(pieces)
        yield pieces[-1]
        if parts.query:
            yield f"{pieces[-1]}?{parts.query}"


def _is_worth_hiding(text: str) -> bool:
    """Whether to hide it wherever it stands, although nothing says that it is a secret."""
    return len(text) >= (_MIN_NUMBER if text.isdigit() else _MIN_UNNAMED)


def _urls_in(text: str) -> Iterator[str]:
    """URLs that stand in a text, also with the backslashes that tee and filters want."""
    for form in {text, text.replace("\\", "")}:
        yield from (match.group() for match in _URL_IN_TEXT.finditer(form))


def secrets_of_argv(argv: Iterable[str]) -> set[str]:
    """The secrets in a command line of the owner's: of its URLs, of headers, and the values of telling options."""
    words = list(argv)
    found: set[str] = set()
    for index, word in enumerate(words):
        found |= _secrets_of_word(word)
        name = words[index - 1] if index else ""
        if name.startswith("-") and "=" not in name and names_a_secret(name.lstrip("-")):
            found.add(word)
            if "cookie" in name:
                found |= {part.partition("=")[2] for part in _COOKIE_END.split(word)}
        if name in {"-u", "--user", "--proxy-user"} and ":" in word:
            found |= set(_of_user(word))
        if any(character.isspace() for character in word):  # a script of a shell's
            pieces = _WORD_END.split(word)
            if len(pieces) < len(word):
                found |= secrets_of_argv(pieces)
    return {secret for secret in found if len(secret) >= SHORTEST}


def _secrets_of_word(word: str) -> set[str]:
    found = {secret for url in _urls_in(word) for secret in secrets_of_url(url)}
    if _BEGINS_LIKE_A_URL.match(word):
        found |= secrets_of_url(word)
    for name in _HEADER_NAME.finditer(word):
        value = _HEADER_VALUE.match(word, name.end()) if _HEADERS.search(name.group(1)) else None
        if value:
            said = value.group().strip()
            found |= {said, said.rpartition(" ")[2], said.rpartition("=")[2]}
    if (assigned := _ASSIGNMENT.fullmatch(word)) and names_a_secret(assigned.group(1)):
        found |= {assigned.group(2), assigned.group(2).rstrip(";")}
    return found


# --- text of other programs ------------------------------------------------------------------------


class Redactor:
    """Takes secrets out of text, those that are known and those that look like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known = Literals(secrets)

    def clean(self, text: str, *, cut: bool = False) -> str:
        """`text` with `***` where a secret stood. `cut` says that its end may be missing, in the middle of one."""
        return hide_forms(self._known.replace(text, HIDDEN, cut=cut), cut=cut)
