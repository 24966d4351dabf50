"""The API's description says of every operation what somebody needs to know who has nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import requests
from pydantic import BaseModel

from exporter.api.answers import answer
from exporter.api.example import Example, example_of
from exporter.api.guard import OPEN, PROOF
from exporter.api.shape import Shape
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.snapshots import FakeControl

Json = dict[str, Any]
TOKEN = "a-right-token-of-some-length"
# What the layers around every route may answer; the rest only what is no operation of them.
ALWAYS = {"400", "413", "431", "500"}
FOREIGN = {"Alert", "Message"}  # may have more keys: a later version of whoever sends them
GUARDED = {"401", "403", "429", "503"}


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve(FakeControl(three_streams()), token=TOKEN)


@pytest.fixture
def document(client: Client) -> Json:
    found: Json = client.get("/openapi.json").json()
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def resolved(document: Json, part: Json) -> Json:
    """What a reference names."""
    if "$ref" not in part:
        return part
    found: Any = document
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def contents(document: Json, operation: Json) -> Iterator[tuple[str, Json]]:
    """Every body that is asked for or answered, with what it is."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"request, {kind}", content
    for status, response in operation["responses"].items():
        for kind, content in resolved(document, response).get("content", {}).items():
            yield f"{status}, {kind}", content


def shown(content: Json) -> list[Any]:
    """The examples of a body or a parameter."""
    several = [each["value"] for each in content.get("examples", {}).values()]
    return [content["example"], *several] if "example" in content else several


def test_every_operation_says_what_it_does(document: Json) -> None:
    for method, path, operation in operations(document):
        for word in ("summary", "description", "tags", "operationId"):
            assert operation.get(word), f"{method} {path}: no {word}"
        of_the_function = operation["summary"].lower().replace(" ", "_")
        assert not operation["operationId"].startswith(f"{of_the_function}_"), f"{method} {path}: no summary"
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_operation_says_who_may_use_it(serve: Serve, document: Json) -> None:
    assert document["components"]["securitySchemes"].keys() == {"token"}
    free = serve(FakeControl(three_streams())).get("/openapi.json").json()
    for method, path, operation in operations(document):
        expected: list[Json] = [{"token": []}] if method != "get" or path == PROOF else [{}, {"token": []}]
        assert operation.get("security") == ([] if path in OPEN else expected), f"{method} {path}"
        without = free["paths"][path][method]["security"]
        assert without == ([] if path in OPEN else [{}, {"token": []}]), f"{method} {path}: there is no token"


def test_every_operation_names_its_errors(document: Json) -> None:
    for method, path, operation in operations(document):
        asks = "parameters" in operation or "requestBody" in operation
        expected = ALWAYS | (set() if path in OPEN else GUARDED)
        expected |= ({"422"} if asks else set()) | ({"404"} if "{" in path else set())
        named = operation["responses"].keys()
        assert expected <= named, f"{method} {path}: no {', '.join(sorted(expected - named))}"
        assert any(status.startswith("2") for status in named), f"{method} {path}: no success"
        for status in named:
            answer = resolved(document, operation["responses"][status])
            assert answer["description"], f"{method} {path}: {status}"
            assert answer.get("content") or status == "204", f"{method} {path}: {status} has no body"
            if status[0] in "45" and path not in OPEN and status != "409":
                schema = answer["content"]["application/json"]["schema"]
                shapes = ["Problem", "Mistakes"] if status == "422" else ["Problem"]  # the latter with each of them
                assert schema in [{"$ref": f"#/components/schemas/{shape}"} for shape in shapes], f"{method} {path}"
    responses = document["components"]["responses"].values()
    assert {name for response in responses for name in response.get("headers", ())} == {
        "WWW-Authenticate",
        "Retry-After",
    }


def test_every_body_has_an_example_that_fits_its_schema(document: Json) -> None:
    checked = 0
    for method, path, operation in operations(document):
        for what, content in contents(document, operation):
            examples = shown(content)
            assert examples, f"{method} {path}: {what}: no example"
            validator = jsonschema_rs.Draft202012Validator(
                {**content["schema"], "components": document["components"]}, validate_formats=True
            )
            for example in examples:
                problems = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(example)]
                assert not problems, f"{method} {path}: {what}: {problems}"
                checked += 1
    assert checked > 100


def test_every_parameter_is_described_and_has_an_example_that_fits(document: Json) -> None:
    """But for what has few values anyway, or one that is taken if nothing is said."""
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            where = f"{method} {path}: {parameter['name']}"
            assert parameter.get("description"), f"{where}: no description"
            schema = parameter["schema"]
            kinds = [resolved(document, kind) for kind in schema.get("anyOf", [schema])]
            few = any("enum" in kind or kind.get("type") == "boolean" for kind in kinds)
            assert shown(parameter) or few or "default" in schema, f"{where}: no example"
            validator = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
            assert all(validator.is_valid(example) for example in shown(parameter)), where


def test_every_model_that_is_described_shows_an_example(document: Json) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("examples") or "enum" in schema, f"{name}: no example: see exporter.api.example"
        assert schema.get("description"), f"{name}: no description"
        if "enum" not in schema:
            more = schema.get("additionalProperties", True)
            assert more is (name in FOREIGN), f"{name} takes any key"


