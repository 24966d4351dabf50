"""The reference of the configuration: every key stands in it with its default, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from supervisor.config.content import ContentSection
from supervisor.config.fallback import Slate
from supervisor.config.file import load
from supervisor.config.overlay import Overlay
from supervisor.config.profile import ProfileSection
from supervisor.config.recording import KeepSection, RecordingSection
from supervisor.config.rendition import RenditionAudio, RenditionVideo
from supervisor.config.shape import (
    Audio,
    Config,
    DestinationSection,
    ExternalSection,
    MaintenanceSection,
    Network,
    Rung,
    ScheduleSection,
    Source,
    StreamSection,
    Tls,
    Video,
)
from supervisor.config.thumbnails import Thumbnails
from supervisor.config.tracks import TrackMap
from supervisor.config.youtube import (
    AccountSection,
    BroadcastSection,
    PlaceSection,
    QuotaSection,
    RotateSection,
    YoutubeSection,
)
from supervisor.model.fallback import FallbackPolicy
from supervisor.model.policies import Policies
from supervisor.model.quantities import parse_bitrate, parse_duration

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
POLICIES = {name: type(field.default) for name, field in Policies.model_fields.items()}
SECTIONS: dict[str, type[BaseModel]] = {
    "Top level": Config,
    "`thumbnails`": Thumbnails,
    "`tls`": Tls,
    "`network`": Network,
    "`external`": ExternalSection,
    "`youtube`": YoutubeSection,
    "`accounts`": AccountSection,
    "`quota`": QuotaSection,
    **{f"`{name}`": model for name, model in POLICIES.items()},
    "`streams`": StreamSection,
    "`content`": ContentSection,
    "`schedule`": ScheduleSection,
    "`maintenance`": MaintenanceSection,
    "`source`": Source,
    "`map`": TrackMap,
    "`video`": Video,
    "`overlay`": Overlay,
    "`audio`": Audio,
    "`fallback`": Rung,
    "`slate`": Slate,
    "`fallback_policy`": FallbackPolicy,
    "`destinations`": DestinationSection,
    "`video` of a destination": RenditionVideo,
    "`audio` of a destination": RenditionAudio,
    "`profile`": ProfileSection,
    "`recording`": RecordingSection,
    "`keep`": KeepSection,
    "`youtube` of a destination": PlaceSection,
    "`broadcast`": BroadcastSection,
    "`rotate`": RotateSection,
}


def rows(section: str) -> dict[str, str]:
    """Key → default, of the table below a heading."""
    body = re.split(rf"^##+ {re.escape(section)}\n", TEXT, flags=re.MULTILINE)[1]
    body = re.split(r"^##", body, flags=re.MULTILINE)[0]
    return {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*?) ?\|", body, re.MULTILINE)}


def own_keys(model: type[BaseModel]) -> dict[str, Any]:
    inherited = Policies.model_fields if issubclass(model, Policies) else {}
    return {field.alias or name: field for name, field in model.model_fields.items() if name not in inherited}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_stands_in_its_section_and_no_other(section: str) -> None:
    assert set(rows(section)) == set(own_keys(SECTIONS[section]))


KEYS = [(section, key) for section, model in SECTIONS.items() for key in own_keys(model)]


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_default_is_the_codes(section: str, key: str) -> None:
    written = rows(section)[key].strip("`")
    field = own_keys(SECTIONS[section])[key]
    if field.is_required():
        assert written == "required"
        return
    default = field.default
    if default is None or default in ((), {}) or isinstance(default, BaseModel):
        assert written in {"", "none", "automatic", "the source's", "the encoder's", "the stream's"}
    elif isinstance(default, bool):
        assert written == str(default).lower()
    elif isinstance(default, float):
        assert parse_duration(written) == default
    elif isinstance(default, int) and key == "bitrate":
        assert parse_bitrate(written) == default
    else:
        assert written.removeprefix("./") == str(default)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_PASSWORD", "made-up")
    monkeypatch.setenv("YT_KEY", "made-up-key")
    for name in ("STAGE_PASSPHRASE", "DESK_KEY", "TWITCH_KEY"):
        monkeypatch.setenv(name, f"made-up-{name}")
    (tmp_path / "secrets").mkdir()
    for name in ("harbour-key", "youtube-client"):
        (tmp_path / "secrets" / name).write_text("made-up-key")
    (tmp_path / "neverdark.yml").write_text(example, encoding="utf-8")
    assert load(tmp_path / "neverdark.yml").config.streams
