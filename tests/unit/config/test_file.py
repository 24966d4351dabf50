"""A configuration with mistakes: each is named, with file, key path, value and what was expected; no secret is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supervisor.config import documents
from supervisor.config import file as config_file
from supervisor.config.file import load, peek
from supervisor.config.problems import ConfigError
from supervisor.config.stamp import stamp_of
from tests.plain_yaml import plain_dump

SECRET = "S3CR3T"
SOURCE = "source: {url: x.mp4}"
FILE = "destinations: {f: {url: x.flv}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that a configuration may name."""
    folder = tmp_path_factory.mktemp("configuration")
    (folder / "good").write_text("abcd-efgh\n")
    (folder / "link").symlink_to(folder)
    (folder / "token").write_text("long-enough-token\n")
    (folder / "short").write_text("short")
    (folder / "empty").write_text(" \n")
    (folder / "lines").write_text(f"{SECRET}\n{SECRET}\n")
    (folder / "spaced").write_text(f"{SECRET} {SECRET}")
    (folder / "binary").write_bytes(b"\x00\xff\xfe" + SECRET.encode())
    (folder / "controls").write_bytes(b"\x00" + SECRET.encode())
    (folder / "whole").write_text(f"rtmps://h/live/{SECRET}\n")
    (folder / "quoted").write_text(f"'{SECRET}'\n")
    os.mkfifo(folder / "fifo")
    return folder


def problems(folder: Path, content: str | bytes) -> list[str]:
    """The problems of a file, each without the file's name in front."""
    file = folder / f"neverdark-{os.getpid()}.yml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = _error(file)
    if error is None:
        return []
    lines = str(error).splitlines()
    assert lines == [f"{file}: {problem}" for problem in error.problems], "one line each, with the file"
    assert SECRET not in str(error)
    assert "\\" not in str(error)
    assert not any(word in str(error) for word in ("Input", "validation", "pydantic", "NoneType", "Tuple"))
    return [line.removeprefix(f"{file}: ") for line in lines]


def _error(file: Path) -> ConfigError | None:
    """What is wrong with a file. Anything but `ConfigError` fails the test."""
    try:
        load(file)
    except ConfigError as error:
        return error
    return None


def stream(body: str) -> str:
    return "streams:\n  a:\n" + "".join(f"    {line}\n" for line in body.splitlines())


def destination(body: str) -> str:
    return stream(f"{SOURCE}\ndestinations:\n  d: {{{body}}}")


ONE_MISTAKE = {
    # unknown keys, at each level
    stream(
        f"{SOURCE}\n{FILE}\ngroup: The Lobby"
    ): "streams.a.group: 'The Lobby': expected a name of 1 to 63 characters",
    stream(f"{SOURCE}\n{FILE}\ngroup: 3"): "streams.a.group: 3: expected text",
    stream(f"{SOURCE}\n{FILE}\nlabels: [berlin]"): "streams.a.labels: a list: expected keys and values",
    stream(
        f"{SOURCE}\n{FILE}\nlabels: {{site: Berlin Mitte}}"
    ): "streams.a.labels.site: 'Berlin Mitte': expected 1 to 63",
    stream(f"{SOURCE}\n{FILE}\nlabels: {{site: yes, floor: true}}"): "streams.a.labels.floor: true: expected text",
    stream(f"{SOURCE}\n{FILE}\nlabels: {{site: }}"): "streams.a.labels.site: nothing: expected text",
    stream(
        f"{SOURCE}\n{FILE}\nlabels: {{Site: x}}"
    ): "streams.a.labels.*** (line 5): expected a name of 1 to 32 characters",
    stream(f"{SOURCE}\n{FILE}\nlabels: {{group: x}}"): "streams.a.labels.group: expected a name of 1 to 32 characters",
    stream(
        f"{SOURCE}\n{FILE}\nlabels: {{{', '.join(f'l{n}: x' for n in range(17))}}}"
    ): "streams.a.labels: keys and values: expected at most 16",
    "lisen: 127.0.0.1:1": "lisen: unknown key; did you mean listen?",
    "_env_file: x": "_env_file: unknown key; did you mean api_token_file?",
    "self: x": "self: unknown key; expected one of ",
    "5: x": "5: unknown key; expected one of ",
    "network: {refrence: x}": "network.refrence: unknown key; did you mean reference?",
    "defaults: {stal: {}}": "defaults.stal: unknown key; did you mean stall?",
    "defaults: {stall: {timout: 3s}}": "defaults.stall.timout: unknown key; did you mean timeout?",
    stream(f"{SOURCE}\n{FILE}\ntitle: x"): "streams.a.title: unknown key; expected one of audio, ",
    stream(f"source: {{url: x, urls: {SECRET}}}\n{FILE}"): "streams.a.source.urls: unknown key; did you mean url?",
    destination("url: x.flv, stream_key: " + SECRET): "streams.a.destinations.d.*** (line 5): unknown key; ",
    destination("url: x.flv, stop: {term: 1}"): "streams.a.destinations.d.stop.*** (line 5): unknown key; ",
    # sections
    "defaults:": "defaults: nothing: expected keys and values",
    "defaults: [a]": "defaults: a list: expected keys and values",
    "defaults: {stall: 5s}": "defaults.stall: '5s': expected keys and values",
    "defaults: {stall: }": "defaults.stall: nothing: expected keys and values",
    "streams: [a]": "streams: a list: expected keys and values",
    f"streams: {{a: {SECRET}}}": "streams.a: text: expected keys and values",
    "streams: {a: }": "streams.a: nothing: expected keys and values",
    stream(f"source:\n{FILE}"): "streams.a.source: expected a source (or a command)",
    stream(f"source: [x]\n{FILE}"): "streams.a.source: a list: expected keys and values",
    stream(
        f"source: rtsp://u:{SECRET}@h/x\n{FILE}"
    ): "streams.a.source: text: expected keys and values: write source: {url: …}",
    stream(
        f"{SOURCE}\ndestinations: [rtmp://h/live/{SECRET}]"
    ): "streams.a.destinations: a list: expected keys and values: write destinations: {NAME: {url: …, key_file: …}}",
    stream(f"{SOURCE}\ndestinations:"): "streams.a.destinations: nothing: expected keys and values",
    stream(
        f"{SOURCE}\ndestinations: {{d: rtmp://h/live/{SECRET}}}"
    ): "streams.a.destinations.d: text: expected keys and values: write NAME: {url: …, key_file: …}",
    stream(f"{SOURCE}\ndestinations: {{}}"): "streams.a.destinations: expected at least one destination",
    stream(SOURCE): "streams.a.destinations: expected at least one destination",
    stream(FILE): "streams.a.source: expected a source (or a command)",
    stream("source: {}\n" + FILE): "streams.a.source.url: expected a value: this key is required",
    # names
    "streams: {A: {command: [x]}}": "streams.A: expected a name of 1 to 63 characters",
    "streams: {-a: {command: [x]}}": "streams.-a: expected a name",
    "streams: {'': {command: [x]}}": "streams.: expected a name",
    "streams: {a b: {command: [x]}}": "streams.a b: expected a name",
    f"streams: {{{'a' * 64}: {{command: [x]}}}}": f"streams.{'a' * 64}: expected a name",
    "streams: {ä: {command: [x]}}": "streams.ä: expected a name",
    destination("url: x.flv").replace("d:", "D/:"): "streams.a.destinations.*** (line 5): expected a name",
    # durations, numbers
    "defaults: {stall: {timeout: 0}}": "defaults.stall.timeout: 0: expected more than 0",
    "defaults: {stall: {timeout: -1}}": "defaults.stall.timeout: -1: expected a duration",
    "defaults: {stall: {timeout: 10 s ec}}": "defaults.stall.timeout: '10 s ec': expected a duration",
    "defaults: {stall: {timeout: true}}": "defaults.stall.timeout: true: expected a duration",
    "defaults: {stall: {timeout: }}": "defaults.stall.timeout: nothing: expected a duration",
    "defaults: {stall: {timeout: [1]}}": "defaults.stall.timeout: a list: expected a duration",
    "defaults: {stall: {timeout: {s: 1}}}": "defaults.stall.timeout: keys and values: expected a duration",
    "defaults: {stall: {timeout: .inf}}": "defaults.stall.timeout: '.inf': expected a duration",
    f"defaults: {{stall: {{timeout: {'9' * 400}}}}}": "defaults.stall.timeout: '9999",
    "defaults: {restart: {attempts: 1.5}}": "defaults.restart.attempts: 1.5: expected a whole number",
    "defaults: {restart: {attempts: -1}}": "defaults.restart.attempts: -1: expected at least 0",
    "defaults: {restart: {attempts: true}}": "defaults.restart.attempts: true: expected a whole number",
    "defaults: {restart: {factor: .nan}}": "defaults.restart.factor: '.nan': expected a number",
    "defaults: {restart: {factor: 0.5}}": "defaults.restart.factor: 0.5: expected at least 1",
    "defaults: {restart: {factor: true}}": "defaults.restart.factor: true: expected a number",
    "defaults: {restart: {jitter: 1.1}}": "defaults.restart.jitter: 1.1: expected at most 1",
    "defaults: {restart: {cooldown: 0s}}": "defaults.restart.cooldown: '0s': expected more than 0",
    "defaults: {watchdog: {failures: 0}}": "defaults.watchdog.failures: 0: expected at least 1",
    "defaults: {watchdog: {enabled: perhaps}}": "defaults.watchdog.enabled: 'perhaps': expected true or false",
    "defaults: {watchdog: {enabled: [true]}}": "defaults.watchdog.enabled: a list: expected true or false",
    "defaults: {limits: {cpu: 0}}": "defaults.limits.cpu: 0: expected more than 0",
    "defaults: {limits: {speed: 1.5}}": "defaults.limits.speed: 1.5: expected at most 1",
    "defaults: {limits: {memory: 2 gigs}}": "defaults.limits.memory: '2 gigs': expected a size",
    "defaults: {limits: {bitrate: fast}}": "defaults.limits.bitrate: 'fast': expected a bit rate",
    # addresses, ports, paths
    "listen: 9833": "listen: 9833: expected an address",
    "listen: 127.0.0.1:0": "listen: '127.0.0.1:0': expected an address",
    "listen: 127.0.0.256:80": "listen: '127.0.0.256:80': expected an address",
    "listen: 0.0.0.0:9833": "api_token_file: expected a token, because listen (0.0.0.0:9833) is not loopback",
    "listen: '[::]:9833'": "api_token_file: expected a token, because listen ([::]:9833) is not loopback",
    "ports: 29999-20000": "ports: '29999-20000': expected a range of ports",
    "ports: 80": "ports: 80: expected a range of ports",
    "ports: [20000, 29999]": "ports: a list: expected a range of ports",
    "network: {reference: 1.1.1.1}": "network.reference: '1.1.1.1': expected an address",
    "data_dir: good": "data_dir: 'good': expected a directory, but ",
    "data_dir: good/x/y": "data_dir: 'good/x/y': expected a directory, but ",
    "data_dir: [a]": "data_dir: a list: expected a path",
    f"data_dir: {'x' * 300}": "data_dir: 'xxxx",
    "data_dir: ~nobody-at-all/x": "data_dir: '~nobody-at-all/x': expected a path; there is no home directory",
    'data_dir: "a\\0b"': "data_dir: expected text without NUL",
    "ffmpeg: /nowhere/ffmpeg": "ffmpeg: '/nowhere/ffmpeg': expected auto, or the path of an FFmpeg",
    "ffmpeg: ''": "ffmpeg: '': expected something, but it is empty",
    "ffmpeg: [ffmpeg]": "ffmpeg: a list: expected text",
    # tokens and keys
    f"api_token: {SECRET}": "api_token: ***: expected a token of at least 8 ASCII characters",
    f"api_token: {SECRET} {SECRET}": "api_token: ***: expected a token of at least 8 ASCII characters",
    "api_token_file: short": "api_token_file: ***: expected a token of at least 8 ASCII characters",
    "api_token: long-enough\napi_token_file: token": "api_token_file: expected one of api_token and api_token_file",
    destination(
        "url: 'rtmp://h/live', key: ''"
    ): "streams.a.destinations.d.key: ***: expected something, but it is empty",
    destination(f"url: 'rtmp://h/live', key: {SECRET} x"): "streams.a.destinations.d.key: ***: expected a key without",
    destination(f"url: 'rtmp://h/live', key: [{SECRET}]"): "streams.a.destinations.d.key: a list: expected text",
    destination(
        "url: 'rtmp://h/live', key_file: ./nowhere"
    ): "streams.a.destinations.d.key_file: './nowhere': expected",
    destination(f"url: 'rtmp://h/live', key_file: {SECRET}"): "streams.a.destinations.d.key_file: ***: expected a rea",
    destination("url: 'rtmp://h/live', key_file: ./empty"): "streams.a.destinations.d.key_file: './empty': expected a ",
    destination("url: 'rtmp://h/live', key_file: ./lines"): "streams.a.destinations.d.key_file: './lines': expected a ",
    destination("url: 'rtmp://h/live', key_file: ./spaced"): "streams.a.destinations.d.key_file: './spaced': expected ",
    destination("url: 'rtmp://h/live', key_file: ./binary"): "streams.a.destinations.d.key_file: './binary': expected ",
    destination("url: 'rtmp://h/live', key_file: ./controls"): "streams.a.destinations.d.key_file: './controls': expe",
    destination("url: 'rtmp://h/live', key_file: ./"): "streams.a.destinations.d.key_file: './': expected a readable ",
    destination("url: 'rtmp://h/live', key_file: ./fifo"): "streams.a.destinations.d.key_file: './fifo': expected a re",
    destination("url: 'rtmp://h/live', key_file: /dev/zero"): "streams.a.destinations.d.key_file: '/dev/zero': expec",
    destination("url: 'rtmp://h/live', key_file: {a: b}"): "streams.a.destinations.d.key_file: keys and values: expec",
    destination(
        f"url: 'rtmp://h/live', key: {SECRET}, key_file: good"
    ): "streams.a.destinations.d.key_file: expected one",
    destination("url: 'rtmp://h/live'"): "streams.a.destinations.d.key_file: expected a key or a key_file",
    destination("url: 'rtmp://h/live/'"): "streams.a.destinations.d.key_file: expected a key or a key_file",
    destination(f"url: 'rtmp://h/{SECRET}'"): "streams.a.destinations.d.key_file: expected a key or a key_file",
    destination(
        f"url: 'rtmp://h/live', key: 'rtmp://h/live/{SECRET}'"
    ): "streams.a.destinations.d.key: ***: expected the stream key alone, but this is a whole URL",
    destination(
        "url: 'rtmp://h/live', key_file: ./whole"
    ): "streams.a.destinations.d.key_file: './whole': expected the stream key alone, but this is a whole URL",
    destination(
        f"url: 'rtmp://h/live', key: '\"{SECRET}\"'"
    ): "streams.a.destinations.d.key: ***: expected the key without quotes around it",
    destination(
        "url: 'rtmp://h/live', key_file: ./quoted"
    ): "streams.a.destinations.d.key_file: './quoted': expected the key without quotes around it",
    destination("url: 'rtmps://h:443/live2?backup=1/2'"): "streams.a.destinations.d.key_file: expected a key or a key_",
    # URLs
    destination(f"url: 'rtpm://h/live/{SECRET}'"): "streams.a.destinations.d.url: 'rtpm://h/***': expected a URL that",
    destination(f"url: 'https://u:{SECRET}@h/live'"): "streams.a.destinations.d.url: expected a URL to whose end ",
    destination(f"url: 'rtmp://h:70000/live/{SECRET}'"): "streams.a.destinations.d.url: '***': expected a URL with a ",
    destination(f"url: 'rtmp:///live/{SECRET}'"): "streams.a.destinations.d.url: '***': expected a URL with a host",
    destination(f"url: 'rtmp:live/{SECRET}'"): "streams.a.destinations.d.url: '***': expected a URL with a host",
    destination(f"url: 'rtmp://h /live/{SECRET}'"): "streams.a.destinations.d.url: 'rtmp://h /live/***': expected a ",
    destination(
        f"url: 'srt://:9000?mode=listener&passphrase={SECRET}'"
    ): "streams.a.destinations.d.url: 'srt://:9000/***': expected a host before the port: that of the rec",
    destination(f"url: 'srt://h?passphrase={SECRET}'"): "streams.a.destinations.d.url: 'srt://h/***': expected a port",
    destination(f"url: {SECRET}"): "streams.a.destinations.d.url: '***': expected a file whose name ends with",
    destination("url: ./x.avi"): "streams.a.destinations.d.url: './x.avi': expected a file whose name ends with",
    destination("url: 5"): "streams.a.destinations.d.url: 5: expected text",
    destination("url: ''"): "streams.a.destinations.d.url: '***': expected something, but it is empty",
    destination("required: true"): "streams.a.destinations.d.url: expected a value: this key is required",
    stream(
        f"source: {{url: 'rstp://u:{SECRET}@h/x'}}\n{FILE}"
    ): "streams.a.source.url: 'rstp://***@h/***': expected a ",
    stream(
        f"source: {{url: 'rtsp://u:{SECRET}@h:port/x'}}\n{FILE}"
    ): "streams.a.source.url: '***': expected a URL with",
    stream(
        f"source: {{url: 'rtsp://u:{SECRET}@[::1/x'}}\n{FILE}"
    ): "streams.a.source.url: '***': expected a URL with a",
    stream(f"source: {{url: 'rtsp:///{SECRET}'}}\n{FILE}"): "streams.a.source.url: '***': expected a URL with a host",
    stream(f"source: {{url: ''}}\n{FILE}"): "streams.a.source.url: '': expected something, but it is empty",
    stream(f"source: {{url: [x]}}\n{FILE}"): "streams.a.source.url: a list: expected text",
    # source, picture, sound, command
    stream(
        f"source: {{url: x, format: 'a b'}}\n{FILE}"
    ): "streams.a.source.format: 'a b': expected nothing but letters",
    stream(f"source: {{url: x, options: '-a {SECRET}'}}\n{FILE}"): "streams.a.source.options: text: expected a list",
    stream(
        f"source: {{url: x, options: [-a, [{SECRET}]]}}\n{FILE}"
    ): "streams.a.source.options[1]: a list: expected te",
    stream(
        f"source: {{url: x, options: [-a, ]}}\n{FILE}".replace("[-a, ]", "[-a, null]")
    ): "streams.a.source.options[1]",
    stream(f"source: {{url: x, loop: 7}}\n{FILE}"): "streams.a.source.loop: 7: expected true or false",
    stream(
        f"{SOURCE}\n{FILE}\nvideo: {{codec: h265}}"
    ): "streams.a.video.codec: 'h265': expected one of copy, libx264, ",
    stream(f"{SOURCE}\n{FILE}\nvideo: {{codec: }}"): "streams.a.video.codec: nothing: expected one of copy, ",
    stream(
        f"{SOURCE}\n{FILE}\nvideo: {{codec: copy, size: 640x360}}"
    ): "streams.a.video.size: '640x360': cannot be had",
    stream(
        f"{SOURCE}\n{FILE}\nvideo: {{codec: copy, fps: 25}}"
    ): "streams.a.video.fps: 25: cannot be had with codec: c",
    stream(
        f"source: {{url: x, format: lavfi}}\n{FILE}\nvideo: {{codec: copy}}"
    ): "streams.a.video.codec: 'copy': expected an encoder",
    stream(
        f"source: {{url: x, format: v4l2, options: [-input_format, mjpeg]}}\n{FILE}\nvideo: {{codec: copy}}"
    ): "streams.a.video.codec: 'copy': expected an encoder, such as libx264 (or the source's options",
    stream(
        f"source: {{url: x, format: lavfi}}\n{FILE}\naudio: {{source: copy}}"
    ): "streams.a.audio.source: 'copy': expected auto: the sound",
    stream(
        f"source: {{url: x, format: lavfi}}\n{FILE}\naudio: {{codec: copy}}"
    ): "streams.a.audio.codec: 'copy': expected aac: the sound",
    stream(f"{SOURCE}\n{FILE}\nvideo: {{size: 641x360}}"): "streams.a.video.size: '641x360': expected a picture size",
    stream(f"{SOURCE}\n{FILE}\nvideo: {{fps: 0}}"): "streams.a.video.fps: 0: expected more than 0",
    stream(f"{SOURCE}\n{FILE}\nvideo: {{fps: 1000}}"): "streams.a.video.fps: 1000: expected at most 240",
    stream(f"{SOURCE}\n{FILE}\nvideo: {{keyframe_interval: 0}}"): "streams.a.video.keyframe_interval: 0: expected more",
    stream(
        f"{SOURCE}\n{FILE}\nvideo: {{keyframe_interval: 1m}}"
    ): "streams.a.video.keyframe_interval: '1m': expected at most 10s: a duration, not a number of frames",
    stream(f"{SOURCE}\n{FILE}\nvideo: {{bitrate: 0}}"): "streams.a.video.bitrate: 0: expected a bit rate",
    stream(f"{SOURCE}\n{FILE}\nvideo: {{preset: -y}}"): "streams.a.video.preset: '-y': expected nothing but letters",
    stream(f"{SOURCE}\n{FILE}\naudio: {{source: mute}}"): "streams.a.audio.source: 'mute': expected one of auto, silen",
    stream(f"{SOURCE}\n{FILE}\naudio: {{bitrate: }}"): "streams.a.audio.bitrate: nothing: expected a bit rate",
    stream(f"{SOURCE}\n{FILE}\nenabled: 2"): "streams.a.enabled: 2: expected true or false",
    stream(f"{SOURCE}\ncommand: [x]\n{FILE}"): "streams.a.source: expected one of source and command, not both",
    stream("command: []"): "streams.a.command: a list: expected something, but it is empty",
    stream(
        f"command: ffmpeg {SECRET}"
    ): "streams.a.command: text: expected a list, such as [-a, b]: each argument is an item of its own, comm",
    stream(f"command: {{ffmpeg: {SECRET}}}"): "streams.a.command: keys and values: expected a list",
    stream("command: [x, null]"): "streams.a.command[1]: nothing: expected text",
    stream("command: ['']"): "streams.a.command[0]: ***: expected a program",
    stream(f'command: [x, "{SECRET}\\0"]'): "streams.a.command[1]: expected text without NUL",
    stream("command: [x]\nvideo: {fps: 25}"): "streams.a.video: cannot be had with command",
    stream("command: [x]\naudio: {codec: aac}"): "streams.a.audio: cannot be had with command",
    # one key against another
    "defaults: {restart: {max_delay: 100ms}}": "defaults.restart.max_delay: '100ms': expected initial_delay to be no ",
    "defaults: {limits: {backlog: 21s}}": "defaults.limits.backlog: '21s': expected backlog to be no longer than back",
    "defaults: {limits: {backlog_max: 4s}}": "defaults.limits.backlog_max: '4s': expected backlog to be no longer than",
    "defaults: {restart: {initial_delay: 11s}}": "defaults.restart.initial_delay: '11s': expected initial_delay to be",
    "defaults: {restart: {initial_delay: 5s}}\n"
    + stream("command: [x]\nrestart: {max_delay: 4s}"): "streams.a.restart.max_delay: '4s': expected initial_delay to",
    "defaults: {restart: {max_delay: 4s}}\n"
    + destination(
        "url: x.flv, restart: {initial_delay: 5}"
    ): "streams.a.destinations.d.restart.initial_delay: 5: expec",
    # variables
    "listen: ${NOT_SET_ANYWHERE}": "listen: ${NOT_SET_ANYWHERE}: expected the environment variable NOT_SET_ANYWHERE to",
    stream(f"source: {{url: 'rtsp://u:${{NOT_SET_ANYWHERE}}@h:port/'}}\n{FILE}"): "streams.a.source.url: ${NOT_SET_ANY",
    "listen: '${}'": "listen: expected the name of a variable between ${ and }",
    "listen: '${A:-b}'": "listen: expected the name of a variable between ${ and }",
    # two of one kind
    "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2": "listen: expected once, but it stands on lines 1 and 2",
    "defaults: {stall: {timeout: 1, timeout: 2}}": "defaults.stall.timeout: expected once, but it stands on lines 1 a",
    "streams:\n  a: {command: [x]}\n  a: {command: [y]}": "streams.a: expected once, but it stands on lines 2 and 3",
    stream("command: [x]\ndestinations: {d: {url: x.flv}, d: {url: y.flv}}"): "streams.a.destinations.d: expected once",
    "listen: 127.0.0.1:1\n'listen': 127.0.0.1:2": "listen: expected once",
}
# The file itself.
NO_CONFIGURATION = {
    "- a\n- b": "expected keys and values at the top level",
    "just text": "expected keys and values at the top level",
    "5": "expected keys and values at the top level",
    "a: [1": "line 1, column 6: expected YAML: ",
    "a:\n\tb: 1": "line 2, column 1: expected YAML: spaces where this TAB stands",
    "a: {b: 1,\n\t\t-c: [}": "line 2, column ",
    "a: 1\n b: 2": "line 2, column 3: expected YAML: ",
    f"a: *{SECRET}": "line 1, column 4: expected YAML: no tags, anchors and aliases",
    f"api_token: &{SECRET}": "line 1, column 12: expected YAML: no tags, anchors and aliases",
    f"a: !{SECRET} x": "line 1, column 4: expected YAML: no tags, anchors and aliases",
    f"a: !{SECRET}!x y": "line 1, column 4: expected YAML: no tags, anchors and aliases",
    f"a: !<{SECRET}": "line 1, column 12: expected YAML: no tags, anchors and aliases",
    f"%TAG !{SECRET}! x\n%TAG !{SECRET}! y\n---": "line 2, column 1: expected YAML: no tags, anchors and",
    f"a: |{SECRET}": "line 1, column 5: expected YAML: expected chomping or indentation indicators, but found 'S'",
    "a: !!int '" + "1:" * 5000 + "1'": "line 1, column 4: expected YAML: no tags, anchors and aliases",
    "a: b\nc": "line 2, column 2: expected YAML: could not find expected ':'",
    "a: 1\n---\nb: 2": "line 2, column 1: expected YAML: ",
    "a: &a [*a]": "line 1, column 4: expected YAML: no tags, anchors and aliases",
    "? [a]\n: 1": "line 1: expected YAML: a key must be plain text",
    "a: !!python/object/apply:os.system [x]": "line 1, column 4: expected YAML: ",
    "a: !!int x": "line 1, column 4: expected YAML: ",
    "[" * 500: "expected YAML: it is nested too deeply",
    "a: \x07": "expected YAML: it holds characters that YAML does not allow",
}


