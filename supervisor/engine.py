"""The loop that owns all state: streams, their processes, their time.

One asyncio loop, one thread, no locks. What blocks runs elsewhere and posts a fact back. Listeners are told what
happened after the engine has acted.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from supervisor import events
from supervisor.config_file import ConfigError, Loaded, load
from supervisor.ffmpeg.binary import Binary
from supervisor.lifecycle import RetryNow
from supervisor.model import ProcessKey, RestartReason, Role, State
from supervisor.orphans import end_orphans
from supervisor.plan import StreamSpec, plan
from supervisor.ports import MediaPorts, NoFreePort
from supervisor.preflight import ca_bundle, preflight, raise_file_limit
from supervisor.process import OWNER_VARIABLE
from supervisor.quantities import Address
from supervisor.slot import Host, Slot, oom_kills
from supervisor.snapshot import LOOP_LAG_BUCKETS, Snapshot
from supervisor.stream import Stream
from supervisor.uplink_watch import UplinkWatch

_TICK = 0.5
_WATCH_CONFIG = 1.0
_CLOCK_STEP = 1.0
_ONLY_AT_START = ("listen", "data_dir", "api_token", "api_token_file", "ffmpeg", "ports")


class Engine:
    """Keeps the streams of a configuration on air until it is told to stop."""

    def __init__(self, file: Path, loaded: Loaded, binary: Binary) -> None:
        self.loaded = loaded
        self.streams: dict[str, Stream] = {}
        self.listeners: list[events.Listener] = []
        self.last_tick = time.monotonic()
        self._file = file
        self._binary = binary
        self._data_dir = loaded.config.data_dir
        self._ports = MediaPorts(loaded.config.ports, str(self._data_dir))
        self._ca_file = ca_bundle()
        self._structure = 0
        self._stopping = asyncio.Event()
        self._forced = False
        self._gone = asyncio.Event()
        self._reload_asked = asyncio.Event()
        self._failing_paths: set[Path] = set()
        self._reload_ok = True
        self._reload_time = time.time()
        self._clock_steps = 0
        self._lag_counts = [0] * (len(LOOP_LAG_BUCKETS) + 1)
        self._lag_sum = 0.0
        self._workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="probe")
        self._host: Host | None = None

    # --- main path ---------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start every enabled stream, keep it, and at `stop` end all in order. Needs the lock on the data_dir.

        `ready` is called when the loop owns its state and before the first process starts.
        """
        loop = asyncio.get_running_loop()
        for pid, run_id in await loop.run_in_executor(self._workers, end_orphans, self._data_dir):
            self.tell(events.OrphanEnded(pid, run_id))
        raise_file_limit(self.loaded.config)
        self._host = Host(
            loop=loop,
            environment=self._environment(),
            data_dir=self._data_dir,
            tell=self.tell,
            trouble=self._storage_trouble,
            changed=self._changed,
            oom_kills=oom_kills,
        )
        self._apply(self._plan(self.loaded))
        ready()
        uplinks = UplinkWatch(self._pushers, self.tell, self._ingest_back, self._workers)
        tasks = [
            asyncio.create_task(job)
            for job in (self._tick_forever(), self._watch_config(), uplinks.run_forever())
        ]
        for stream in list(self.streams.values()):
            if stream.spec.enabled and not self._stopping.is_set():
                stream.start("start")
                await asyncio.sleep(0)  # a thousand spawns must not keep the first exit waiting
        await self._stopping.wait()
        await self._end_streams()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for stream in self.streams.values():
            stream.close()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """End everything in order; asked a second time, at once."""
        self._forced = self._stopping.is_set()
        self._stopping.set()
        if self._forced:
            for stream in self.streams.values():
                stream.stop("shutdown", force=True)

    async def _end_streams(self) -> None:
        for stream in self.streams.values():
            stream.stop("shutdown")
        self._note_gone()
        await self._gone.wait()

    def _environment(self) -> dict[str, str]:
        """What children inherit: ours without what is addressed to us, and with the mark of its owner."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NEVERDARK_")}
        environment[OWNER_VARIABLE] = str(self._data_dir)
        environment.setdefault("SSL_CERT_FILE", self._ca_file)
        environment["AV_LOG_FORCE_NOCOLOR"] = "1"
        return environment

    # --- streams -----------------------------------------------------------------------------------

    def _plan(self, loaded: Loaded) -> dict[str, StreamSpec]:
        return plan(
            loaded.config, self._binary, self._ports.get, ca_file=self._ca_file, variables=loaded.variables
        )

    def _apply(self, specs: dict[str, StreamSpec]) -> events.ConfigReloaded:
        """Make the streams what `specs` say; what did not change is not touched."""
        assert self._host is not None
        added, changed = [], []
        for name, spec in specs.items():
            stream = self.streams.get(name)
            if stream is None:
                self.streams[name] = Stream(spec, self._host)
                added.append(name)
                continue
            was_enabled = stream.spec.enabled
            if stream.update(spec):
                changed.append(name)
            if spec.enabled and not was_enabled:
                stream.start("config")
            elif was_enabled and not spec.enabled:
                stream.stop("config")
        removed = [name for name in self.streams if name not in specs]
        for name in removed:
            self.streams[name].stop("config")
        self._drop_gone(specs)
        self._structure += 1
        return events.ConfigReloaded(self._file, tuple(added), tuple(removed), tuple(changed), ())

    def _drop_gone(self, specs: dict[str, StreamSpec]) -> None:
        """Streams that are no longer configured vanish when their processes have."""
        self._specs = specs
        for name in [name for name, stream in self.streams.items() if name not in specs and stream.gone]:
            self.streams.pop(name).close()
            self._structure += 1
        order = [*specs, *self.streams]
        self.streams = {name: self.streams[name] for name in order if name in self.streams}
        self._ports.keep_only({(s.name, d.name) for s in specs.values() for d in s.destinations})

    def request(self, verb: str, name: str) -> bool:
        """An operator's order; False when there is no such stream."""
        stream = self.streams.get(name)
        if stream is None or name not in self._specs or self._stopping.is_set():
            return False
        match verb:
            case "start":
                if not stream.wanted:
                    stream.start("operator")
            case "stop":
                stream.stop("operator")
            case "restart":
                stream.restart(RestartReason.OPERATOR)
        return True

    def _changed(self, slot: Slot) -> None:
        """A process took a turn; called in the middle of it, so everything else comes right after."""
        assert self._host is not None
        if slot.status.state is State.STOPPED or slot.port_taken:
            self._host.loop.call_soon(self._follow_up, slot)
        else:
            stream = self.streams.get(slot.key.stream)
            if stream:
                self._host.loop.call_soon(stream.settle)

    def _follow_up(self, slot: Slot) -> None:
        if slot.port_taken:
            slot.port_taken = False
            self._replace_port(slot)
        stream = self.streams.get(slot.key.stream)
        if stream:
            stream.settle()
            if stream.gone and slot.key.stream not in self._specs:
                self._drop_gone(self._specs)
        self._note_gone()

    def _note_gone(self) -> None:
        if self._stopping.is_set() and all(stream.gone for stream in self.streams.values()):
            self._gone.set()

    def _replace_port(self, slot: Slot) -> None:
        """A taken port is nobody's failure: encoder and pusher get another one."""
        old = slot.spec.media_port
        stream = self.streams.get(slot.key.stream)
        if old is None or stream is None or not stream.wanted:
            return
        try:
            new = self._ports.replace(slot.key.stream, slot.key.destination)
        except NoFreePort as error:
            self.tell(events.ProbeTrouble("ports", str(error)))
            return
        self.tell(events.MediaPortReplaced(slot.key, old, new))
        stream.update(self._plan(self.loaded)[slot.key.stream])

    # --- configuration -----------------------------------------------------------------------------

    def reload(self) -> None:
        """Read the configuration again, whether or not it seems to have changed."""
        self._reload_asked.set()

    async def _watch_config(self) -> None:
        """Reload on request, and when a file has changed and then rested for one look."""
        applied = seen = _signature(self.loaded.files)
        while True:
            asked = await _wait(self._reload_asked, _WATCH_CONFIG)
            now = _signature(self.loaded.files)
            if asked or (now != applied and now == seen):
                self._reload_asked.clear()
                await self._reload()
                applied = now = _signature(self.loaded.files)
            seen = now

    async def _reload(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            loaded = await loop.run_in_executor(self._workers, self._read_config)
            specs = self._plan(loaded)
        except (ConfigError, NoFreePort) as error:
            self._reload_ok = False
            problems = error.problems if isinstance(error, ConfigError) else [error]
            self.tell(events.ConfigRejected(self._file, tuple(map(str, problems))))
            return
        if self._stopping.is_set():
            return
        old, self.loaded = self.loaded.config, loaded
        fixed = tuple(key for key in _ONLY_AT_START if getattr(old, key) != getattr(loaded.config, key))
        raise_file_limit(loaded.config)
        told = self._apply(specs)
        for name in told.added:
            if specs[name].enabled:
                self.streams[name].start("config")
        self._reload_ok, self._reload_time = True, time.time()
        self.tell(events.ConfigReloaded(told.file, told.added, told.removed, told.changed, fixed))

    def _read_config(self) -> Loaded:
        loaded = load(self._file)
        preflight(loaded, self._binary, self._file)
        return loaded

    # --- time --------------------------------------------------------------------------------------

    async def _tick_forever(self) -> None:
        """Twice a second: that we live, how late we are, whether the clock was set; once a second: accounts."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _TICK
        offset = time.time() - time.monotonic()
        turn = 0
        while True:
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            self.last_tick = time.monotonic()
            self._note_lag(max(0.0, now - due))
            due = max(due + _TICK, now)
            step = time.time() - time.monotonic() - offset
            if abs(step) > _CLOCK_STEP:
                offset += step
                self._clock_steps += 1
                self.tell(events.ClockStepped(step))
            turn += 1
            if turn % 2 == 0:
                wall = time.time()
                for stream in self.streams.values():
                    stream.account(now, wall)

    def _note_lag(self, lag: float) -> None:
        bucket = next((i for i, bound in enumerate(LOOP_LAG_BUCKETS) if lag <= bound), len(LOOP_LAG_BUCKETS))
        self._lag_counts[bucket] += 1
        self._lag_sum += lag

    # --- evidence ----------------------------------------------------------------------------------

    def _pushers(self) -> list[Slot]:
        return [
            slot
            for stream in self.streams.values()
            for slot in stream.slots.values()
            if slot.key.role is Role.PUSHER
        ]

    def _ingest_back(self, address: Address) -> None:
        """An ingest is known to accept connections again: who waits for it need not wait longer."""
        for slot in self._pushers():
            if slot.waits_for_ingest and slot.spec.ingest == address:
                slot.dispatch(RetryNow())

    def tell(self, fact: events.Fact) -> None:
        """Every listener hears every fact; a broken one is not heard of by the others."""
        if isinstance(fact, events.ProcessAdvanced):
            self._ingest_answers(fact.key)
        for listener in self.listeners:
            listener(fact)

    def _ingest_answers(self, key: ProcessKey) -> None:
        stream = self.streams.get(key.stream)
        slot = stream.slots.get(key) if stream else None
        if slot and slot.spec.ingest:
            self._ingest_back(slot.spec.ingest)

    def _storage_trouble(self, path: Path, error: OSError | None) -> None:
        """Many logs fail together when a disk is full: say it once, and once when it is over."""
        if error is not None:
            if not self._failing_paths:
                self.tell(events.StorageTrouble(path, error.strerror or str(error)))
            self._failing_paths.add(path)
        else:
            self._failing_paths = {failing for failing in self._failing_paths if failing.parent != path.parent}
            if not self._failing_paths:
                self.tell(events.StorageRecovered(path))

    def snapshot(self) -> Snapshot:
        """Everything, as it is now."""
        assert self._host is not None
        now, wall = self._host.loop.time(), time.time()
        return Snapshot(
            at=wall,
            structure=self._structure,
            streams=tuple(
                stream.snapshot(now, wall) for name, stream in self.streams.items() if name in self._specs
            ),
            config_reload_successful=self._reload_ok,
            config_reload_success_time=self._reload_time,
            clock_steps=self._clock_steps,
            data_dir=self._data_dir,
            loop_lag_counts=tuple(self._lag_counts),
            loop_lag_sum=self._lag_sum,
        )


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """True when `event` was set within `seconds`."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _signature(files: tuple[Path, ...]) -> tuple[tuple[int, int, int], ...]:
    signature = []
    for file in files:
        try:
            status = file.stat()
            signature.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            signature.append((0, 0, 0))
    return tuple(signature)
