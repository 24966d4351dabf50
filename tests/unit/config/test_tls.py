"""A server's certificate: what is wrong with its files is said of the right one."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.tls import BadTls, own_certificate, server_context
from supervisor.preflight.preflight import find_ffmpeg, preflight
from tests.unit.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


Files = tuple[Path, Path]


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> Files:
    """Copies, to be spoilt."""
    copies = tmp_path / "cert.pem", tmp_path / "key.pem"
    for copy, original in zip(copies, authority.files("mine"), strict=True):
        copy.write_bytes(original.read_bytes())
    return copies


def test_what_is_right_is_taken(files: Files) -> None:
    assert server_context(*files).minimum_version >= ssl.TLSVersion.TLSv1_2
    certificate = own_certificate(files[0])
    assert certificate
    chain = files[0].read_text() + files[0].read_text()
    files[0].write_text(f"some words before\n{chain}")
    assert own_certificate(files[0]) == certificate, "the first is the server's own"


def gone(file: Path) -> None:
    file.unlink()


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def empty(file: Path) -> None:
    file.write_text("")


def half(file: Path) -> None:
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:3], *lines[-1:]]) + "\n")


def other(file: Path) -> None:
    for words in (
        "genpkey -algorithm ed25519 -out",
        "genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 -out",
    ):
        subprocess.run(["openssl", *words.split(), str(file)], check=True, capture_output=True, timeout=60)


def locked(file: Path) -> None:
    words = f"pkcs8 -topk8 -in {file} -out {file}.new -passout pass:secret"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True, timeout=60)
    Path(f"{file}.new").replace(file)


@pytest.mark.parametrize(
    ("spoil", "which", "said"),
    [
        (gone, 0, "expected a readable file: No such file"),
        (gone, 1, "expected a readable file: No such file"),
        (directory, 0, "expected a plain file"),
        (directory, 1, "expected a plain file"),
        (empty, 0, "expected a PEM file with the certificate"),
        (empty, 1, "expected a PEM file with the private key"),
        (half, 0, "expected a PEM file with the certificate"),
        (half, 1, "expected a PEM file with the private key"),
        (other, 1, "expected the private key of the certificate in cert_file"),
        (locked, 1, "expected a private key without a passphrase"),
    ],
)
def test_what_is_wrong_is_said_once_with_its_key(
    spoil: Callable[[Path], None], which: int, said: str, files: Files, tmp_path: Path
) -> None:
    spoil(files[which])
    key = ("cert_file", "key_file")[which]
    with pytest.raises(BadTls, match=said) as caught:
        server_context(*files)
    assert caught.value.key == key
    file = tmp_path / "neverdark.yml"
    file.write_text("tls: {cert_file: cert.pem, key_file: key.pem}\nstreams: {a: {command: [sleep, 60]}}\n")
    loaded = load(file)
    with pytest.raises(ConfigError) as refused:
        preflight(loaded, find_ffmpeg(loaded, file), file, starting=True)
    (problem,) = refused.value.problems
    assert (problem.path, problem.value) == (f"tls.{key}", repr(str(files[which])))
    assert said in problem.expected
    assert "PRIVATE" not in str(refused.value)
    warned = preflight(loaded, find_ffmpeg(loaded, file), file)
    assert any(str(warning).startswith(f"tls.{key}: ") for warning in warned), "a reload goes on with the old one"


def test_a_key_that_others_can_read_is_told(files: Files, tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    file.write_text("tls: {cert_file: cert.pem, key_file: key.pem}\nstreams: {a: {command: [sleep, 60]}}\n")
    files[0].chmod(0o644)
    files[1].chmod(0o644)
    loaded = load(file)
    warned = [str(warning) for warning in preflight(loaded, find_ffmpeg(loaded, file), file, starting=True)]
    assert [str(files[1]) in words for words in warned if "other users can read" in words] == [True]


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ("tls: {cert_file: a.pem}", ["tls.key_file"]),
        ("tls: {cert_file: a.pem, key_file: b.pem, ca: c.pem}", ["tls.ca"]),
        ("metrics_listen: 127.0.0.1:9834", []),
        ("metrics_listen: 127.0.0.1:9833", ["metrics_listen"]),
        ("metrics_listen: 0.0.0.0:9833\napi_token: long-and-random", ["metrics_listen"]),
        ("metrics_listen: 0.0.0.0:9834", ["api_token_file"]),
        ("metrics_listen: 0.0.0.0:9834\nlisten: 0.0.0.0:9833", ["api_token_file"]),
        ("metrics_listen: 0.0.0.0:9834\napi_token: long-and-random", []),
        ("metrics_listen: nine", ["metrics_listen"]),
    ],
)
def test_what_the_file_alone_tells(lines: str, problems: list[str], tmp_path: Path) -> None:
    file = tmp_path / "neverdark.yml"
    file.write_text(f"{lines}\nstreams: {{a: {{command: [sleep, 60]}}}}\n")
    try:
        load(file)
        found = []
    except ConfigError as error:
        found = [problem.path for problem in error.problems]
    assert found == problems
