"""The fake without sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.unit.youtube.asking import Asker, reason
from tests.youtube.direct import Direct
from tests.youtube.fake import FakeYouTube


@pytest.fixture
def direct() -> Iterator[Asker]:
    """Asks a fake that never listened."""
    asker = Asker(FakeYouTube())
    with asker.session:
        asker.session.mount("http://", Direct(asker.fake))
        yield asker


def test_answers_are_the_same(direct: Asker) -> None:
    made = direct.insert().json()["id"]
    assert direct.ids(mine="true") == [made]
    assert direct.ask("DELETE", "liveBroadcasts", id=made).status_code == 204
    assert reason(direct.move(made, "live")) == (404, "liveBroadcastNotFound")
    assert direct.fake.record.faults() == []


def test_a_lost_answer_is_lost(direct: Asker) -> None:
    direct.fake.lose_answer("insert")
    with pytest.raises(requests.ConnectionError, match="Connection aborted"):
        direct.insert()
    assert len(direct.fake.studio.made()) == 1
