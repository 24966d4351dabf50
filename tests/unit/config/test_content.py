"""`content:` what is looked at, by which bounds, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.model.content import Bounds, ContentPolicy, Defect, Sampling

DEFAULT = {
    Defect.BLACK: Bounds(10.0, 0.03),
    Defect.FROZEN: Bounds(30.0),
    Defect.SILENT: Bounds(15.0, -70.0),
    Defect.LOUD: Bounds(10.0, -6.0),
}
STREAM = 'source: {url: "rtsp://10.0.0.6/1"}, destinations: {a: {url: out.ts}}'


def policy(folder: Path, own: str | None, defaults: str = "") -> ContentPolicy | None:
    stream = STREAM + ("" if own is None else f", content: {own}")
    (folder / "c.yml").write_text(f"defaults: {{{defaults}}}\nstreams: {{cam: {{{stream}}}}}")
    return load(folder / "c.yml").config.content_of("cam")


def problems(folder: Path, stream: str) -> list[str]:
    (folder / "c.yml").write_text(f"streams: {{cam: {{{stream}}}}}")
    with pytest.raises(ConfigError) as caught:
        load(folder / "c.yml")
    return [str(problem).partition(" (line")[0] + str(problem).partition(")")[2] for problem in caught.value.problems]


@pytest.mark.parametrize(
    "own", [None, "false", "{enabled: false}", "{black: false, frozen: false, silent: false, loud: false}"]
)
def test_nothing_is_looked_at_unless_it_is_asked_for(tmp_path: Path, own: str | None) -> None:
    assert policy(tmp_path, own) is None


@pytest.mark.parametrize("own", ["true", "{}", "{enabled: true}", "{black: true}"])
def test_switched_on_it_looks_at_all_but_motion(tmp_path: Path, own: str) -> None:
    assert policy(tmp_path, own) == ContentPolicy(DEFAULT, 60.0, "fallback")


def test_each_check_has_its_own_switch_and_bounds(tmp_path: Path) -> None:
    found = policy(tmp_path, "{black: {after: 1m, level: 0.1}, frozen: false, motion: {after: 5m}, recover: restart}")
    assert found is not None
    expected = DEFAULT | {Defect.BLACK: Bounds(60.0, 0.1), Defect.STILL: Bounds(300.0, 0.001)}
    del expected[Defect.FROZEN]
    assert (found.bounds, found.recover) == (expected, "restart")


def test_what_a_stream_says_wins_over_the_defaults_key_by_key(tmp_path: Path) -> None:
    common = "content: {black: {after: 20s}, silent: false, unhealthy_after: 5m}"
    assert policy(tmp_path, "false", common) is None
    found = policy(tmp_path, "{black: {level: 0.1}, loud: false}", common)
    assert found is not None
    assert found.bounds == {Defect.BLACK: Bounds(20.0, 0.1), Defect.FROZEN: Bounds(30.0)}
    assert found.unhealthy_after == 300.0
    assert policy(tmp_path, None, common) is not None


def test_bounds_in_the_defaults_need_not_switch_it_on(tmp_path: Path) -> None:
    common = "content: {enabled: false, black: {after: 20s}}"
    assert policy(tmp_path, None, common) is None
    found = policy(tmp_path, "true", common)
    assert found is not None
    assert found.bounds[Defect.BLACK].after == 20.0


def test_what_is_copied_is_looked_at_now_and_then(tmp_path: Path) -> None:
    copied = f"{STREAM}, video: {{codec: copy}}"
    for own, sampling in (("true", Sampling(60.0, 6.0)), ("{every: 10s, length: 2s}", Sampling(10.0, 2.0))):
        (tmp_path / "c.yml").write_text(f"streams: {{cam: {{{copied}, content: {own}}}}}")
        found = load(tmp_path / "c.yml").config.content_of("cam")
        assert found == ContentPolicy(DEFAULT, 60.0, "fallback", sampling)
        encoded = policy(tmp_path, own)
        assert encoded is not None
        assert encoded.sampling is None


def test_what_cannot_be_looked_at_is_refused_where_it_is_asked_for_and_left_out_of_the_defaults(tmp_path: Path) -> None:
    stream = "command: [x]"
    (problem,) = problems(tmp_path, stream + ", content: true")
    assert problem.startswith("streams.cam.content: cannot be had with ")
    (tmp_path / "c.yml").write_text(f"defaults: {{content: true}}\nstreams: {{cam: {{{stream}}}}}")
    assert load(tmp_path / "c.yml").config.content_of("cam") is None
    (tmp_path / "c.yml").write_text(f"streams: {{cam: {{{stream}, content: false}}}}")
    assert load(tmp_path / "c.yml").config.content_of("cam") is None


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("sometimes", "content: 'sometimes': expected true, false, or a section"),
        ("{blck: true}", "content.blck: unknown key; did you mean black?"),
        ("{black: 5}", "content.black: 5: expected true, false, or a section"),
        ("{black: {after: soon}}", "content.black.after: 'soon': expected a duration"),
        ("{black: {level: 16}}", "content.black.level: 16: "),
        ("{silent: {level: 60}}", "content.silent.level: 60: "),
        ("{frozen: {after: 2s}}", "content.frozen.after: '2s': "),
        ("{every: 1s}", "content.every: '1s': "),
        ("{length: 1h}", "content.length: '1h': "),
        ("{recover: pray}", "content.recover: 'pray': expected "),
    ],
)
def test_one_mistake_is_one_line_that_says_what_was_expected(tmp_path: Path, own: str, said: str) -> None:
    (problem,) = problems(tmp_path, f"{STREAM}, content: {own}")
    assert problem.startswith(f"streams.cam.{said}"), problem
