"""What the owner should be told of what is configured for YouTube, and what it needs of a day's quota."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from supervisor.config.addresses import FILE_NAME, USUAL, read_addresses
from supervisor.config.file import Loaded
from supervisor.config.problems import ConfigWarning
from supervisor.config.shape import Config
from supervisor.config.youtube import LONGEST_ARCHIVE, PlaceSection
from supervisor.model.quantities import show_duration
from supervisor.platforms.youtube.backups import asked_of
from supervisor.platforms.youtube.planner import INSERT_EVERY, INSERTS_A_DAY
from supervisor.platforms.youtube.quota import Need, daily_need

_MOST_PICTURE: Final = 2_000_000
_DAY: Final = 86_400.0


def youtube_doubts(loaded: Loaded, file: Path) -> Iterator[ConfigWarning]:
    """What YouTube will not do as it is configured, and what a person still has to do."""
    del file
    config = loaded.config
    for name, stream in config.streams.items():
        for key, destination in stream.destinations.items():
            if destination.youtube and stream.enabled:
                yield from _place(f"streams.{name}.destinations.{key}.youtube", destination.youtube)
    for name, account in config.youtube.accounts.items():
        if not list(_places(config, name)):
            continue
        need, left = _need(config, name), account.quota.limit - account.quota.reserve
        if need.total > left:
            rarely = "YouTube will be asked more rarely than poll says"
            lacking = ", and not all rotations will be made" if need.rotating + need.least > left else ""
            text = (
                f"they need {need.total:,} units a day ({need.polling:,} to ask, {need.rotating:,} to rotate), "
                f"and {left:,} are there besides the reserve: {rarely}{lacking}"
            )
            yield ConfigWarning(f"youtube.accounts.{name}.quota", text)
        if not _is_there(account.token_file):
            text = f"nobody has logged in: neverdark youtube login --account {name}"
            yield ConfigWarning(f"youtube.accounts.{name}.token_file", text)


def needs(config: Config) -> Iterator[str]:
    """What each account needs of a day's quota, and what of it rotations add."""
    for name, account in config.youtube.accounts.items():
        need = _need(config, name)
        if need.total:
            takes = f"asking takes {need.polling:,} of {account.quota.limit:,} units a day"
            added = f", and rotations add {need.rotating:,}" if need.rotating else ""
            yield f"youtube.accounts.{name}: {takes}{added}"


def backup_addresses(config: Config) -> Iterator[str]:
    """Where each backup is sent to whose address the configuration leaves to YouTube."""
    known = read_addresses(config.data_dir / FILE_NAME)
    for one in asked_of(config):
        told = f"{known[one.stream_id]}, as YouTube has told" if one.stream_id in known else f"{USUAL}, as is usual"
        until = "" if one.stream_id in known else "; YouTube is asked as soon as it runs"
        yield f"streams.{one.stream}.destinations.{one.destination}: sent to {told}{until}"


def _place(where: str, place: PlaceSection) -> Iterator[ConfigWarning]:
    broadcast = place.broadcast
    if place.rotate and (often := _DAY / max(place.rotate.every, INSERT_EVERY)) >= INSERTS_A_DAY:
        text = (
            f"{show_duration(place.rotate.every)}: {often:.0f} broadcasts a day; from {INSERTS_A_DAY} on (every "
            f"{show_duration(_DAY / INSERTS_A_DAY)}) none may be made to replace one that has ended"
        )
        yield ConfigWarning(f"{where}.rotate.every", text)
    if place.rotate and place.rotate.every > LONGEST_ARCHIVE:
        text = (
            f"{show_duration(place.rotate.every)}: of a broadcast that lasts more than 12h YouTube keeps no recording"
        )
        yield ConfigWarning(f"{where}.rotate.every", text)
    if broadcast is None or not broadcast.manage:
        return
    if "made_for_kids" not in broadcast.model_fields_set:
        text = "false, as it is not said; YouTube asks for an answer by who makes a broadcast: write true or false"
        yield ConfigWarning(f"{where}.broadcast.made_for_kids", text)
    if broadcast.thumbnail:
        try:
            size = broadcast.thumbnail.stat().st_size
        except OSError as error:
            yield ConfigWarning(f"{where}.broadcast.thumbnail", f"{broadcast.thumbnail}: {error.strerror}")
        else:
            if size > _MOST_PICTURE:
                text = f"{broadcast.thumbnail} has {size:,} bytes, and YouTube takes {_MOST_PICTURE:,} at most"
                yield ConfigWarning(f"{where}.broadcast.thumbnail", text)


def _need(config: Config, account: str) -> Need:
    return daily_need(config.youtube.accounts[account].quota, list(_places(config, account)))


def _places(config: Config, account: str) -> Iterator[PlaceSection]:
    for stream in config.streams.values():
        for destination in stream.destinations.values():
            if stream.enabled and destination.youtube and destination.youtube.account == account:
                yield destination.youtube


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:
        return True  # somebody else's: who runs it is told
