"""What may be shown and what may not. Pure.

Our own texts are safe by construction: a URL is shown as `rtmps://host/app/***`. Text of other programs'
(FFmpeg prints keys and passwords when it is refused) is cleaned by value with a `Redactor`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

HIDDEN = "***"
_MIN_SECRET = 3  # a shorter "secret" would tear every text apart
_SECRET_PARAMETER = re.compile(
    r"(?i)(^|[_-])(key|token|auth|sig|signature|secret|pass|passwd|password|passphrase|pwd|pw|streamid|streamname|"
    r"stream_key|apikey|api_key|access_token|user|login|hash|hdnts|policy|credential)s?($|[_-])"
)
_URL_IN_TEXT = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>|\]]+")


def names_a_secret(name: str) -> bool:
    """Whether a parameter or a variable of this name holds something to hide."""
    return _SECRET_PARAMETER.search(name) is not None


def show_url(url: str, key: str | None = None) -> str:
    """A URL without its secrets: scheme, host, port and path stay; user, query and stream name do not.

    >>> show_url("rtmp://a.example/live2/KEY")
    'rtmp://a.example/live2/***'
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if not parts.scheme or not host:
        return _show_plain(url)
    host = f"[{host}]" if ":" in host else host
    path = parts.path
    names_stream = parts.scheme.lower().startswith("rtmp")
    if names_stream:
        pieces = path.strip("/").split("/")
        kept = pieces if key is not None else pieces[:1]
        path = "/" + "/".join([piece for piece in kept if piece] + [HIDDEN])
    user = f"{HIDDEN}@" if parts.username or parts.password else ""
    query = f"?{HIDDEN}" if parts.query and not names_stream else ""
    return f"{parts.scheme}://{user}{host}{port}{path}{query}"


def _show_plain(url: str) -> str:
    """A path or a lavfi graph has no place for a secret, but a nested URL may."""
    return _URL_IN_TEXT.sub(lambda match: show_url(match.group()), url)


def secrets_of_url(url: str, key: str | None = None) -> set[str]:
    """The strings in a URL that must never be printed: password, stream name, telling parameters."""
    try:
        parts = urlsplit(url)
        found = {parts.password} if parts.password else set()
        if parts.username and not parts.password:
            found.add(parts.username)  # a lone user name is a token more often than not
    except ValueError:
        return {url}
    for name, value in parse_qsl(parts.query):
        if names_a_secret(name):
            found.add(value)
    if parts.scheme.lower().startswith("rtmp") and key is None:
        pieces = [piece for piece in parts.path.split("/") if piece]
        if len(pieces) > 1:
            found.add("/".join(pieces[1:]))
            found.add(pieces[-1])
    if key:
        found.add(key)
        found |= {value for name, value in parse_qsl(key.partition("?")[2]) if names_a_secret(name)}
        found.add(key.partition("?")[0])
    return found


def secrets_of_argv(argv: Iterable[str]) -> set[str]:
    """The secrets in a command line of the owner's: those of every URL in it."""
    found: set[str] = set()
    for word in argv:
        for match in _URL_IN_TEXT.finditer(word):
            found |= secrets_of_url(match.group())
    return found


class Redactor:
    """Replaces secrets in text, in each form in which a program may print them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            for form in (secret, unquote(secret), quote(secret, safe=""), quote(secret), secret.replace("\\", "\\\\")):
                if len(form) >= _MIN_SECRET:
                    forms.add(form)
        # The longest first, or a secret that contains another would leave its tail behind.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def clean(self, text: str) -> str:
        """`text` with `***` where a secret stood."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text
