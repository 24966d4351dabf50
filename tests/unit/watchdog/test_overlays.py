"""When it is looked at what is laid over pictures, and what a change leads to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from supervisor.model import events
from supervisor.model.overlays import OverlayFile
from supervisor.model.terms import RestartReason
from supervisor.watchdog import overlays
from supervisor.watchdog.overlays import OverlayWatch

TEXT = OverlayFile(Path("/mine.txt"), Path("/ours.txt"), image=False)
IMAGE = OverlayFile(Path("/mine.png"), Path("/ours.png"), image=True)


class Encoder:
    def __init__(self, *of: OverlayFile, awaits: str | None = None, alive: bool = True, beside: bool = True) -> None:
        self.spec = cast("Any", SimpleNamespace(overlays=of, awaits=awaits))
        self.alive = alive
        self._beside = beside
        self.did: list[str] = []

    def replace(self, reason: RestartReason) -> bool:
        if self._beside:
            self.did.append(f"replaced: {reason}")
        return self._beside

    def restart(self, reason: RestartReason) -> None:
        self.did.append(f"restarted: {reason}")


def _watch(encoder: Encoder, renew: Callable[[OverlayFile], bool], seconds: float = 0.05) -> list[events.Payload]:
    told: list[events.Payload] = []

    async def in_a_thread(work: Callable[[], bool]) -> bool:
        return await asyncio.get_running_loop().run_in_executor(None, work)

    machine = SimpleNamespace(now=lambda: 1000.0, renew_overlay=renew, in_a_thread=in_a_thread)

    async def run() -> None:
        watch = OverlayWatch(cast("Any", machine), lambda: [encoder], told.append)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.run_forever(), seconds)

    asyncio.run(run())
    return told


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlays, "_EVERY", 0.001)
    monkeypatch.setattr(overlays, "_LONGEST_LOOK", 0.01)


@pytest.mark.parametrize(
    ("encoder", "did"),
    [
        (Encoder(TEXT), []),
        (Encoder(IMAGE), ["replaced: config"]),
        (Encoder(IMAGE, beside=False), ["restarted: config"]),
        (Encoder(IMAGE, alive=False), []),
        (Encoder(IMAGE, awaits="waits for a publisher"), []),
    ],
    ids=["text", "image", "not beside", "not alive", "a publisher is there"],
)
def test_for_a_new_image_an_encoder_begins_anew(encoder: Encoder, did: list[str]) -> None:
    looks: list[OverlayFile] = []

    def renew(one: OverlayFile) -> bool:
        looks.append(one)
        return len(looks) == 1

    assert _watch(encoder, renew, 1.0) == []
    assert len(looks) > 1
    assert encoder.did == did


def test_a_file_that_does_not_answer_is_left_alone_for_a_while() -> None:
    looks: list[OverlayFile] = []
    hangs = threading.Event()

    def renew(one: OverlayFile) -> bool:
        looks.append(one)
        if one is TEXT:
            hangs.wait(5)
        return False

    assert _watch(Encoder(TEXT, IMAGE), renew, 1.0) == []
    hangs.set()
    assert looks.count(TEXT) == 1
    assert looks.count(IMAGE) > 1


def test_a_copy_that_cannot_be_written_is_told_once() -> None:
    def renew(one: OverlayFile) -> bool:
        raise OSError(28, "No space left on device", one.copy)

    told = _watch(Encoder(TEXT), renew, 0.5)
    assert [type(what) for what in told] == [events.InternalError]
    assert "No space left on device" in str(told)
