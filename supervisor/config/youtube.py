"""YouTube in the configuration: the accounts, and what a destination is there. Values only; rules: `youtube_rules`."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from supervisor.config.fields import Name, PlainFile, SecretFile, SecretFromFile
from supervisor.model.policies import PositiveDuration, Section
from supervisor.model.quantities import MAX_PORT, Address, Count

LONGEST_TITLE: Final = 100
LONGEST_DESCRIPTION: Final = 4_900  # YouTube takes 5,000 bytes; the rest is for our own mark at its end
LONGEST_ARCHIVE: Final = 43_200.0  # seconds: of longer broadcasts YouTube does not promise a recording
PICTURES: Final = (".jpg", ".jpeg", ".png")

_CHANNEL: Final = re.compile(r"UC[A-Za-z0-9_-]{22}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_CATEGORY: Final = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDERS: Final = ("date", "counter")
_HIGHEST_COUNTER: Final = 99_999


def expanded(text: str, day: date, counter: int) -> str:
    """A title or description with the day for `{date}` and the number of the broadcast for `{counter}`."""
    values = {"date": day.isoformat(), "counter": str(counter)}
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _service(value: str) -> str:
    """The root of a server of Google's, or of one in its place, without a slash at the end."""
    expected = f"expected a URL such as https://youtube.googleapis.com: a host, if any a port up to {MAX_PORT}, no more"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(expected) from None
    path = parts.path.rstrip("/")
    if parts.scheme not in {"https", "http"} or not host or port == 0 or not value.isascii() or not value.isprintable():
        raise ValueError(expected)
    if " " in value or "@" in parts.netloc or "?" in value or "#" in value:
        raise ValueError(expected)
    if parts.scheme == "http" and not Address(host, 1).is_loopback:
        raise ValueError("expected https: tokens go there, and http is for this machine's own loopback alone")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _client_id(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("expected the client's id from Google's console, such as 1234-abc.apps.googleusercontent.com")
    return value


def _channel(value: str) -> str:
    if not _CHANNEL.fullmatch(value):
        raise ValueError("expected a channel's id: UC and 22 letters, digits, - or _ (not the @name, not a URL)")
    return value


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("expected a stream's id: letters, digits, - and _ (not the stream key)")
    return value


def _text(value: str, most: int, count: str, *, lines: bool) -> str:
    unknown = [name for name in _PLACEHOLDER.findall(value) if name not in _PLACEHOLDERS]
    if unknown:
        raise ValueError("expected no placeholders but {date} and {counter}")
    if not value.strip():
        raise ValueError("expected something, but it is empty")
    plain = value.replace("\n", "").replace("\t", "") if lines else value
    if "<" in value or ">" in value or not plain.isprintable():
        raise ValueError("expected text without < and >, which YouTube refuses, and without control characters")
    longest = expanded(value, date.max, _HIGHEST_COUNTER)
    length = len(longest.encode("utf-8", "surrogatepass")) if count == "bytes" else len(longest)
    if length > most:
        raise ValueError(f"expected at most {most} {count} with date and counter in it, but these are {length}")
    return value


def _title(value: str) -> str:
    return _text(value, LONGEST_TITLE, "characters", lines=False)


def _description(value: str) -> str:
    return _text(value, LONGEST_DESCRIPTION, "bytes", lines=True) if value else value


def _category(value: object) -> object:
    """The number of a category of YouTube's; a number in YAML needs no quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _category_id(value: str) -> str:
    if not _CATEGORY.fullmatch(value):
        raise ValueError("expected the number of a category, such as 22 (People & Blogs) or 20 (Gaming)")
    return value


def _picture(value: Path) -> Path:
    if value.suffix.lower() not in PICTURES:
        raise ValueError(f"expected a picture whose name ends with one of {', '.join(PICTURES)}")
    return value


ServiceUrl = Annotated[str, AfterValidator(_service)]
ChannelId = Annotated[str, AfterValidator(_channel)]
StreamId = Annotated[str, AfterValidator(_id)]


class QuotaSection(Section):
    """The units of Google's project that neverdark may use in a day, and what a call costs."""

    limit: Count = Field(default=10_000, ge=1)
    reserve: Count = Field(default=1_000, ge=0)
    read: Count = Field(default=1, ge=0)
    write: Count = Field(default=50, ge=0)


class AccountSection(Section):
    """A client of Google's console, and the login of one channel with it."""

    client_id: Annotated[str, StringConstraints(min_length=1), AfterValidator(_client_id)]
    client_secret_file: SecretFromFile
    token_file: PlainFile
    api_url: ServiceUrl = "https://youtube.googleapis.com"
    oauth_url: ServiceUrl = "https://oauth2.googleapis.com"
    auth_url: ServiceUrl = "https://accounts.google.com"
    page_url: ServiceUrl = "https://www.youtube.com"
    quota: QuotaSection = QuotaSection()

    @property
    def secret_files(self) -> tuple[SecretFile, ...]:
        """The files that it was read from."""
        return (self.client_secret_file,)


class YoutubeSection(Section):
    """What all streams share of YouTube."""

    accounts: dict[Name, AccountSection] = {}  # noqa: RUF012 - pydantic gives each its own


class BroadcastSection(Section):
    """What a broadcast is that neverdark makes, and whether it may."""

    manage: bool = True
    title: Annotated[str, AfterValidator(_title)] | None = None
    description: Annotated[str, AfterValidator(_description)] = ""
    privacy: Literal["public", "unlisted", "private"] = "public"
    category: Annotated[str, BeforeValidator(_category), AfterValidator(_category_id)] | None = None
    latency: Literal["normal", "low", "ultraLow"] = "normal"
    dvr: bool = True
    made_for_kids: bool = False
    thumbnail: Annotated[PlainFile, AfterValidator(_picture)] | None = None
    adopt: bool = False


class RotateSection(Section):
    """When a broadcast is replaced by a new one although nothing is wrong with it."""

    every: PositiveDuration = 39_600.0


class PlaceSection(Section):
    """What a destination is at YouTube: whose channel, and which of its streams."""

    account: Name | None = None
    channel: ChannelId | None = None
    stream_id: StreamId | None = None
    poll: Annotated[PositiveDuration, Field(ge=1)] = 60.0
    page_poll: Annotated[PositiveDuration, Field(ge=1)] = 120.0
    broadcast: BroadcastSection | None = None
    rotate: RotateSection | None = None

    @property
    def manages(self) -> bool:
        """Whether neverdark may make and change broadcasts there."""
        return self.broadcast is not None and self.broadcast.manage

    @property
    def picture(self) -> Path | None:
        """What each broadcast that neverdark makes there is given as its picture."""
        return self.broadcast.thumbnail if self.broadcast and self.broadcast.manage else None


def page_url_of(account: AccountSection | None) -> str:
    """Where the public page of a destination is, also of one without an account."""
    default: Any = AccountSection.model_fields["page_url"].default
    return account.page_url if account else str(default)
