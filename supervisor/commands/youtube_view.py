"""`neverdark youtube plan` and `streams`: what would be done, and which streams a channel has. Nothing is changed."""

from __future__ import annotations

import sys

from rich import box
from rich.table import Table

from supervisor.commands.api import Api, ApiError
from supervisor.commands.client import terminal
from supervisor.commands.stream_words import Json, clock
from supervisor.commands.youtube import account_of, asking
from supervisor.config.shape import Config
from supervisor.platforms.youtube.errors import YoutubeError
from supervisor.platforms.youtube.oauth import OAuth
from supervisor.platforms.youtube.saying import said
from supervisor.platforms.youtube.tokens import Tokens

_DONE, _FAILED, _WRONG = 0, 1, 2


def plan(api: Api, stream: str | None) -> int:
    """What a running neverdark sees at YouTube, and what it would do next."""
    try:
        found = api.get("/api/platforms")
    except ApiError as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return _FAILED
    rows = [one for one in found["platforms"] if stream in {None, one["stream"]}]
    if not rows:
        of = f" of {stream}" if stream else ""
        print(f"neverdark: no destination{of} says what it is at YouTube (destinations.….youtube)", file=sys.stderr)
        return _WRONG
    table = Table("DESTINATION", "SEES", "WOULD DO", "WATCH", box=box.SIMPLE_HEAD, pad_edge=False)
    for one in rows:
        words = {name: word.replace("_", " ") for name, word in one["words"].items() if name != "trouble"}
        sees = ", ".join(f"{name} {word}" for name, word in words.items())
        table.add_row(f"{one['stream']}:{one['destination']}", sees, one["plan"], _watch(one))
    terminal().print(table)
    for login in found["logins"]:
        if why := login.get("unasked"):  # an older neverdark does not tell
            print(f"{login['account']}: YouTube cannot be asked: {why}", file=sys.stderr)
        if login["mend"]:
            print(f"{login['account']}: {login['said']}; {login['mend']}", file=sys.stderr)
    return _DONE


def _watch(one: Json) -> str:
    """Where viewers see it, or why there is nothing to tell; an older neverdark tells less."""
    if one["address"] or not one.get("former_address"):
        return one["address"] or ""
    return f"none: ended at {clock(one['ended'], None)}" if one["ended"] else "not known any more"


def streams(config: Config, name: str) -> int:
    """The streams of the channel, by id, and which destination has the key of which."""
    if (account := account_of(config, name)) is None:
        return _WRONG
    keys = {
        f"{stream}:{destination}": one.secret_key.get_secret_value()
        for stream, section in config.streams.items()
        for destination, one in section.destinations.items()
        if one.secret_key
    }
    tokens = Tokens(account, OAuth(account))
    table = Table("STREAM ID", "TITLE", "ITS KEY IS THAT OF", box=box.SIMPLE_HEAD, pad_edge=False)
    try:
        with asking(config, name, account, tokens) as client:
            for one in client.own_streams(keys):
                table.add_row(one.id, one.title, ", ".join(one.named))
    except YoutubeError as error:
        mend = f"; neverdark youtube login --account {name}" if tokens.state.login.needs_a_person else ""
        print(f"neverdark: {said(error)}{mend}", file=sys.stderr)
        return _FAILED
    terminal().print(table)
    return _DONE
