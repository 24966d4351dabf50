"""`neverdark youtube`: the login of an account. It works on files and Google, whether neverdark runs or not."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich import box
from rich.table import Table

from supervisor.commands.client import terminal
from supervisor.config.shape import Config
from supervisor.config.youtube import AccountSection, PlaceSection
from supervisor.platforms.youtube import loopback
from supervisor.platforms.youtube.client import Channel, Client
from supervisor.platforms.youtube.errors import YoutubeError
from supervisor.platforms.youtube.ledger import Ledger, file_name
from supervisor.platforms.youtube.oauth import Device, Grant, OAuth, waiting
from supervisor.platforms.youtube.private_file import check_writable
from supervisor.platforms.youtube.quota import Use
from supervisor.platforms.youtube.saying import moment, said
from supervisor.platforms.youtube.tokens import Login, Tokens

_DONE, _FAILED, _WRONG = 0, 1, 2
_BAR: tuple[str, ...] = ("|", "/", "-", "\\")
_STEP: float = 0.25  # seconds between two looks of the progress line


def login(config: Config, name: str, *, by_browser: bool) -> int:
    """Log in, and keep the login in the account's token_file."""
    if (account := account_of(config, name)) is None:
        return _WRONG
    oauth = OAuth(account)
    try:
        check_writable(account.token_file)
    except OSError as error:
        return _fail(f"youtube.accounts.{name}.token_file: {error.filename}: {error.strerror}")
    try:
        grant = loopback.log_in(oauth, _show_address) if by_browser else _by_code(oauth)
        channel, unknown = _channel_of(config, name, account, grant)
        if wrong := "" if unknown else _wrong_channel(config, name, channel):
            return _fail(f"{wrong}; nothing was kept")
        Tokens(account, oauth).save(grant, channel.id if channel else "")
    except YoutubeError as error:
        return _fail(said(error))
    except OSError as error:
        return _fail(f"{error.filename or 'the loopback'}: {error.strerror}")
    print(f"{name}: logged in{f' as {_shown(channel)}' if channel else ''}; kept in {account.token_file}")
    return _fail(f"whose channel it is could not be asked: {unknown}") if unknown else _DONE


def _channel_of(config: Config, name: str, account: AccountSection, grant: Grant) -> tuple[Channel | None, str]:
    """The channel of a new login, or why it could not be asked: the login is good all the same."""
    try:
        with asking(config, name, account, _Given(grant.access)) as client:
            return client.channel(use=Use.REPAIR), ""
    except YoutubeError as error:
        return None, said(error)


def logout(config: Config, name: str) -> int:
    """Revoke the login, and remove the file."""
    if (account := account_of(config, name)) is None:
        return _WRONG
    oauth = OAuth(account)
    tokens = Tokens(account, oauth)
    stored = tokens.stored()
    if stored is None and not account.token_file.exists():
        print(f"{name}: nobody has logged in")
        return _DONE
    revoked = False
    with contextlib.suppress(YoutubeError):
        if stored:
            oauth.revoke(stored.refresh)
            revoked = True
    try:
        tokens.forget()
    except OSError as error:
        return _fail(f"{account.token_file}: {error.strerror}")
    if not revoked:
        return _fail(
            f"{account.token_file} is removed, but Google could not be told: end neverdark's access at "
            "https://myaccount.google.com/connections"
        )
    print(f"{name}: logged out; {account.token_file} is removed")
    return _DONE


def status(config: Config, name: str | None) -> int:
    """How the logins are; 1 if one of them cannot be used."""
    names = [name] if name else sorted(config.youtube.accounts)
    if not names:
        print("there are no accounts: youtube.accounts in the configuration", file=sys.stderr)
        return _DONE
    table = Table("ACCOUNT", "LOGIN", "CHANNEL", "SINCE", "QUOTA TODAY", box=box.SIMPLE_HEAD, pad_edge=False)
    good = True
    for one in names:
        if (account := account_of(config, one)) is None:
            return _WRONG
        tokens = Tokens(account, OAuth(account))
        shown, wrong = "", ""
        with asking(config, one, account, tokens) as client:
            try:
                channel = client.channel(use=Use.REPAIR)
                shown, wrong = channel.id if channel else "", _wrong_channel(config, one, channel)
            except YoutubeError as error:
                wrong = said(error)
            used = client.used
        stored = tokens.stored()
        since = time.strftime("%Y-%m-%d", time.gmtime(stored.obtained)) if stored and stored.obtained else ""
        state = tokens.state.login
        refused = "not usable" if state is Login.GOOD else str(state)  # it is good, but of another channel
        table.add_row(one, refused if wrong else str(Login.GOOD), shown, since, used)
        if wrong:
            good = False
            mend = f"; neverdark youtube login --account {one}" if state.needs_a_person else ""
            print(f"{one}: {wrong}{mend}", file=sys.stderr)
    terminal().print(table)
    return _DONE if good else _FAILED


# --- the two ways ------------------------------------------------------------------------------------


def _by_code(oauth: OAuth) -> Grant:
    device = oauth.begin()
    print(f"on any device open   {device.address}\nand type this code:  {device.user_code}", flush=True)
    with _progress() as turn:
        return waiting(oauth, device, sleep=_sleeper(device, turn))


def _show_address(address: str) -> None:
    print(f"open this address in a browser on this machine:\n{address}", flush=True)
    print("waiting for the login (Ctrl-C ends it) …", file=sys.stderr, flush=True)


def _sleeper(device: Device, turn: Callable[[str], None]) -> Callable[[float], None]:
    """Sleeps, and lets the line on the terminal move meanwhile."""
    begun = time.monotonic()

    def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            rest = max(0, round(device.lasts - (time.monotonic() - begun)))
            turn(f"waiting for the login, {rest // 60}:{rest % 60:02d} left (Ctrl-C ends it)")
            time.sleep(min(_STEP, left))

    return sleep


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line that is written over on a terminal, and said once elsewhere."""
    shown = 0
    moves = sys.stderr.isatty()

    def turn(words: str) -> None:
        nonlocal shown
        if moves:
            print(f"\r{_BAR[shown % len(_BAR)]} {words}", end="", file=sys.stderr, flush=True)
        elif not shown:
            print(words, file=sys.stderr, flush=True)
        shown += 1

    try:
        yield turn
    finally:
        if moves and shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# --- what is configured ------------------------------------------------------------------------------


class _Given:
    """An access token that is not kept yet."""

    def __init__(self, access: str) -> None:
        self._access = access

    def access(self) -> str:
        return self._access

    def refused(self, access: str) -> None:
        del access


class _Asking(Client):
    """With what the ledger says, for people."""

    def __init__(self, account: AccountSection, tokens: Tokens | _Given, ledger: Ledger) -> None:
        super().__init__(account, tokens, ledger)
        self._quota_ledger = ledger

    @property
    def used(self) -> str:
        """Used of how many units."""
        ledger, now = self._quota_ledger, time.time()
        day, limit = ledger.day, ledger.quota.limit
        new = ledger.new_at
        left = max(0, round(new - now))
        ends = f"new at {moment(new)} (in {left // 3600}:{left // 60 % 60:02d} h)"
        if now < day.closed_until:
            return f"all {limit} used, as YouTube says ({day.used} by neverdark), {ends}"
        return f"{day.used} of {limit}, {ends}"


@contextlib.contextmanager
def asking(config: Config, name: str, account: AccountSection, tokens: Tokens | _Given) -> Iterator[_Asking]:
    """What asks YouTube for an account, and counts what it asks."""
    folder: Path = config.data_dir
    file = folder / file_name(name) if folder.is_dir() else None
    client = _Asking(account, tokens, Ledger(account.quota, file, time.time))
    try:
        yield client
    finally:
        client.close()


def account_of(config: Config, name: str) -> AccountSection | None:
    """The account of this name; None: there is none, and that is said."""
    known = config.youtube.accounts
    if name not in known:
        names = ", ".join(sorted(known)) or "there is none"
        print(f"neverdark: there is no account {name} in youtube.accounts ({names})", file=sys.stderr)
    return known.get(name)


def _places(config: Config, name: str) -> Iterator[PlaceSection]:
    for stream in config.streams.values():
        for destination in stream.destinations.values():
            if destination.youtube and destination.youtube.account == name:
                yield destination.youtube


def _wrong_channel(config: Config, name: str, channel: Channel | None) -> str:
    """What is to be said when the login is of another channel than the destinations of this account; or nothing."""
    if channel is None:
        return "this login has no channel"
    wanted = sorted({place.channel for place in _places(config, name) if place.channel} - {channel.id})
    if not wanted:
        return ""
    return f"this login is of {_shown(channel)}, but the configuration names {', '.join(wanted)}"


def _shown(channel: Channel) -> str:
    title = "".join(sign for sign in channel.title if sign.isprintable())
    return f"{channel.id} ({title})" if title else channel.id


def _fail(words: str) -> int:
    print(f"neverdark: {words}", file=sys.stderr)
    return _FAILED