@pytest.mark.parametrize("content", ONE_MISTAKE, ids=range(len(ONE_MISTAKE)))
def test_one_mistake_is_one_line(folder: Path, content: str) -> None:
    found = problems(folder, content if "streams:" in content else f"{content}\nstreams: {{}}")
    assert len(found) == 1, found
    assert found[0].startswith(ONE_MISTAKE[content])


@pytest.mark.parametrize("content", NO_CONFIGURATION, ids=range(len(NO_CONFIGURATION)))
def test_what_is_no_configuration_is_one_line(folder: Path, content: str) -> None:
    (found,) = problems(folder, content)
    assert found.startswith(NO_CONFIGURATION[content])


def test_all_mistakes_are_named_at_once(folder: Path) -> None:
    """Each of the mistakes that can stand together, in one file."""
    wrong = {
        "listen": "0.0.0.0:99999",
        "ports": "5-1",
        "typo": "x",
        "defaults": {"stall": {"timeout": "-1s"}, "restart": {"max_delay": "1ms"}, "uplink": None},
        "streams": {
            "Bad": {"command": []},
            "a": {
                "source": {"url": "rtsp://h:x/", "realtime": "maybe"},
                "video": {"codec": "copy", "fps": 25, "size": "1x1"},
                "audio": [],
                "destinations": {"none": {}, "key": {"url": "rtmp://h/live"}, "both": {"url": "xyz:", "key": []}},
            },
            "b": {"source": {"url": "x"}, "command": ["x"]},
            "c": {"source": {"ulr": "x"}},
        },
    }
    paths = {line.partition(": ")[0] for line in problems(folder, plain_dump(wrong))}
    assert paths == {
        "listen",
        "ports",
        "typo",
        "defaults.stall.timeout",
        "defaults.restart.max_delay",
        "defaults.uplink",
        "streams.Bad",
        "streams.Bad.command",
        "streams.a.source.url",
        "streams.a.source.realtime",
        "streams.a.video.fps",
        "streams.a.video.size",
        "streams.a.audio",
        "streams.a.destinations.none.url",
        "streams.a.destinations.key.key_file",
        "streams.a.destinations.both.url",
        "streams.a.destinations.both.key",
        "streams.b.source",
        "streams.c.source.url",
        "streams.c.source.ulr",
        "streams.c.destinations",
    }


