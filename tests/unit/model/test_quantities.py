"""Durations, bit rates, sizes, addresses: what is understood, what is refused, and with which words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.model.quantities import (
    Address,
    PortRange,
    Size,
    parse_address,
    parse_bitrate,
    parse_bytes,
    parse_count,
    parse_duration,
    parse_number,
    parse_picture_size,
    parse_port_range,
    show_duration,
)

PARSERS: tuple[Callable[[object], object], ...] = (
    parse_address,
    parse_bitrate,
    parse_bytes,
    parse_count,
    parse_duration,
    parse_number,
    parse_picture_size,
    parse_port_range,
)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_duration, "500ms", 0.5),
        (parse_duration, " 30 s ", 30.0),
        (parse_duration, "2m", 120.0),
        (parse_duration, "1H", 3600.0),
        (parse_duration, "1d", 86400.0),
        (parse_duration, ".5", 0.5),
        (parse_duration, "0", 0.0),
        (parse_duration, 7, 7.0),
        (parse_duration, 1e-05, 1e-05),
        (parse_bitrate, "4500k", 4_500_000),
        (parse_bitrate, "6M", 6_000_000),
        (parse_bitrate, "2.5M", 2_500_000),
        (parse_bitrate, 128000, 128_000),
        (parse_bytes, "2GiB", 2 * 1024**3),
        (parse_bytes, "1.5gb", 1_500_000_000),
        (parse_bytes, 1, 1),
        (parse_number, "29.970", 29.97),
        (parse_number, 3, 3.0),
        (parse_number, "1e3", 1000.0),
        (parse_count, "10", 10),
        (parse_count, -3, -3),
        (parse_picture_size, "1920 X 1080", Size(1920, 1080)),
        (parse_address, "127.0.0.1:9833", Address("127.0.0.1", 9833)),
        (parse_address, "[::1]:1", Address("::1", 1)),
        (parse_address, "cam_1.example.org.:65535", Address("cam_1.example.org.", 65535)),
        (parse_port_range, "20000 - 29999", PortRange(20000, 29999)),
        (parse_port_range, "1024-1024", PortRange(1024, 1024)),
    ],
)
def test_what_is_understood(parse: Callable[[object], object], text: object, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (parse_duration, ["", "-1s", "10 parsecs", "1:30", "s", "1s2", "inf", "nan", "9" * 400, "366d", "٣s", "1,5s"]),
        (parse_bitrate, ["0", "0.4", "-1k", "6Mbit", "1.1G", "9" * 400, "k"]),
        (parse_bytes, ["0", "2 GiBi", "99999999999GiB", "-1"]),
        (parse_number, ["", "nan", "inf", "1e999", "0x10", "one", "1_000"]),
        (parse_count, ["1.5", "1e3", "", "9" * 19, "one"]),
        (parse_picture_size, ["1920", "1921x1080", "0x0", "14x16", "16x16386", "1920*1080", "-16x16", "99999x99999"]),
        (
            parse_address,
            [
                "9833",
                "host",
                "host:",
                "host:0",
                "host:65536",
                ":80",
                "a b:80",
                "::1:80",
                "[::g]:80",
                "300.1.1.1:80",
                "1.2.3:80",
                "a..b:80",
                "-a:80",
                "http://a:80",
                "a:80/",
            ],
        ),
        (parse_port_range, ["20000", "1023-2000", "3000-2000", "60000-70000", "a-b", "20000-29999-30000"]),
    ],
)
def test_what_is_refused(parse: Callable[[object], object], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ValueError, match=r"^expected "):
            parse(text)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("value", [True, False, None, [], {}, [1], {"a": 1}, float("nan"), float("inf"), 10**400])
def test_what_is_no_quantity_at_all(parse: Callable[[object], object], value: object) -> None:
    """Not even `true`, which Python takes for 1."""
    with pytest.raises(ValueError, match=r"^expected "):
        parse(value)


@pytest.mark.parametrize("parse", PARSERS)
@given(value=st.one_of(st.text(), st.integers(), st.floats(), st.from_regex(r"[0-9.eE+-]{1,12}[a-zA-Z]{0,3}")))
def test_anything_is_read_or_refused_with_words(parse: Callable[[object], object], value: object) -> None:
    try:
        parse(value)
    except ValueError as error:
        assert str(error).startswith("expected ")  # noqa: PT017 - most values are refused, some are not


@given(st.floats(0, 365 * 86400))
def test_a_bare_number_is_seconds(seconds: float) -> None:
    assert parse_duration(seconds) == seconds


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.5", False),
        ("localhost.example.org", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 - a table's column
    assert Address(host, 1).is_loopback is loopback


def test_quantities_are_shown_as_they_are_written() -> None:
    assert str(Address("::1", 9833)) == "[::1]:9833"
    assert str(parse_address(str(Address("::1", 9833)))) == "[::1]:9833"
    assert str(Size(1920, 1080)) == "1920x1080"
    assert str(PortRange(20000, 29999)) == "20000-29999"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0ms"),
        (0.0124, "12ms"),
        (0.9999, "1s"),
        (1, "1s"),
        (59.6, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (90061, "1d1h"),
        (3659.9, "1h1m"),
    ],
)
def test_durations_for_people(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown
