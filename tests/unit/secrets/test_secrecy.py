"""What is secret, where it may hide, and that it is never shown; and that ordinary text is left alone."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from supervisor.secrets.secrecy import (
    HIDDEN,
    Redactor,
    names_a_secret,
    secrets_of_argv,
    secrets_of_url,
    show_destination,
    show_url,
)

SECRETS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*"), min_size=6, max_size=30
)
# What can stand in a URL's user or path as it is.
URL_SECRETS = st.from_regex(r"\A[A-Za-z0-9._~!$()+,;=%-]{6,24}\Z").filter(lambda s: "%" not in s)
FRAMES = ("{}", "[error] {}: Input/output error", "Error opening output file {}.", "'{}'", "a {} b {}")


def forms(secret: str) -> set[str]:
    """What programs make of a secret."""
    encoded = quote(secret, safe="")
    lower = re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), encoded)
    return {secret, encoded, lower, quote(secret), quote(secret, safe="/:@")}


@pytest.mark.parametrize(
    ("url", "key", "shown"),
    [
        ("rtmp://a.example/live2/KEY", None, "rtmp://a.example/live2/***"),
        ("rtmps://a.example:443/live2?backup=1", "KEY", "rtmps://a.example:443/live2/***"),
        ("rtmp://a.example/app/inst", "KEY", "rtmp://a.example/app/inst/***"),
        ("rtmp://a.example/app/inst/KEY?x=1", None, "rtmp://a.example/app/***"),
        ("rtmp://user:pw@a.example/live", "KEY", "rtmp://***@a.example/live/***"),
        ("rtmp://[::1]:1935/live/KEY", None, "rtmp://[::1]:1935/live/***"),
        ("rtsp://viewer:pw@10.0.0.5/stream1", None, "rtsp://***@10.0.0.5/stream1"),
        ("rtsp://token@10.0.0.5:8554/stream1?auth=x", None, "rtsp://***@10.0.0.5:8554/stream1?***"),
        ("srt://a.example:9000?streamid=#!::r=KEY&passphrase=x", None, "srt://a.example:9000?***"),
        ("https://cdn.example/live.m3u8", None, "https://cdn.example/live.m3u8"),
        ("rtsp://10.0.0.5/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp", None, "rtsp://10.0.0.5/***"),
        ("rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0", None, "rtsp://10.0.0.5/***/realmonitor?***"),
        ("rtsp://10.0.0.5/Streaming/Channels/101", None, "rtsp://10.0.0.5/***/101"),
        ("rtsp://10.0.0.5/h264Preview_01_main", None, "rtsp://10.0.0.5/h264Preview_01_main"),
        ("http://tv.example/live/someuser/s3cretPW/1234.ts", None, "http://tv.example/***"),
        ("http://tv.example/someuser/s3cretPW/index.m3u8", None, "http://tv.example/***/index.m3u8"),
        ("http://10.0.0.5/videostream.cgi?loginuse=admin&loginpas=8", None, "http://10.0.0.5/videostream.cgi?***"),
        ("http://10.0.0.5:8080/", None, "http://10.0.0.5:8080"),
        ("rtmp://a.example/KEY", None, "rtmp://a.example/***"),
        ("concat:http://a.example/me/PASSWORD/1.ts", None, "concat:http://a.example/***/1.ts"),
        ("file:///srv/film.mp4", None, "file:///srv/film.mp4"),
        ("/srv/film.mp4", None, "/srv/film.mp4"),
        ("testsrc2=size=640x360:rate=25", None, "testsrc2=size=640x360:rate=25"),
        ("movie=rtsp\\://a,scale:rtsp://u:p@h/x", None, "movie=rtsp://***"),
        ("rtmp:///live/KEY", None, HIDDEN),
        ("rtmp:live/KEY", None, HIDDEN),
        ("rtmp://a.example:port/live/KEY", None, HIDDEN),
        ("rtmp://[::1/live/KEY", None, HIDDEN),
        ("", None, ""),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, key: str | None, shown: str) -> None:
    assert show_url(url, key) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtmp://a/live2/KEY", "rtmp://a/live2/***"),
        ("rtpm://a/live2/KEY", "rtpm://a/***"),
        ("https://a/live2/KEY?x", "https://a/***"),
        ("abcd-efgh-ijkl", HIDDEN),
        ("rtmp:a/KEY", HIDDEN),
        ("./archive.avi", "./archive.avi"),
    ],
)
def test_a_destination_that_may_be_wrong_shows_only_what_is_no_key(url: str, shown: str) -> None:
    assert show_destination(url) == shown


@given(st.text())
@example("rtmp:///a")
@example("://")
@example("a://b://c://d")
@example("rtsp://u:p@[::1")
def test_anything_can_be_shown(url: str) -> None:
    redactor = Redactor(secrets_of_url(url) | secrets_of_url(url, url) | secrets_of_argv([url, url]))
    for shown in (show_url(url), show_url(url, "key"), show_destination(url), redactor.clean(url)):
        assert isinstance(shown, str)


@given(URL_SECRETS)
def test_every_place_of_a_url_that_holds_a_secret(secret: str) -> None:
    assume(not secret.startswith(("=", ";")) and not secret.endswith(("=", ";")) and ";" not in secret)
    places = {
        f"rtsp://viewer:{secret}@10.0.0.5:554/stream1",
        f"rtsp://{secret}@10.0.0.5/stream1",
        f"rtsp://:{secret}@10.0.0.5/stream1",
        f"rtmp://a.example/live2/{secret}",
        f"rtmp://a.example/live2/inst/{secret}",
        f"rtmp://a.example/live2/{secret}?backup=1",
        f"rtmp://[::1]:1935/live2/{secret}",
        f"rtmp://a.example/live2?key={secret}",
        f"srt://a.example:9000?mode=caller&passphrase={secret}",
        f"srt://a.example:9000?streamid={secret}&latency=200",
        f"srt://a.example:9000?streamid=#!::r=live,m=publish,token={secret}",
        f"rtsp://10.0.0.5/stream1?token={secret}",
        f"https://cdn.example/live.m3u8?hdnts={secret}&x=1",
        f"http://10.0.0.5/video?user=admin&pwd={secret}",
        f"http://10.0.0.5/videostream.cgi?loginuse=admin&loginpas={secret}",
        f"http://10.0.0.5/x?p={secret}",
        f"http://10.0.0.5/x?{secret}{secret}",
        f"http://tv.example/live/someuser/{secret}/1234.ts",
        f"https://tv.example/{secret}/index.m3u8",
        f"rtsp://10.0.0.5/user=admin&password={secret}&channel=1.sdp",
        f"rtsp://10.0.0.5/live/{secret}",
        f"concat:http://tv.example/live/someuser/{secret}/1234.ts",
    }
    for url in places:
        shown = show_url(url)
        assert secret not in shown, url
        redactor = Redactor(secrets_of_url(url))
        for frame in FRAMES:
            said = redactor.clean(frame.format(url, url))
            assert secret not in said, (url, said)
            assert unquote(secret) not in unquote(said), (url, said)


@given(SECRETS)
def test_a_key_is_hidden_in_every_form(key: str) -> None:
    redactor = Redactor(secrets_of_url("rtmp://a.example/live2", key))
    for form in forms(key):
        for frame in FRAMES:
            assert form not in redactor.clean(frame.format(form, form))


@pytest.mark.parametrize(
    "argv",
    [
        ["-i", "rtmp://a/live2/SeCrEt-1"],
        ["[f=flv]rtmp://a/live2/SeCrEt-1|[f=flv]rtmp://b/live2/x"],
        ["[f=flv:onfail=ignore]rtmp\\://[\\:\\:1]\\:1935/live2/SeCrEt-1"],
        ["rtmp://[::1]/live2/SeCrEt-1"],
        ["-headers", "Authorization: Bearer SeCrEt-1\r\nX-Other: a\r\n"],
        ["-headers", "X-Api-Key: SeCrEt-1"],
        ["-cookies", "session=SeCrEt-1; path=/; domain=a.example;"],
        ["-rtmp_playpath", "SeCrEt-1"],
        ["-password", "SeCrEt-1"],
        ["-passphrase", "SeCrEt-1"],
        ["-srt_streamid", "SeCrEt-1"],
        ["-decryption_key", "SeCrEt-1"],
        ["-http_proxy", "http://me:SeCrEt-1@proxy:3128"],
        ["--token=SeCrEt-1"],
        ["env", "STREAM_KEY=SeCrEt-1", "ffmpeg"],
        ["curl", "-u", "me:SeCrEt-1"],
        ["sh", "-c", "ffmpeg -i x -f flv rtmp://a/live2/SeCrEt-1"],
        ["sh", "-c", "curl -H 'Authorization: Bearer SeCrEt-1' --password SeCrEt-1 x"],
        ["rtmp://a/app playpath=SeCrEt-1 live=1"],
        ["sh", "-c", "KEY=SeCrEt-1; ffmpeg -i x -f flv rtmp://a/live2/$KEY"],
        ["-i", "http://tv.example/live/me/SeCrEt-1/1.ts"],
        ["-i", "http://10.0.0.5/x?pin=SeCrEt-1"],
        ["movie=http\\://tv.example/me/SeCrEt-1/1.ts"],
    ],
)
def test_a_command_lines_secrets(argv: list[str]) -> None:
    redactor = Redactor(secrets_of_argv(argv))
    assert "SeCrEt-1" not in redactor.clean(" ".join(argv))
    assert "SeCrEt-1" not in redactor.clean("[error] SeCrEt-1: refused")


def test_an_option_that_is_no_login_hides_nothing() -> None:
    assert not secrets_of_argv(["sort", "-u", "playlist"])


def test_a_secret_that_is_too_short_to_hide_alone_is_hidden_with_its_url() -> None:
    """`ab` must not tear every text apart; where FFmpeg prints it, a URL is around it."""
    redactor = Redactor(secrets_of_url("rtmp://h/live/1") | secrets_of_url("rtsp://me:ab@h/x?key=z"))
    assert redactor.clean("rtmp://h/live/1: refused, 1 time, live") == "rtmp://h/live/***: refused, 1 time, live"
    assert redactor.clean("about rtsp://me:ab@h/y") == "about rtsp://***@h/***"


def test_whoever_stands_before_a_host_is_hidden_also_when_nobody_named_him() -> None:
    """A redirect of a camera's may bring a password that the configuration does not know."""
    assert Redactor(()).clean("http://a:b@h:80/x, udp://@239.0.0.1:1") == "http://***@h:80/***, udp://@239.0.0.1:1"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.5/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp",
        "http://tv.example/live/someuser/tlJwpbo6/1234.ts",
        "http://10.0.0.5/x?u=admin&p=tlJwpbo6",
    ],
)
def test_a_configured_urls_secrets_are_known_without_the_url_around_them(url: str) -> None:
    assert "tlJwpbo6" not in Redactor(secrets_of_url(url)).clean("my password tlJwpbo6 was refused")


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("rtsp://admin:hunter22@10.0.0.5/x", "admin:hunter22"),
        ("rtsp://admin:hunter%4022@10.0.0.5/x", "admin:hunter@22"),
        ("http://atoken77@10.0.0.5/x", "atoken77:"),
    ],
)
def test_a_login_is_hidden_as_it_is_sent(url: str, login: str) -> None:
    sent = base64.b64encode(login.encode()).decode()
    for secrets in (secrets_of_url(url), secrets_of_argv(["curl", "-v", url])):
        assert sent.rstrip("=") not in Redactor(secrets).clean(f"sending {sent} to the camera")
    if login[-1] != ":":
        assert sent.rstrip("=") not in Redactor(secrets_of_argv(["curl", "-u", login])).clean(f"sending {sent}")