def test_the_mistakes_of_a_copy_that_loses_are_named_too(folder: Path) -> None:
    found = problems(
        folder,
        """
streams:
  a:
    source: {url: x.mp4, lop: true}
    destinations: {d: {url: "rtmp://h/live", key: k, required: sometimes}}
  a: {command: [x], enabled: 9}
""",
    )
    assert [line.partition(": ")[0] for line in found] == [
        "streams.a",
        "streams.a.destinations.d.required",
        "streams.a.enabled",
        "streams.a.source.lop",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('url: "rtmp://h/live", key: abc', 'url: "rtmp://h/live", key: abc'),
        ('url: "rtmp://h/live", key: abcd-efgh', 'url: "rtmp://H:1935/live/", key_file: good'),
        ('url: "rtmp://h/live/abc"', 'url: "rtmp://h/live", key: abc'),
        ('url: "rtmps://h/live", key: abc', 'url: "rtmps://h:443/live", key: abc'),
        ('url: "srt://h:9000?streamid=x"', 'url: "srt://h:9000?streamid=x"'),
        ('url: "srt://h:9000?streamid=x"', 'url: "srt://h:9000?latency=1", key: x'),
        ("url: x.flv", "url: ./x.flv"),
        ("url: x.flv", "url: none/../x.flv"),
        ("url: link/x.flv", "url: x.flv"),
        ("url: 'x#1?.flv'", "url: './x#1?.flv'"),
        ("url: x 1.flv", "url: 'file:x%201.flv'"),
        ('url: "rtmp://h/live/abc#1"', 'url: "rtmp://h/live", key: "abc#1"'),
        ('url: "rtmp://h/live/abc/"', 'url: "rtmp://h//live", key: abc'),
        ('url: "rtmp://h/live-x/?name=abc"', 'url: "rtmp://h/live-x/", key: "?name=abc"'),
    ],
)
def test_two_publishers_of_one_key(folder: Path, one: str, other: str) -> None:
    content = stream(f"{SOURCE}\ndestinations: {{a: {{{one}}}}}") + "  b:\n    source: {url: x}\n"
    found = problems(folder, content + f"    destinations: {{b: {{{other}}}}}\n")
    assert found == ["streams.b.destinations.b: publishes to the same place as streams.a.destinations.a"]
    assert not problems(folder, content + f"    enabled: no\n    destinations: {{b: {{{other}}}}}\n")