def test_the_examples_are_what_the_models_take() -> None:
    def below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
        for each in model.__subclasses__():
            yield each
            yield from below(each)

    ours = [model for model in below(Shape) if model.__module__.startswith("exporter.")]
    assert len(ours) > 30
    for model in ours:
        model.model_validate(example_of(model))


def test_a_model_without_a_whole_example_is_named() -> None:
    class Bare(Shape):
        name: str

    with pytest.raises(LookupError, match=r"Bare\.name: an example is missing"):
        example_of(Bare)

    @Example(nmae="a")
    class Mistyped(Shape):
        name: str | None

    with pytest.raises(LookupError, match="its example has nmae, which is no key of it"):
        example_of(Mistyped)


def test_nothing_is_described_that_is_never_answered(document: Json) -> None:
    text = str(document["paths"]) + str(document["components"]["responses"])
    seen: set[str] = set()
    while found := {n for n in document["components"]["schemas"] if f"schemas/{n}'" in text} - seen:
        seen |= found
        text += "".join(str(document["components"]["schemas"][name]) for name in found)
    assert seen == document["components"]["schemas"].keys()
    assert "HTTPValidationError" not in seen


def test_the_description_is_the_same_each_time(client: Client, document: Json) -> None:
    assert client.get("/openapi.json").json() == document


# --- methods ---------------------------------------------------------------------------------------


def test_what_can_be_read_also_answers_head(client: Client, document: Json) -> None:
    paths = [path for method, path, _ in operations(document) if method == "get"]
    for path in [*paths, "/", "/docs", "/openapi.json", "/web/page.js"]:
        asked = path.replace("{stream}", "a").replace("{id}", "nobody")
        read, head = client.get(asked), client.ask("HEAD", asked)
        assert (head.status_code, head.content) == (read.status_code, b""), asked
        assert head.headers["Content-Type"] == read.headers["Content-Type"]


def test_a_refused_method_is_answered_with_all_that_are_taken(client: Client, document: Json) -> None:
    for path, taken in document["paths"].items():
        methods = {method.upper() for method in taken} | ({"HEAD"} if "get" in taken else set())
        asked = path.replace("{stream}", "a").replace("{id}", "nobody")
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - methods:
            refused = client.ask(method, asked, Authorization=f"Bearer {TOKEN}")
            assert refused.status_code == 405, f"{method} {path}"
            assert set(refused.headers["Allow"].split(", ")) == methods, f"{method} {path}"
    assert client.ask("PUT", "/api/nothing", Authorization=f"Bearer {TOKEN}").status_code == 404


# --- characters that are none ----------------------------------------------------------------------


@pytest.mark.parametrize("place", ["/api/streams/a%00b", "/api/incidents?stream=%00", "/api/incidents?a%00=b"])
def test_nul_in_a_path_or_a_query_is_refused(client: Client, place: str) -> None:
    refused = client.get(place)
    assert (refused.status_code, "expected text" in refused.json()["detail"]) == (400, True)
    assert client.get(place.replace("%00", "%2500")).status_code in {200, 404}, "a percent sign may be there"


@pytest.mark.parametrize(
    ("text", "status"),
    [(r"\ud800", 400), (r"\uDFFF\ud800", 400), (r"\u0000", 400), (r"\\u0000 \\ud800", 202), (r"\ud83d\udc15", 202)],
)
def test_a_body_has_whole_characters(client: Client, text: str, status: int) -> None:
    order = f'{{"streams": ["a"], "until": "1h", "reason": "{text}"}}'
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answered = requests.post(f"{client.url}/api/maintenance", data=order, headers=headers, timeout=PATIENCE)
    assert answered.status_code == status, answered.text


def test_half_a_character_in_an_answer_is_still_json() -> None:
    """A file's name may have one; it stands in the problem that a configuration has."""
    assert json.loads(bytes(answer({"detail": "a\ud800b ü"}).body)) == {"detail": "a\ud800b ü"}


@pytest.mark.parametrize("body", ["[" * 60_000, "1" * 60_000, '{"a":' * 9_000, "\\ud800", "\xff", ""])
def test_a_body_that_cannot_be_read_is_refused(client: Client, body: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    refused = requests.post(
        f"{client.url}/api/maintenance", data=body.encode("latin-1"), headers=headers, timeout=PATIENCE
    )
    assert refused.status_code in {400, 422}, refused.text
    assert refused.json()["detail"]


def test_a_time_is_no_number(client: Client) -> None:
    """One that is could be in seconds or in milliseconds."""
    for text in ("0.5", "1767225600", "1767225600000", "2026-01-01"):
        refused = client.get(f"/api/incidents?since={text}")
        assert refused.status_code == 422
        assert "since: expected a time with its zone, such as 2026-12-24T22:00:00Z" in refused.json()["detail"]
    for text in ("2026-01-01T00:00:00Z", "2026-01-01 00:00%2B01:00"):
        assert client.get(f"/api/incidents?since={text}").status_code == 200
