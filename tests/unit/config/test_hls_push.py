"""Destinations that take HLS by HTTP, as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.desired.plan import ProcessSpec, plan
from supervisor.model.destination_urls import publishes_to
from supervisor.model.quantities import Address
from tests.unit.hand_machine import BINARY

KEY = "S3CR3T-cid-word"
YOUTUBE = "https://a.upload.youtube.com/http_upload_hls?cid=&copy=0&file="


def pusher(folder: Path, destination: str) -> ProcessSpec:
    file = folder / "neverdark.yml"
    file.write_text(f"streams: {{a: {{source: {{url: x.mp4}}, destinations: {{d: {destination}}}}}}}")
    config = load(file).config
    spec = plan(config, BINARY, lambda *_: 20_000, ca_file="/ca.pem", variables=frozenset())["a"]
    assert KEY in spec.secrets
    assert KEY not in spec.destinations[0].shown_url
    return spec.processes[0]


@pytest.mark.parametrize(
    "written", [f"{{url: '{YOUTUBE}', key: {KEY}}}", f"{{url: '{YOUTUBE.replace('cid=', 'cid=' + KEY)}'}}"]
)
def test_the_key_goes_behind_cid_and_nowhere_else(tmp_path: Path, written: str) -> None:
    spec = pusher(tmp_path, written)
    assert f'"url": "{YOUTUBE.replace("cid=", "cid=" + KEY)}"' in spec.argv[4]
    assert [number for number, word in enumerate(spec.argv) if KEY in word] == [4], "FFmpeg is not told"
    assert spec.argv[-1] == "pipe:4"
    assert (spec.ingest, spec.tls, spec.rtmp) == (Address("a.upload.youtube.com", 443), True, False)
    assert spec.uploads
    assert KEY not in repr(spec)


def test_the_same_place_however_the_key_is_given() -> None:
    assert publishes_to(YOUTUBE, KEY) == publishes_to(YOUTUBE.replace("cid=", f"cid={KEY}"), None)
    assert publishes_to(YOUTUBE, KEY) != publishes_to(YOUTUBE, "another")
    assert publishes_to(YOUTUBE, KEY) == publishes_to(YOUTUBE.replace(".com/", ".COM:443/"), KEY)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (
            f"{{url: 'https://h/up?cid={KEY}&file=x.ts'}}",
            ".url: expected a URL to whose end a file's name can be added",
        ),
        (f"{{url: 'https://h/up', key: {KEY}}}", ".url: expected a URL to whose end"),
        (f"{{url: 'https://h/up?file=', key: {KEY}}}", ".url: expected cid= in the URL's query"),
        (f"{{url: 'https://h/up/', key: {KEY}}}", ".url: expected cid= in the URL's query"),
        (f"{{url: '{YOUTUBE}'}}", ".url: expected a key or a key_file"),
        (f"{{url: 'http://h/{KEY}/'}}", ".url: 'http://h/***': expected a URL that begins with one of"),
        ("{url: 'https:///up/'}", ".url: "),
    ],
)
def test_what_cannot_be_had_is_one_clear_error(tmp_path: Path, written: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        pusher(tmp_path, written)
    assert KEY not in str(raised.value)
    (line,) = str(raised.value).splitlines()
    line = line.removeprefix(f"{tmp_path / 'neverdark.yml'}: streams.a.destinations.d")
    assert line.startswith(says)
