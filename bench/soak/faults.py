"""Every fault that the soak causes: whom it can hit, how it begins and ends, and what it must be called."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from bench.soak.view import View
from bench.soak.world import CLIP, FAILURES, INTERVAL, STALL, STARTUP, UPLINK, WATCHDOG_COOLDOWN, World
from supervisor.machine.faults import Grip
from supervisor.model.terms import Segment
from tests.integration.harness.media import publishing
from tests.integration.harness.supervised import ProcessName
from tests.integration.harness.valve import Valve

Spots = tuple[ProcessName, ...]
_KERNELS = 4.0  # what the buffers on both sides of a line swallow of a small stream before it stands


class Fault:
    """A fault; `notice` is how long neverdark may take to notice it, `lasts` how long it goes on after that."""

    name = ""
    segment: Segment | None = None
    causes: frozenset[str] = frozenset()  # what the incident may give as its cause; empty: anything
    notice = 0.0
    lasts: tuple[float, float] | None = None  # None: it is over as soon as it has been caused
    idle = False  # it is mostly waited for, so that another may go on meanwhile
    lingers = 0.0  # how long an attempt that began before its end may still hang after it

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.spots: Spots = ()  # whose business it is while it lasts

    @property
    def accused(self) -> Spots:
        """In whose name an incident must be opened."""
        return self.spots[:1]

    def targets(self) -> list[Spots]:
        """Whom it can hit; empty when this machine cannot do it."""
        raise NotImplementedError

    def cause(self, view: View) -> None:
        raise NotImplementedError

    def tend(self, view: View) -> None:
        """Called ten times a second while it lasts."""

    def enough(self, view: View) -> bool:
        """Whether it has been noticed as it should be, and may end."""
        del view
        return True

    def lift(self) -> None:
        """End it; also called, perhaps again, when something went wrong."""


def _encoders(*names: str) -> list[Spots]:
    return [((name, "encoder", ""),) for name in names]


class _Signal(Fault):
    number = signal.SIGKILL

    def cause(self, view: View) -> None:
        process = view.process(self.spots[0])
        with Grip(process["pid"], process["run_id"]) as grip:
            grip.send(self.number)
        self._hit = int(process["pid"]), str(process["run_id"])

    def lift(self) -> None:
        if self.number is signal.SIGSTOP:
            with contextlib.suppress(Exception), Grip(*self._hit) as grip:
                grip.send(signal.SIGCONT)


class EncoderKilled(_Signal):
    causes = frozenset({"killed"})
    name, segment = "encoder killed", Segment.ENCODER

    def targets(self) -> list[Spots]:
        return _encoders("card", "valved", "slow", "twin", "cam", "loop", "far-a", "far-b")


class EncoderFrozen(EncoderKilled):
    causes = frozenset({"stall"})
    name, number, notice = "encoder frozen", signal.SIGSTOP, STALL + 1


class PusherKilled(_Signal):
    causes = frozenset({"killed"})
    name, segment = "pusher killed", Segment.PUSHER

    def targets(self) -> list[Spots]:
        return [(spot,) for spot in self.world.landings if spot[1] == "pusher" and spot[0] != "once"]


class PusherFrozen(PusherKilled):
    causes = frozenset({"stall"})
    name, number, notice = "pusher frozen", signal.SIGSTOP, STALL + 1


class CommandKilled(_Signal):
    causes = frozenset({"killed"})
    name, segment = "command killed", Segment.ENCODER

    def targets(self) -> list[Spots]:
        return [(("mine", "command", ""),)]


class CommandFrozen(CommandKilled):
    causes = frozenset({"stall"})
    name, number, notice = "command frozen", signal.SIGSTOP, STALL + 1


class CameraGone(Fault):
    causes = frozenset({"source_unreachable", "source_ended", "stall"})
    name, segment, notice, lasts = "camera gone", Segment.SOURCE, STALL + 1, (1.0, 6.0)

    def targets(self) -> list[Spots]:
        return _encoders("cam")

    def cause(self, view: View) -> None:
        del view
        self.world.camera.refuse()
        self._gone = True

    def lift(self) -> None:
        if self._gone:
            self.world.camera.listen()
            self._gone = False


class CameraFrozen(Fault):
    causes = frozenset({"source_unreachable", "source_ended", "stall"})
    name, segment, notice, lasts, lingers = "camera frozen", Segment.SOURCE, STALL + 1, (1.0, 6.0), STALL

    def targets(self) -> list[Spots]:
        return _encoders("cam")

    def cause(self, view: View) -> None:
        del view
        self.world.camera.freeze()

    def lift(self) -> None:
        self.world.camera.thaw()


class FileGone(Fault):
    """It is noticed when the encoder comes to the end of the file that it still holds."""

    causes = frozenset({"source_ended"})
    name, segment, notice, lasts = "file gone", Segment.SOURCE, CLIP + 3, (0.0, 5.0)
    idle = True

    def targets(self) -> list[Spots]:
        return _encoders("once")

    @property
    def _away(self) -> Path:
        return self.world.clip.with_suffix(".away")

    def cause(self, view: View) -> None:
        del view
        self.world.clip.rename(self._away)

    def lift(self) -> None:
        if self._away.exists():
            self._away.rename(self.world.clip)


class _AtTheIngest(Fault):
    segment = Segment.PLATFORM

    def targets(self) -> list[Spots]:
        return [(spot,) for spot in self.world.landings if spot[0] not in {"once", *self.world.far}]

    def drop(self) -> None:
        landing = self.world.landings[self.spots[0]]
        landing.ingest.drop_publisher(landing.key)


class PublisherDropped(_AtTheIngest):
    causes = frozenset({"ingest_closed"})
    name = "ingest drops the publisher"

    def cause(self, view: View) -> None:
        del view
        self.drop()


class PublishForbidden(_AtTheIngest):
    """The publisher is dropped and then refused, by the doorman."""

    causes = frozenset({"ingest_closed", "ingest_refused"})
    name, lasts = "ingest forbids the publish", (1.0, 5.0)

    def cause(self, view: View) -> None:
        del view
        self.world.gate.refused.add(self.world.landings[self.spots[0]].key)
        self.drop()

    def lift(self) -> None:
        self.world.gate.refused.discard(self.world.landings[self.spots[0]].key)


class KeyTaken(_AtTheIngest):
    """The stream is stopped, somebody else takes the key, and the stream is started again."""

    causes = frozenset({"ingest_refused"})
    name, lasts = "key taken by another", (1.0, 5.0)
    notice = 12.0  # until it is stopped, taken and started

    def targets(self) -> list[Spots]:
        # What is stopped and started on the way there is the whole stream.
        single = [spots for spots in super().targets() if spots[0][0] in {"card", "slow", "loop"}]
        return [(*spots, (spots[0][0], "encoder", "")) for spots in single]

    def cause(self, view: View) -> None:
        del view
        self._end = ExitStack()
        self._step = "stopping"
        assert self.world.neverdark.post(f"/api/streams/{self.spots[0][0]}/stop").status_code == 202

    def tend(self, view: View) -> None:
        landing = self.world.landings[self.spots[0]]
        stream = view.streams[self.spots[0][0]]
        if self._step == "stopping" and all(process["pid"] is None for process in stream["processes"]):
            self._step = "taking"
            self._end.enter_context(publishing(f"{landing.ingest.url}/{landing.key}"))
        elif self._step == "taking" and self.world.bytes_in(self.spots[0]) > 0:
            self._step = "taken"
            assert self.world.neverdark.post(f"/api/streams/{self.spots[0][0]}/start").status_code == 202

    def lift(self) -> None:
        self._end.close()
        if self._step != "taken":
            self.world.neverdark.post(f"/api/streams/{self.spots[0][0]}/start")
            self._step = "taken"


class _Valved(Fault):
    def targets(self) -> list[Spots]:
        return [(spot,) for spot, landing in self.world.landings.items() if landing.valve]

    @property
    def valve(self) -> Valve:
        valve = self.world.landings[self.spots[0]].valve
        assert valve
        return valve


class IngestFrozen(_Valved):
    causes = frozenset({"uplink_blocked"})
    name, segment, lasts = "ingest frozen", Segment.UPLINK, (0.0, 6.0)
    notice, lingers = UPLINK + _KERNELS, STARTUP / 2

    def cause(self, view: View) -> None:
        del view
        self.valve.freeze()

    def lift(self) -> None:
        self.valve.thaw()


class IngestGone(_Valved):
    causes = frozenset({"ingest_closed", "ingest_unreachable"})
    name, segment, notice, lasts = "ingest gone", Segment.PLATFORM, 1.0, (1.0, 8.0)
    _gone = False

    def cause(self, view: View) -> None:
        del view
        self.valve.refuse()
        self._gone = True

    def lift(self) -> None:
        if self._gone:
            self.valve.listen()
            self._gone = False


class EncoderStarved(Fault):
    """Its share of the processor is held at what gives it about 0.6 of real time."""

    causes = frozenset({"slow"})
    name, segment = "encoder starved", Segment.ENCODER
    notice = 15 + 6 * INTERVAL  # until it is slow; three degraded verdicts, and what the window remembers
    lasts = (0.0, 0.0)
    _aim = 0.6

    def targets(self) -> list[Spots]:
        return _encoders("slow") if self.world.starve else []

    def cause(self, view: View) -> None:
        process = view.process(self.spots[0])
        self._pid = int(process["pid"])
        self._share = 0.6 * _share_of_core(self._pid)
        self._since, self._media = view.at, float(process["progress"]["media_seconds"])
        assert self.world.starve
        self.world.starve.hold(self._pid, self._share)

    def tend(self, view: View) -> None:
        process = view.process(self.spots[0])
        if view.at - self._since < 2.0 or process["pid"] != self._pid:
            return
        media = float(process["progress"]["media_seconds"])
        speed = (media - self._media) / (view.at - self._since)
        self._since, self._media = view.at, media
        self._share *= min(1.6, max(0.6, self._aim / max(speed, 0.1)))
        assert self.world.starve
        self.world.starve.allow(self._share)

    def enough(self, view: View) -> bool:
        """The second layer has acted: only a restart ends it, for who is new is not held."""
        return any(one["actions"] for one in view.open_incidents("slow"))

    def lift(self) -> None:
        assert self.world.starve
        self.world.starve.release()

    lingers = FAILURES * INTERVAL + WATCHDOG_COOLDOWN


def _share_of_core(pid: int) -> float:
    def used() -> float:
        tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    before, began = used(), time.monotonic()
    time.sleep(1.0)
    return (used() - before) / (time.monotonic() - began)


class _OnTheLine(Fault):
    @property
    def accused(self) -> Spots:
        return self.spots

    def targets(self) -> list[Spots]:
        return [tuple(spot for spot in self.world.landings if spot[0] in self.world.far)] if self.world.line else []


class LinkDown(_OnTheLine):
    """Our own cable is pulled: no route."""

    causes = frozenset({"network_down", "uplink_blocked", "ingest_unreachable"})
    name, segment, lasts = "line cut: link down", Segment.NETWORK, (5.0, 12.0)
    notice, lingers = UPLINK + 2, 5.0 + 4.0 + UPLINK

    def cause(self, view: View) -> None:
        del view
        assert self.world.line
        self.world.line.pull()

    def lift(self) -> None:
        assert self.world.line
        self.world.line.plug()


class LineSilent(LinkDown):
    """Further away: what is sent is swallowed."""

    name, _silent = "line cut: silence", False

    def cause(self, view: View) -> None:
        del view
        assert self.world.line
        self.world.line.swallow()
        self._silent = True

    def lift(self) -> None:
        assert self.world.line
        if self._silent:
            self.world.line.deliver()
            self._silent = False


class FarIngestDown(_OnTheLine):
    """The server is restarted, and its machine is there all the while."""

    causes = frozenset({"ingest_closed", "ingest_unreachable"})
    name, segment, notice, lasts = "far ingest down", Segment.PLATFORM, 1.0, (2.0, 8.0)
    lingers = 5.0
    _down = False

    def cause(self, view: View) -> None:
        del view
        self.world.far_ingest.stop()
        self._down = True

    def lift(self) -> None:
        if self._down:
            self.world.far_ingest.start()
            self._down = False


# --- what is planned, and no fault ---------------------------------------------------------------------


class _Planned(Fault):
    """No incident may be opened; the processes of `replaced` are, and no others."""

    def targets(self) -> list[Spots]:
        one = [((name, "encoder", ""), *self.world.senders(name)) for name in ("card", "valved", "twin", "cam", "loop")]
        return [*one, (("mine", "command", ""),)]

    def order(self, verb: str) -> None:
        assert self.world.neverdark.post(f"/api/streams/{self.spots[0][0]}/{verb}").status_code == 202


class Restarted(_Planned):
    name = "planned restart"

    def cause(self, view: View) -> None:
        del view
        self.order("restart")


class StoppedAndStarted(_Planned):
    name, _step = "planned stop and start", ""

    def cause(self, view: View) -> None:
        del view
        self._step, self._until = "stopping", 0.0
        self.order("stop")

    def tend(self, view: View) -> None:
        stream = view.streams[self.spots[0][0]]
        if self._step == "stopping" and all(process["pid"] is None for process in stream["processes"]):
            self._step, self._until = "stopped", view.at + self.rng.uniform(0.0, 4.0)
        if self._step == "stopped" and view.at >= self._until:
            self.lift()

    def lift(self) -> None:
        if self._step != "started":
            self._step = "started"
            self.order("start")


class _Reload(_Planned):
    def targets(self) -> list[Spots]:
        return [spots[:1] for spots in super().targets() if spots[0][1] == "encoder"]

    def reload(self) -> None:
        running = self.world.neverdark
        running.write_config()
        if self.rng.random() < 0.5:  # else it finds the changed file by itself
            running.send(signal.SIGHUP)


class BitrateChanged(_Reload):
    """Of an encoder: the pushers go on."""

    name = "reload: another bit rate"

    def cause(self, view: View) -> None:
        del view
        video = self.world.neverdark.config["streams"][self.spots[0][0]]["video"]
        video["bitrate"] = "320k" if video["bitrate"] == "300k" else "300k"
        self.reload()


class PolicyChanged(_Reload):
    """Nothing is replaced."""

    name = "reload: another policy"

    def cause(self, view: View) -> None:
        del view
        stream = self.world.neverdark.config["streams"][self.spots[0][0]]
        stream["stop"] = {"kill": "4s"} if stream.get("stop") != {"kill": "4s"} else {"kill": "3s"}
        self.reload()


KINDS: tuple[type[Fault], ...] = (
    EncoderKilled,
    EncoderFrozen,
    PusherKilled,
    PusherFrozen,
    CommandKilled,
    CommandFrozen,
    CameraGone,
    CameraFrozen,
    FileGone,
    PublisherDropped,
    PublishForbidden,
    KeyTaken,
    IngestFrozen,
    IngestGone,
    EncoderStarved,
    LinkDown,
    LineSilent,
    FarIngestDown,
    Restarted,
    StoppedAndStarted,
    BitrateChanged,
    PolicyChanged,
)