def test_ordinary_text_is_left_alone() -> None:
    secrets = secrets_of_url("rtsp://viewer:hunter22@10.0.0.5:8554/stream1?profile=1&transport=tcp")
    secrets |= secrets_of_url("rtmps://a.rtmps.youtube.com:443/live2?backup=1", "abcd-efgh-ijkl-mnop")
    secrets |= secrets_of_argv(["ffmpeg", "-re", "-i", "/srv/a.mp4", "-c:v", "libx264", "-b:v", "2500k", "-y", "1"])
    redactor = Redactor(secrets)
    for text in (
        "frame= 1 live 1 443 8554 stream1 viewer",
        "[tcp @ 0x1] Connection to tcp://10.0.0.5:8554 failed: Connection refused",
        "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from '/srv/media/film of 1999 (final).mp4':",
        "rtmps://a.rtmps.youtube.com:443/live2: Input/output error",
        "profile=1 transport=tcp backup=1 libx264 2500k /srv/a.mp4",
    ):
        assert redactor.clean(text) == text


@given(SECRETS.filter(lambda s: s.isalnum()), st.integers(4, 29))
def test_a_secret_that_was_cut_off_by_a_lines_length_leaves_nothing(secret: str, length: int) -> None:
    head = secret[: min(length, len(secret) - 1)]
    text = Redactor({secret}).clean(f"Error opening {head}", cut=True)
    assert text == f"Error opening {HIDDEN}"


@pytest.mark.parametrize(
    "name",
    [
        "CAM_PASSWORD",
        "CAMPASS",
        "YT_KEY",
        "streamkey",
        "STREAMKEY",
        "token",
        "access_token",
        "x-auth",
        "apiKey",
        "PW",
        "passphrase",
        "streamid",
        "cam_user",
        "AWS_SECRET_ACCESS_KEY",
        "sig",
        "dbPwd",
    ],
)
def test_names_that_tell(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["HOST", "PORT", "keyframe", "mode", "latency", "backup", "monkey_island", "bypass_x"])
def test_names_that_do_not(name: str) -> None:
    assert not names_a_secret(name)
