"""The hand-built exposition, held against the library's parsers, promtool and a second reading."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.collector import Collector
from exporter.metrics import FAMILIES, PREFIX, Family, MetricKind, Probe
from exporter.readers import READERS
from supervisor.model.fallback import SwitchReason
from supervisor.model.snapshot import ProgressTotals, Snapshot, SourceSnapshot, StreamSnapshot, UplinkTotals
from supervisor.model.terms import (
    Action,
    Check,
    ExitCause,
    Health,
    Layer,
    ProcessKey,
    Role,
    Segment,
    State,
    TrackResult,
    Verdict,
)
from tests.unit.exporter.scenes import busy_command, busy_stream, three_streams
from tests.unit.exporter.slow_reading import LIVE, Sample, samples
from tests.unit.exporter.snapshots import (
    NOW,
    UNLIKE,
    command,
    content,
    destination,
    encoder,
    ended_broadcast,
    login,
    lost_login,
    observed_command,
    process,
    pusher,
    snapshot,
    stream,
    watchdog,
    youtube,
)


def read(text: str, *, openmetrics: bool) -> set[Sample]:
    """Every sample of an exposition, by the library's own parser; none may stand there twice."""
    parse = parse_openmetrics if openmetrics else parse_text
    found = [
        (sample.name, frozenset(sample.labels.items()), float(sample.value))
        for family in parse(text)
        for sample in family.samples
    ]
    assert len(found) == len(set(found))
    return set(found)


def render(shown: Snapshot, *, openmetrics: bool = False, collector: Collector | None = None) -> str:
    collector = collector or Collector("1.2.3", "abc")
    return collector.exposition(shown, openmetrics=openmetrics).decode()


def values(shown: Snapshot, name: str, collector: Collector | None = None) -> list[float]:
    found = read(render(shown, collector=collector), openmetrics=False)
    return [value for sample, _, value in found if sample == f"livestream_{name}"]


PROMTOOL_CLEAN = (0, "", "")