def test_primary_and_backup_with_one_key_are_two_places(folder: Path) -> None:
    body = 'd: {url: "rtmps://a.h/live2", key: k}, e: {url: "rtmps://b.h/live2?backup=1", key: k}'
    assert not problems(folder, stream(f"{SOURCE}\ndestinations: {{{body}}}"))


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("NEVERDARK_LISTEN", "nowhere", "listen (from NEVERDARK_LISTEN): 'nowhere': expected an address"),
        ("NEVERDARK_LISTEN", "0.0.0.0:80", "api_token_file: expected a token, because listen (0.0.0.0:80)"),
        ("NEVERDARK_DEFAULTS__STALL__TIMEOUT", "-5s", "defaults.stall.timeout (from NEVERDARK_DEFAULTS__STALL__TIME"),
        ("NEVERDARK_DEFAULTS__STALL__TIMOUT", "5s", "defaults.stall.timout (from NEVERDARK_DEFAULTS__STALL__TIMOUT)"),
        ("NEVERDARK_DEFAULTS", "{bad", "defaults (from NEVERDARK_DEFAULTS): '{bad': expected keys and values"),
        ("NEVERDARK_API_TOKEN", SECRET, "api_token (from NEVERDARK_API_TOKEN): ***: expected a token of at least 8"),
        ("neverdark_ports", "1", "ports (from neverdark_ports): '1': expected a range of ports"),
        ("NEVERDARK_DEFAULTS__RESTART__MAX_DELAY", "1ms", "defaults.restart.max_delay (from NEVERDARK_DEFAULTS__RES"),
    ],
)
def test_a_wrong_variable_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(variable, value)
    (found,) = problems(folder, "streams: {}")
    assert found.startswith(problem)


