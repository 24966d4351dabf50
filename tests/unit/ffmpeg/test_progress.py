"""The parser takes any bytes, and the short cut never says anything else than the long way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.ffmpeg.progress import parse_lines, parse_report
from supervisor.model.terms import Report

OLD = (
    b"frame=25\nfps=25.00\nstream_0_0_q=23.0\nbitrate= 614.1kbits/s\ntotal_size=75012\n"
    b"out_time_us=977233\nout_time_ms=977233\nout_time=00:00:00.977233\n"
    b"dup_frames=2\ndrop_frames=1\nspeed=0.977x\nprogress=continue\n"
)
TEE = OLD.replace(b"bitrate= 614.1kbits/s\ntotal_size=75012", b"bitrate=N/A\ntotal_size=N/A")
AUDIO = (
    b"bitrate= 128.0kbits/s\ntotal_size=1000\nout_time_us=1000000\nout_time_ms=1000000\n"
    b"out_time=00:00:01.000000\ndup_frames=0\ndrop_frames=0\nspeed=1x\nprogress=end\n"
)
FULL = Report(25, 0.977233, 75012, 1, 2, ended=False)
NOTHING = Report(None, None, None, 0, 0, ended=False)


@pytest.mark.parametrize(
    ("datagram", "report"),
    [
        (OLD, FULL),
        (TEE, FULL._replace(total_bytes=None)),
        (AUDIO, Report(None, 1.0, 1000, 0, 0, ended=True)),
        (OLD.replace(b"\n", b"\r\n"), FULL),
        (OLD.replace(b"frame=", b"frame=  "), FULL),
        (OLD.replace(b"continue", b"end"), FULL._replace(ended=True)),
        (b"unknown=1\nnonsense\n=\n" + OLD, FULL),
        (OLD.replace(b"977233", b"-21333"), FULL._replace(media_seconds=None)),
        (OLD.replace(b"out_time_us=977233", b"out_time_us=N/A"), FULL._replace(media_seconds=None)),
        (OLD + OLD.replace(b"=25\n", b"=50\n"), FULL._replace(frames=50)),
        (OLD + b"frame=9", FULL),
        (OLD[:-6], FULL),
        (b"frame=7\ntotal_size=99\nout_time_us=12", Report(7, None, 99, 0, 0, ended=False)),
        (b"frame=9223372036854775808\n", NOTHING),
        (b"frame=9223372036854775807\n", NOTHING._replace(frames=2**63 - 1)),
        (b"frame=\xff\xfe\n", NOTHING),
        (b"frame=" + b"9" * 5000 + b"\n", NOTHING),
        (b"", NOTHING),
    ],
)
def test_reports(datagram: bytes, report: Report) -> None:
    assert parse_report(datagram) == report


def plausible(report: Report) -> bool:
    counts = [report.frames, report.total_bytes, report.dropped_frames, report.duplicated_frames]
    seconds = report.media_seconds
    return all(n is None or 0 <= n < 2**63 for n in counts) and (seconds is None or 0 <= seconds < 2**63)


@given(st.binary(max_size=2000))
def test_any_bytes(datagram: bytes) -> None:
    assert plausible(parse_report(datagram))


KEYS = ["frame", "fps", "bitrate", "total_size", "out_time_us", "dup_frames", "drop_frames", "progress", "x"]
LINES = st.tuples(
    st.sampled_from(KEYS),
    st.one_of(st.integers().map(str), st.sampled_from(["N/A", "", "continue", "end", " 12 ", "1.5", "1_0"])),
    st.sampled_from(["\n", "\r\n", ""]),
).map(lambda line: f"{line[0]}={line[1]}{line[2]}".encode())


@given(st.lists(LINES, max_size=30).map(b"".join))
def test_any_lines(datagram: bytes) -> None:
    assert plausible(parse_report(datagram))


@given(
    st.integers(0, 10**20),
    st.integers(-(10**6), 10**20),
    st.sampled_from([OLD, TEE, AUDIO, OLD + OLD, OLD.replace(b"\n", b"\r\n")]),
    st.integers(0, 400),
)
def test_the_short_cut_agrees_with_the_long_way(frames: int, micros: int, base: bytes, cut: int) -> None:
    datagram = base.replace(b"frame=25", b"frame=%d" % frames).replace(b"_us=977233", b"_us=%d" % micros)
    for text in (datagram, datagram[:cut]):
        assert parse_report(text) == parse_lines(text)


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_values_come_through(frames: int, micros: int) -> None:
    report = parse_report(b"frame=%d\nout_time_us=%d\n" % (frames, micros))
    assert (report.frames, report.media_seconds) == (frames, micros / 1_000_000)
