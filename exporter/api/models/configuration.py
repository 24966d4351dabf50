"""What became of the configuration file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime

from exporter.api.example import Example
from exporter.api.shape import From, Made, Shape, show


@Example(
    at="2026-03-01T12:30:00.000Z",
    problems=["streams.harbour-cam.video.bitrate: expected a bit rate such as 4500k"],
)
class RefusedConfiguration(Shape):
    """Why the configuration file as it stands is not taken, and `at` when that was first found. No secrets."""

    at: Annotated[AwareDatetime, From("rejected")]
    problems: list[str]


def _refused(config: Any) -> dict[str, Any] | None:
    return None if config.rejected is None else show(RefusedConfiguration, config)


@Example(accepted="2026-03-01T09:59:57.100Z", refused=None, warnings=0, need_restart=[])
class Configuration(Shape):
    """The one in force was `accepted` then; `refused` is null unless the file says something else that is not taken.

    `warnings` is how many there are (`neverdark check` and neverdark's log name them); `need_restart` are keys that
    take effect only when neverdark is started anew.
    """

    accepted: AwareDatetime
    refused: Annotated[RefusedConfiguration | None, Made(_refused)]
    warnings: int
    need_restart: list[str]


@Example(added=["harbour-cam"], removed=[], changed=["lobby"], need_restart=[])
class ReloadChanges(Shape):
    """Streams that a reload touched, and keys whose change takes effect when neverdark is started anew."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    need_restart: list[str]


@Example(accepted=True, problems=[], warnings=[])
class Reload(Shape):
    """What came of reading the configuration: `changes` if it was accepted, `detail` and `problems` if not."""

    accepted: bool
    detail: str | None
    changes: ReloadChanges | None
    problems: list[str]
    warnings: list[str]
