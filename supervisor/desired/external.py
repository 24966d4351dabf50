"""What a program of somebody else's is to be watched as: a command that is neither started nor ended. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import SecretStr, ValidationError

from supervisor.config.shape import Config, DestinationSection, StreamSection
from supervisor.desired.plan import StreamSpec
from supervisor.model.external import External
from supervisor.secrets.secrecy import secrets_of_argv, secrets_of_url

DESTINATION = "main"  # there is one


def external_spec(config: Config, external: External, plan: Callable[[Config], dict[str, StreamSpec]]) -> StreamSpec:
    """The stream of a program, with the defaults of a configuration; `plan` makes the streams of one.

    Raises ValueError for a URL that cannot be a destination's.
    """
    try:
        destination = DestinationSection(url=SecretStr(external.destination_url))
    except ValidationError as error:
        said = error.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"destination_url: {said}") from None
    stream = StreamSection(command=(SecretStr(external.name),), destinations={DESTINATION: destination})
    spec = plan(config.model_copy(update={"streams": {external.name: stream}}))[external.name]
    (command,) = spec.processes
    process = replace(command, argv=(), target=(), tracked=external.tracked, external=external)
    return replace(
        spec,
        enabled=external.ended is None,
        processes=(process,),
        drills=False,  # a fault on purpose is nothing to do to somebody else
        schedule=None,
        secrets=spec.secrets | _secrets(external),
    )


def _secrets(external: External) -> set[str]:
    found = secrets_of_url(external.progress_url) if external.progress_url else set()
    if known := external.recovery:
        found |= secrets_of_argv(known.command)
        found |= secrets_of_url(known.webhook) if known.webhook else set()
    return found
