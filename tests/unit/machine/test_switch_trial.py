"""Whether the kernel does what a switch needs, and when the last media came: with real sockets."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from supervisor.config.shape import Config
from supervisor.machine import switch_trial as trial
from supervisor.machine.handover import Handover
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import DistantLink, MediaLink
from supervisor.preflight.seamless import no_seamless_switch


@pytest.fixture
def link() -> Iterator[MediaLink]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with closing(MediaLink(port)) as link:
        yield link


def quiet(link: MediaLink) -> float | None:
    return link.quiet_for


def test_this_kernel_does_it() -> None:
    assert trial.switch_trial() == ""
    assert Machine().no_switch == ""


def test_one_that_refuses_a_second_socket_is_told_from_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> socket.socket:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    monkeypatch.setattr(MediaLink, "beside", refused)
    assert "Address already in use" in trial.switch_trial()


def test_one_that_mixes_up_senders_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a socket cannot be connected: it would take whatever comes."""

    def deaf(self: MediaLink, first: object, sender: int) -> None:
        del self, first, sender

    monkeypatch.setattr(MediaLink, "go_over", deaf)
    monkeypatch.setattr(trial, "_PATIENCE", 0.05)
    assert "does not take up another sender" in trial.switch_trial()


def test_where_it_is_forbidden_nothing_goes_over_and_check_says_so(
    link: MediaLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.machine.machine.switch_trial", lambda: "no second socket")
    with pytest.raises(OSError, match="no second socket"):
        Machine().handover({link: 9})
    config = Config.model_validate({"streams": {"cam": {"source": {"url": "rtsp://camera.example/live"}}}})
    (warning,) = no_seamless_switch(config, lambda: "no second socket")
    assert "no second socket" in str(warning)
    assert not list(no_seamless_switch(config, lambda: ""))
    command = Config.model_validate({"streams": {"cam": {"command": ["sleep", "9"]}}})
    assert not list(no_seamless_switch(command, lambda: "no second socket")), "it has no encoder of ours"


def test_a_link_knows_when_what_was_read_last_has_come(link: MediaLink) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        link.read(by_somebody=True)
        link.send_from(sender.getsockname()[1])
        assert quiet(link) is None, "nothing was read yet"
        sent = time.time()
        sender.sendto(b"media", ("127.0.0.1", link.port))
        assert quiet(link) is None, "it waits, and nobody knows whether it is the last"
        os.read(link.fd, 100)
        seconds = quiet(link)
        assert seconds is not None
        assert 0 <= seconds <= time.time() - sent
        link.read(by_somebody=False)
        assert quiet(link) is None, "nobody reads: it is of another time"


def test_of_a_link_that_its_reader_has_alone_it_is_not_known() -> None:
    with closing(DistantLink(20_000, 20_001)) as link:
        assert quiet(link) is None
        assert not link.goes_over


def test_the_gap_lies_between_the_last_of_one_and_the_first_of_the_other(
    link: MediaLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as after:
        after.bind(("127.0.0.1", 0))
        link.read(by_somebody=True)
        with closing(Handover({link: after.getsockname()[1]})) as handover:
            after.sendto(trial._KEYFRAME, ("127.0.0.1", link.port))
            assert trial._arrives(handover.sides[0].fd)
            assert handover.look(keep=True)
            monkeypatch.setattr(MediaLink, "quiet_for", 2.0)
            handover.go_over()
            assert handover.gap is not None
            assert 1.5 < handover.gap <= 2.0
            monkeypatch.setattr(MediaLink, "quiet_for", 0.0)
            assert handover.sides[0].gap == 0.0, "the one before still sends: nothing lacks"