def promtool(text: str) -> tuple[int, str, str]:
    """What `promtool check metrics` says of an exposition: exit code, output, complaints."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    return checked.returncode, checked.stdout, checked.stderr


def never_ran() -> Snapshot:
    key = ProcessKey("new", Role.ENCODER)
    pushers = [process(ProcessKey("new", Role.PUSHER, place)) for place in ("srt", "tcp", "unwatched")]
    fresh = watchdog(
        running=False,
        verdict=Verdict.UNKNOWN,
        verdicts={},
        checks=dict.fromkeys(Verdict, 0),
        last_check=None,
        last_healthy=None,
    )
    places = (
        destination("srt", expected_bytes_per_second=None, uplink=None, watchdog=fresh),
        destination("tcp", on_air=False, uplink=UplinkTotals(), watchdog=fresh),
        destination("unwatched", on_air=False, uplink=None, dropped_datagrams=None, link=None, watchdog=None),
    )
    return snapshot(stream("new", process(key), *pushers, on_air=False, destinations=places))


def unwatched() -> Snapshot:
    """What there is at times only: a stopped watchdog, a list, profiles, fallbacks."""
    still = watchdog(running=False, verdict=Verdict.UNKNOWN, verdicts={}, stopped_since=NOW - 90)
    places = (
        destination("x", watchdog=still),
        destination("y", conformance=UNLIKE),
        destination("z", conformance=UNLIKE._replace(conforms=None, frame_rate=None)),
    )
    sources = (
        SourceSnapshot("slated", "primary", active=False, slate=False, seconds=30.5),
        SourceSnapshot("slated", "fallback1", active=True, slate=True, seconds=1.5),
    )
    paged = (SourceSnapshot("paged", "primary", active=True, slate=False, seconds=30.5),)
    morning = three_streams()
    return morning._replace(
        platforms=(youtube("still", "x"), youtube("still", "y", measures=()), ended_broadcast("still", "z")),
        logins=(login(), lost_login("other")),
        streams=(
            *morning.streams,
            stream("still", encoder("still"), destinations=places),
            stream("radio", encoder("radio"), tracks={TrackResult.PLAYED: 12, TrackResult.SKIPPED: 1}),
            stream("slated", encoder("slated"), sources=sources, switches={SwitchReason.FAILED: 1}),
            stream("paged", encoder("paged"), sources=paged, unordered_fallback=61.0, fallback_page_after=600.0),
        ),
    )


SNAPSHOTS = {
    "a watchdog that is stopped": unwatched(),
    "three streams": three_streams(),
    "nothing configured": snapshot(),
    "never ran": never_ran(),
    "a black picture": snapshot(stream("black", encoder("black"), content=content())),
    "an observed command": snapshot(observed_command("owner"), network_reachable={"ingest": False}),
    "all that there can be": snapshot(busy_stream("busy"), busy_command("bare")),
    "stopped": snapshot(stream("off", encoder("off", state=State.STOPPED, pid=None), wanted=False, on_air=False)),
}


@pytest.mark.parametrize("openmetrics", [False, True], ids=["text", "openmetrics"])
@pytest.mark.parametrize("shown", SNAPSHOTS.values(), ids=SNAPSHOTS.keys())
def test_both_formats_say_what_a_second_reading_finds(shown: Snapshot, *, openmetrics: bool) -> None:
    found = read(render(shown, openmetrics=openmetrics), openmetrics=openmetrics)
    assert {sample for sample in found if sample[0] not in LIVE} == samples(shown, "1.2.3", "abc")


counts = st.integers(0, 2**63)
seconds = st.floats(0, 1e12)
VALUES = st.fixed_dictionaries(
    {
        "health": st.sampled_from(Health),
        "off_air_seconds": st.dictionaries(st.sampled_from(Segment), seconds),
        "incidents": st.dictionaries(st.sampled_from(Segment), counts),
        "recovery_attempts": st.dictionaries(st.tuples(st.sampled_from(Layer), st.sampled_from(Action)), counts),
        "last_detection": st.dictionaries(st.sampled_from(Layer), seconds),
    }
)


@given(
    st.builds(ProgressTotals, counts, counts, counts, counts, seconds, st.none() | seconds, st.none() | seconds),
    st.dictionaries(st.sampled_from(ExitCause), counts),
    st.sampled_from(State),
    VALUES,
    st.dictionaries(st.sampled_from(Check), st.sampled_from(Verdict)),
)
def test_any_values_are_told_exactly(
    progress: ProgressTotals,
    exits: dict[ExitCause, int],
    state: State,
    changes: dict[str, Any],
    verdicts: dict[Check, Verdict],
) -> None:
    busy = encoder("a", progress=progress, exits=exits, state=state)
    places = (destination("x", watchdog=watchdog(verdicts=verdicts)), destination("y"))
    shown = snapshot(stream("a", busy, destinations=places, **changes))
    for openmetrics in (False, True):
        found = read(render(shown, openmetrics=openmetrics), openmetrics=openmetrics)
        assert {sample for sample in found if sample[0] not in LIVE} == samples(shown, "1.2.3", "abc")


@pytest.mark.parametrize("shown", SNAPSHOTS.values(), ids=SNAPSHOTS.keys())
def test_promtool_finds_nothing_to_say(shown: Snapshot) -> None:
    assert promtool(render(shown)) == PROMTOOL_CLEAN


def test_label_values_are_escaped() -> None:
    odd = 'a"b\\c\nd%s'
    for openmetrics in (False, True):
        found = read(
            Collector(odd, "{}").exposition(snapshot(), openmetrics=openmetrics).decode(),
            openmetrics=openmetrics,
        )
        (labels,) = (dict(labels) for name, labels, _ in found if name == "livestream_build_info")
        assert labels == {"version": odd, "revision": "{}"}


def _looked_at(shown: Snapshot) -> Snapshot:
    return shown._replace(streams=tuple(one._replace(content=content()) for one in shown.streams))


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_each_family_has_its_type_help_and_labels(family: Family) -> None:
    parsed = parse_openmetrics(render(_looked_at(unwatched()), openmetrics=True))  # type: ignore[no-untyped-call]  # not ours
    (shown,) = (one for one in parsed if one.name == PREFIX + family.name.removesuffix("_total"))
    assert shown.type == family.kind
    assert shown.documentation == family.help
    assert {tuple(sample.labels) for sample in shown.samples} == {
        (*family.labels, "le") if sample.name.endswith("_bucket") else family.labels for sample in shown.samples
    }


def test_metrics_and_readers_belong_together() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert READERS.keys() == set(names)
    assert all(family.name.endswith("_total") == (family.kind is MetricKind.COUNTER) for family in FAMILIES)


PIPELINE = stream("a", encoder("a"), pusher("a", "x"), destinations=(destination("x"),))
PROFILED = PIPELINE._replace(destinations=(destination("x", conformance=UNLIKE),))


@pytest.mark.parametrize(
    ("shown", "usual", "allowed"),
    [
        (command("a"), 86, 110),
        (busy_command("a"), 110, 110),
        (PIPELINE, 167, 110 + 80),
        (PROFILED, 167 + 3, 110 + 80),
        (busy_stream("a"), 270, 110 + 2 * 80),
        # Whose picture and sound are looked at, has so many more: of its own, and a check's of each destination.
        (PIPELINE._replace(content=content()), 167 + 29, 110 + 80 + 29),
        (observed_command("a"), 86 + 28, 110 + 80),
        (busy_command("a", destination("x", link=None), destination("y", link=None)), 110 + 2 * 41, 110 + 2 * 80),
    ],
    ids=[
        "command",
        "busy command",
        "pipeline",
        "profile",
        "busy pipeline",
        "content",
        "observed command",
        "busy observed command",
    ],
)
def test_a_stream_stays_within_its_series(shown: StreamSnapshot, usual: int, allowed: int) -> None:
    without, with_it = (len(read(render(one), openmetrics=False)) for one in (snapshot(), snapshot(shown)))
    assert with_it - without == usual
    assert usual <= allowed


def test_a_destination_at_youtube_stays_within_its_series() -> None:
    """And without one there is not a series more."""
    without = len(read(render(snapshot(PIPELINE)), openmetrics=False))
    assert "youtube_" not in render(snapshot(PIPELINE))
    shown = snapshot(PIPELINE, platforms=(youtube("a", "x"),), logins=(login(),))
    assert len(read(render(shown), openmetrics=False)) - without == 21 + 8 + 7
    page = snapshot(PIPELINE, platforms=(youtube("a", "x", measures=youtube("a").measures[-1:]),))
    assert len(read(render(page), openmetrics=False)) - without == 1


def test_what_does_not_apply_has_no_series() -> None:
    text = render(snapshot(command("a", tracked=False)))
    assert "progress_" not in text
    assert "uplink_" not in text
    assert "media_dropped" not in text
    assert "destination_on_air" not in text
    assert "watchdog_" not in text
    assert "network_reachable" not in text
    assert "last_recovery_seconds{" not in text
    observed = render(snapshot(observed_command("a")))
    assert not values(snapshot(observed_command("a")), "destination_backlog_seconds")
    assert "media_dropped" not in observed
    assert 'check="source"' not in observed
    assert not values(snapshot(command("a", pid=None, started=None)), "process_start_time_seconds")
    assert not values(snapshot(data_dir=Path("/nonexistent")), "data_dir_free_bytes")


def test_the_probes_of_the_network_are_a_closed_set() -> None:
    found = read(render(three_streams()), openmetrics=False)
    probes = {dict(labels)["probe"]: value for name, labels, value in found if name == "livestream_network_reachable"}
    assert probes == {Probe.INGEST: 1, Probe.REFERENCE: 0}


def test_durations_show_every_layer_from_the_start() -> None:
    found = read(render(snapshot()), openmetrics=False)
    for metric in ("detection_duration_seconds", "recovery_duration_seconds"):
        shown = {dict(labels)["layer"]: value for name, labels, value in found if name == f"livestream_{metric}_count"}
        assert shown == dict.fromkeys(Layer, 0)


def test_room_in_the_data_directory_is_asked_at_the_scrape(tmp_path: Path) -> None:
    (free,) = values(snapshot(data_dir=tmp_path), "data_dir_free_bytes")
    room = os.statvfs(tmp_path)
    assert 0 < free <= room.f_blocks * room.f_frsize


def test_gzip_holds_the_same_text() -> None:
    collector = Collector("1", "2")
    shown = snapshot(stream("a", encoder("a", pid=None)), data_dir=Path("/nonexistent"))
    assert gzip.decompress(collector.exposition(shown, gzip=True)) == collector.exposition(shown)


def test_labels_follow_streams_that_come_go_and_change_places() -> None:
    collector = Collector("1.2.3", "abc")
    a, b = command("a"), stream("b", encoder("b"), pusher("b", "x"), destinations=(destination("x"),))
    b_elsewhere = stream("b", encoder("b"), pusher("b", "y"), destinations=(destination("y"),))
    for shown in (
        snapshot(a),
        snapshot(a, b),
        snapshot(b, a),
        snapshot(b_elsewhere),
        snapshot(),
        snapshot(a, b),
    ):
        found = read(render(shown, collector=collector), openmetrics=False)
        assert {sample for sample in found if sample[0] not in LIVE} == samples(shown, "1.2.3", "abc")


def test_concurrent_renderings_do_not_mix() -> None:
    collector = Collector("1.2.3", "abc")
    shown = [*SNAPSHOTS.values()] * 20
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda one: render(one, collector=collector), shown))
    for one, text in zip(shown, texts, strict=True):
        found = {sample for sample in read(text, openmetrics=False) if sample[0] not in LIVE}
        assert found == samples(one, "1.2.3", "abc")


def test_what_neverdark_itself_needs_has_the_names_that_every_tool_knows() -> None:
    itself = CollectorRegistry()
    ProcessCollector(registry=itself)
    collector = Collector("1.2.3", "abc", itself)
    for openmetrics in (False, True):
        text = render(three_streams(), openmetrics=openmetrics, collector=collector)
        found = {name: value for name, labels, value in read(text, openmetrics=openmetrics) if not labels}
        assert found["process_cpu_seconds_total"] > 0
        assert found["process_resident_memory_bytes"] == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
        assert found["process_start_time_seconds"] == pytest.approx(psutil.Process().create_time(), abs=2)
        assert 0 < found["process_open_fds"] < found["process_max_fds"]
        if openmetrics:
            assert text.endswith("\n# EOF\n")
            assert text.count("# EOF") == 1
        else:
            assert promtool(text) == PROMTOOL_CLEAN


def test_times_of_failures_are_no_labels() -> None:
    """Label values come from closed sets and the configuration: never a pid, a URL or a message."""
    text = render(three_streams())
    for never in ("rtmps://", "401 Unauthorized", str(os.getpid()), str(int(NOW - 66))):
        assert f'"{never}' not in text