def test_a_variables_value_is_not_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_VALUE", SECRET)
    (found,) = problems(folder, "streams: {}\nlisten: 'x${MY_VALUE}'")
    assert found.startswith("listen: 'x${MY_VALUE}': expected an address")
    (found,) = problems(folder, "streams: {}\ndefaults: {restart: {max_delay: '0.1', initial_delay: '${MY_VALUE}'}}")
    assert found.startswith("defaults.restart.initial_delay: '${MY_VALUE}': expected a duration")


def test_what_is_no_text_and_what_is_no_file(folder: Path) -> None:
    assert problems(folder, b"a: \xff\xfe\x00") == ["expected UTF-8 text"]
    assert problems(folder, b"\xef\xbb\xbfstreams: {}") == [], "a byte order mark is no mistake"
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory"):
        load(folder)
    with pytest.raises(ConfigError, match=r"cannot be read: No such file"):
        load(folder / "nowhere.yml")


def test_an_anchor_is_refused_wherever_it_stands(folder: Path) -> None:
    """Also where many use it, to say things once: an owner's key begins with the same character."""
    for anchored in ("x: &x {a: 1}", "streams: &s {}", "defaults: &d\n  stall: {timeout: 1s}", "streams: {a: *s}"):
        (found,) = problems(folder, anchored)
        assert "no tags, anchors and aliases" in found


def test_far_too_many_values_are_refused(folder: Path) -> None:
    (found,) = problems(folder, f"streams: [{'a,' * 300_000}]")
    assert found == "line 1, column 400005: expected YAML: no more than 200000 values"


def test_a_file_that_is_far_too_long_is_not_read_to_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(documents, "read", lambda text: taken.append(len(text)))
    (found,) = problems(folder, "#" * 10_000_000)
    assert found == "expected at most 1048576 bytes, but it has 10000000"
    assert taken == []


