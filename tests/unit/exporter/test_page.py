"""The pages: only our own files, nothing that a stream's text could turn into markup."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

from exporter.api.docs import docs_page
from supervisor.commands import words
from supervisor.model.terms import Action, ExitCause, Remedy, Result, Segment, Trouble
from supervisor.model.thresholds import KEEPS_UP_SECONDS, SUSTAINED_SECONDS, closes_after
from tests.unit.exporter.conftest import Client, Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.snapshots import FakeControl, snapshot

WEB = Path(__file__).parents[3] / "exporter" / "web"


class Links(HTMLParser):
    """Collects what a page loads or leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "style"
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"], "the CSP forbids it"


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve(FakeControl(three_streams()))


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_only_our_own_files_and_all_of_them_exist(client: Client, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    shown_as_text = r"<!--.*?-->|<pre>.*?</pre>|<code>.*?</code>"
    assert "//" not in re.sub(shown_as_text, "", page.text, flags=re.DOTALL)
    links = Links()
    links.feed(page.text)
    assert links.found
    for link in links.found:
        assert not link.startswith("/"), "it would leave a proxy's prefix"
        if not link.startswith("#") and link != "readyz":
            assert client.get(urljoin("/", link)).status_code == 200


@pytest.mark.parametrize("file", sorted(path.name for path in WEB.iterdir() if path.name != "index.html"))
def test_assets_are_served_and_name_nobody_else(client: Client, file: str) -> None:
    asset = client.get(f"/web/{file}")
    kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}[Path(file).suffix]
    assert asset.headers["content-type"].partition(";")[0] == kind
    assert "content-security-policy" in asset.headers
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", asset.text) == []
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert danger not in asset.text
    assert not re.search(r"""["'`(]/\w""", asset.text), "a path that would leave a proxy's prefix"


@pytest.mark.parametrize("word", [*ExitCause, *Trouble, *Segment, *Action, *Remedy, *Result])
def test_the_page_has_words_of_its_own_for_what_happens(word: StrEnum) -> None:
    assert re.search(rf"^  {word}: \"\w", (WEB / "words.js").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_page_knows_when_an_incident_closes() -> None:
    slow = [str(cause) for cause in (*ExitCause, *Trouble) if closes_after(cause) == KEEPS_UP_SECONDS]
    said = f"({json.dumps(slow)}.includes(cause) ? {KEEPS_UP_SECONDS:g} : {SUSTAINED_SECONDS:g})"
    assert said in (WEB / "words.js").read_text(encoding="utf-8")


def test_page_and_terminal_say_the_same() -> None:
    script = (WEB / "words.js").read_text(encoding="utf-8")
    for cause in (*ExitCause, *Trouble):
        assert f'  {cause}: "{words.CAUSES[cause]}",' in script
    assert set(words.CAUSES) == {*ExitCause, *Trouble}
    for segment in Segment:
        shown = words.SEGMENTS[segment]
        assert f'  {segment}: "{shown}",' in script or f'  {segment}: "{shown[0].upper()}{shown[1:]}",' in script


def test_what_the_pages_scripts_import_exists() -> None:
    for script in WEB.glob("*.js"):
        for names, file in re.findall(
            r'^import \{(.*?)\} from "\./(\S+)";', script.read_text(encoding="utf-8"), re.MULTILINE
        ):
            exported = set(
                re.findall(
                    r"^export (?:async )?(?:function|class|const) (\w+)",
                    (WEB / file).read_text(encoding="utf-8"),
                    re.MULTILINE,
                )
            )
            assert set(re.findall(r"\w+", names)) <= exported, f"{script.name} ← {file}"


def test_the_documentation_names_every_route_and_shape(client: Client) -> None:
    described = client.get("/openapi.json").json()
    page = client.get("/docs").text
    for route in ("logs", "incidents", "drill"):
        assert f"/api/streams/{{stream}}/{route}" in described["paths"]
    for path in described["paths"]:
        assert f"<code>{path}</code>" in page
    anchors = set(re.findall(r'href="#([\w-]+)"', page))
    assert {"Stream", "StreamList", "Ready", "Problem", "IncidentList", "WatchdogStatus", "error-404"} <= anchors
    assert anchors <= set(re.findall(r'id="([\w-]+)"', page))


def test_the_documentation_shows_text_as_text() -> None:
    body = {"description": "<b>", "content": {"application/json": {"schema": {"$ref": "#/x/<b>"}, "example": ["<b>"]}}}
    parameter = {"name": "<b>", "in": "query", "schema": {"default": "<b>"}, "description": "<b>", "example": "<b>"}
    shown = {"tags": ["<b>"], "summary": "<b>", "parameters": [parameter], "responses": {"200": body}}
    page = docs_page({"info": {"title": "<b>", "version": "<i>"}, "paths": {"/<b>": {"get": shown}}})
    assert "<b>" not in page.lower()
    assert "<i>" not in page
    assert page.lower().count("&lt;b&gt;") >= 12


def test_the_documentation_shows_each_example(client: Client) -> None:
    page = client.get("/docs").text
    for text in ('"name": "anna"', '"late": {', "# TYPE livestream_stream_on_air gauge"):
        assert escape(text) in page
    assert page.count("<em>Needs a token.</em>") == 0, "nobody needs one here"
    assert "for example <code>harbour-cam</code>" in page
    assert "integer (at least 1, at most 10000)" in page


def test_without_streams_the_page_is_served_all_the_same(serve: Serve) -> None:
    assert serve(FakeControl(snapshot())).get("/").status_code == 200