def test_many_duplicates_take_as_many_judgements_as_some(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one a copy: the time would grow with the square of the file."""
    judged: list[Any] = []
    judge = config_file._judge

    def counted(*given: Any) -> Any:
        judged.append(given)
        return judge(*given)

    monkeypatch.setattr(config_file, "_judge", counted)
    counts = []
    for copies in (50, 200):
        judged.clear()
        found = problems(folder, "streams:\n" + "  a: {command: [x]}\n" * copies)
        assert len(found) == copies - 1
        counts.append(len(judged))
    assert counts[0] == counts[1] <= 11


LOST = ["", "# only a comment\n", "listen: 127.0.0.1:1\n", "\n\n", "{}", "---\n...\n"]


@pytest.mark.parametrize("content", LOST)
def test_a_file_without_streams_does_not_pass_for_one_that_wants_none(folder: Path, content: str) -> None:
    """What a full disk, a power cut or a save under way leaves."""
    (found,) = problems(folder, content)
    assert found == (
        "streams: expected a value: this key is required; "
        "is the file empty or half saved? streams: {} says that none are wanted"
    )
    assert not problems(folder, "streams: {}")


def test_streams_with_nothing_behind_it_is_half_saved(folder: Path) -> None:
    (found,) = problems(folder, "streams:")
    assert found == (
        "streams: nothing: expected keys and values; "
        "is the file empty or half saved? streams: {} says that none are wanted"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("srt://h:9?streamid=#!::r=live/cam1,m=publish", "srt://h:9?streamid=#!::r=live/cam2,m=publish"),
        ("rtmp://h/live/cam#1", "rtmp://h/live/cam#2"),
        ("x#1.flv", "x#2.flv"),
        ("x?1.flv", "x?2.flv"),
        ("x%201.flv", "x 1.flv"),
    ],
)
def test_what_differs_only_behind_a_sign_is_two_places(folder: Path, one: str, other: str) -> None:
    assert not problems(folder, stream(f"{SOURCE}\ndestinations: {{d: {{url: '{one}'}}, e: {{url: '{other}'}}}}"))


@pytest.mark.parametrize("key", ["#!::r=live/cam1,m=publish", "?streamname=x&key=y", "a'b", '"', "a/b", "x%20y"])
def test_keys_of_all_kinds(folder: Path, key: str) -> None:
    quoted = key.replace("'", "''")
    assert not problems(folder, destination(f"url: 'rtmp://h/live', key: '{quoted}'"))


# Where a slip of the hand has put the secret, and the problem that must name the place without it.
SLIPS = {
    destination(
        f"url: 'rtmp://h/live', key_file: good, key:{SECRET}"
    ): "streams.a.destinations.d.*** (line 5): unknown key; expected a space behind the colon of key",
    destination(
        f"url: x.flv, key_file:{SECRET}"
    ): "streams.a.destinations.d.*** (line 5): unknown key; expected a space",
    destination(f"url: x.flv, key{SECRET}: x"): "streams.a.destinations.d.*** (line 5): unknown key; ",
    destination(
        f"url: x.flv, {SECRET}: x"
    ): "streams.a.destinations.d.*** (line 5): unknown key; expected one of audio,",
    destination(f"url: x.flv, stall: {{{SECRET}: x}}"): "streams.a.destinations.d.stall.*** (line 5): unknown key; ",
    destination(f"url: x.flv, required: {SECRET}-1"): "streams.a.destinations.d.required: ***: expected true or false",
    destination(f"url: x.flv, stall: {SECRET}-1"): "streams.a.destinations.d.stall: ***: expected keys and values",
    destination(
        f"url: 'rtmp://h/live', key_file: live_1.{SECRET}"
    ): "streams.a.destinations.d.key_file: ***: expected a",
    destination(f"url: 'rtmp://h/live', key_file: app/{SECRET}"): "streams.a.destinations.d.key_file: ***: expected a ",
    destination(f"url: 'rtmp://h/live', key_file: ./x {SECRET}"): "streams.a.destinations.d.key_file: ***: expected a ",
    stream(
        f"{SOURCE}\ndestinations: {{'rtmp://h/live/{SECRET}': {{url: x.flv}}}}"
    ): "streams.a.destinations.*** (line 4)",
    stream(
        f"{SOURCE}\ndestinations: {{d: {{key: k, url: rtmp://h/live\n   key:{SECRET}}}}}"
    ): "streams.a.destinations.d.url: 'rtmp://h/live/*** ***': expected a URL",
    stream(f"source: {{url: x, format: {SECRET}-1}}\n{FILE}"): "streams.a.source.format: ***: expected nothing but",
    stream(f"source: {{url: x, {SECRET}: x}}\n{FILE}"): "streams.a.source.*** (line 3): unknown key; expected one of ",
    f"streams: {{'rtmp://h/live/{SECRET}': {{command: [x]}}}}": "streams.*** (line 1): expected a name",
    f"{{streams: {{}}, api_token:{SECRET}: }}": "*** (line 1): unknown key; expected a space behind the colon of api_",
    f"streams: {{}}\nlisten: 127.0.0.1:9833\n  api_token:{SECRET}": "listen: '127.0.0.1:9833 ***': expected an address",
    f"streams: {{}}\n{SECRET}: x": "*** (line 2): unknown key; expected one of ",
}


@pytest.mark.parametrize("content", SLIPS, ids=range(len(SLIPS)))
def test_a_secret_in_the_wrong_place_is_not_repeated(folder: Path, content: str) -> None:
    (found,) = problems(folder, content)
    assert found.startswith(SLIPS[content])


WHERE_TO = "expected postgresql://USER:PASSWORD@HOST/DATABASE"
DATABASES = {
    f"mysql://u:{SECRET}@h/d": "expected a URL that begins with postgresql://; without this key an SQLite file is used",
    f"postgresql://u:{SECRET}@h:99999/d": f"{WHERE_TO}, with a port up to 65535",
    f"postgresql://u:{SECRET}@h": f"{WHERE_TO}, without spaces",
    f"postgresql://u:{SECRET}@h/d/e": f"{WHERE_TO}, without spaces",
    f"postgresql://u:{SECRET} x@h/d": f"{WHERE_TO}, without spaces",
}


@pytest.mark.parametrize("url", DATABASES)
def test_a_database_that_cannot_be_one_is_told_without_its_password(folder: Path, url: str) -> None:
    assert problems(folder, f"streams: {{}}\ndatabase_url: '{url}'") == [f"database_url: ***: {DATABASES[url]}"]


def test_databases_that_may_be(folder: Path) -> None:
    for url in ("postgresql://u:p%40ss@h/d", "postgres://h:5432/d?sslmode=require", "postgresql:///d?host=/run/pg"):
        assert problems(folder, f"streams: {{}}\ndatabase_url: '{url}'") == []
    assert problems(folder, "streams: {}\nhistory_days: 0") == ["history_days: 0: expected at least 1"]


def test_without_its_driver_postgresql_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.config.urls.find_spec", lambda _: None)
    (found,) = problems(folder, "streams: {}\ndatabase_url: postgresql://h/d")
    assert "pip install 'neverdark[postgres]'" in found


def test_a_slip_in_a_key_is_repeated_for_it_tells_more(folder: Path) -> None:
    (found,) = problems(folder, destination("url: x.flv, requird: true"))
    assert found == "streams.a.destinations.d.requird: unknown key; did you mean required?"


@pytest.mark.parametrize("key", ["key", "key_file"])
@pytest.mark.parametrize("nothing", ["", "null", "~"])
def test_a_secret_that_is_written_but_empty(folder: Path, key: str, nothing: str) -> None:
    what = {"key": "a key", "key_file": "the path of a file"}[key]
    (found,) = problems(folder, destination(f"url: x.flv, {key}: {nothing}"))
    assert found == f"streams.a.destinations.d.{key}: expected {what}, but nothing stands there"
    what = {"key": "a token", "key_file": "the path of a file"}[key]
    key = key.replace("key", "api_token")
    (found,) = problems(folder, f"listen: 0.0.0.0:1\n{key}: {nothing}\nstreams: {{}}")
    assert found == f"{key}: expected {what}, but nothing stands there"


def test_the_stamp_is_of_the_moment_before_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved while it is being read is a change that is still to come, of secret files too."""
    key, file = tmp_path / "key", tmp_path / "neverdark.yml"
    key.write_text("abcd-efgh")
    file.write_text(destination("url: 'rtmp://h/live', key_file: ./key"))
    judge = config_file._judge

    def saved_meanwhile(*given: Any) -> Any:
        found = judge(*given)
        file.write_text(destination("url: 'rtmp://h/other', key_file: ./key"))
        key.write_text("abcd-efgh-ijkl")
        return found

    monkeypatch.setattr(config_file, "_judge", saved_meanwhile)
    loaded = load(file)
    assert loaded.files.keys() == {file, key}
    assert all(stamp != stamp_of(path) for path, stamp in loaded.files.items())
    monkeypatch.undo()
    assert load(file).files == {path: stamp_of(path) for path in (file, key)}


@pytest.mark.parametrize(
    "body",
    [
        "source: {url: /dev/video0, format: v4l2, options: [-input_format, h264]}\nvideo: {codec: copy}",
        "source: {url: x, format: lavfi}\naudio: {codec: copy, source: silence}",
        "source: {url: x, format: lavfi}\naudio: {source: auto}",
        "source: {url: 'http://h/x', format: mpegts}\nvideo: {codec: copy}\naudio: {source: copy}",
        "source: {url: l.txt, format: concat}\nvideo: {codec: copy}\naudio: {source: copy}",
    ],
)
def test_what_can_be_copied_is_not_refused(folder: Path, body: str) -> None:
    assert problems(folder, stream(f"{body}\n{FILE}")) == []


def test_a_client_may_peek_into_a_file_that_is_not_valid(folder: Path) -> None:
    file = folder / "peek.yml"
    file.write_text("listen: 127.0.0.1:7\nstreams: 5\nkey: ${NOT_SET}")
    assert peek(file, "listen") == "127.0.0.1:7"
    assert peek(file, "nothing") is None
    assert peek(folder / "nowhere.yml", "listen") is None
    file.write_text("[")
    assert peek(file, "listen") is None
    file.write_text("just text")
    assert peek(file, "listen") is None


# --- whatever is written ---------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        "listen",
        "data_dir",
        "api_token",
        "api_token_file",
        "ffmpeg",
        "ports",
        "network",
        "defaults",
        "streams",
        "a",
        "restart",
        "stall",
        "uplink",
        "watchdog",
        "limits",
        "stop",
        "source",
        "video",
        "audio",
        "destinations",
        "command",
        "url",
        "key",
        "key_file",
        "codec",
        "size",
        "fps",
        "bitrate",
        "max_delay",
        "initial_delay",
        "timeout",
        "options",
        "format",
        "enabled",
        "reference",
        "speed",
        "<<",
        "_env_file",
        "",
    ]
)
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.sampled_from(
        [
            "5s",
            "copy",
            "x.flv",
            "rtmp://h/live",
            f"rtsp://u:{SECRET}@h/x",
            f"rtmp://h/live/{SECRET}",
            "127.0.0.1:1",
            "./good",
            "0.0.0.0:1",
            "${NOT_SET}",
            "$${",
            "auto",
            "rtmp://[",
            f"srt://h:1?passphrase={SECRET}",
            "\x00",
            "~x/y",
        ]
    ),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    JUNK,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=25,
)
PLAIN = st.one_of(JUNK, st.lists(JUNK, max_size=2))
SECTION = st.dictionaries(KEYS, PLAIN, max_size=5)
SECRETIVE = st.fixed_dictionaries(
    {}, optional={"url": PLAIN, "key": st.just(SECRET), "key_file": PLAIN, "restart": SECTION}
)
STREAM = st.fixed_dictionaries(
    {},
    optional={
        "source": st.one_of(SECRETIVE, PLAIN),
        "command": st.one_of(st.lists(st.just(SECRET)), st.just(SECRET), PLAIN),
        "video": st.one_of(SECTION, PLAIN),
        "destinations": st.one_of(st.dictionaries(st.text(max_size=2) | st.just("a"), SECRETIVE), PLAIN),
        "restart": st.one_of(SECTION, PLAIN),
    },
)
SHAPED = st.fixed_dictionaries(
    {}, optional={"streams": st.dictionaries(st.text(max_size=2), STREAM), "defaults": SECTION, "listen": PLAIN}
)


@settings(max_examples=150)
@given(st.one_of(TREES, SHAPED))
@example({"streams": {"a": {"destinations": {"d": {"url": "\0", "key_file": "\0"}}}}})
def test_any_tree_is_a_configuration_or_a_list_of_problems(folder: Path, tree: Any) -> None:
    """Never anything but `ConfigError`, and never a secret in it."""
    file = folder / "any.yml"
    file.write_text(plain_dump(tree, allow_unicode=True), encoding="utf-8", errors="surrogatepass")
    with mock.patch.dict(os.environ, {"NEVERDARK_NOTHING": "x"}):
        error = _error(file)
    assert error is None or (error.problems and SECRET not in str(error))


@settings(max_examples=100)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@`#,? \n\t0.<~", max_size=60))
def test_any_text_is_a_configuration_or_a_list_of_problems(folder: Path, content: str) -> None:
    file = folder / "text.yml"
    file.write_text(content, encoding="utf-8")
    error = _error(file)
    assert error is None or error.problems
