"""What a model looks like, for the API's description: its own keys are said beside it, what is in it brings its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict

_Model = TypeVar("_Model", bound=BaseModel)
_SAID: Final[dict[type, dict[str, Any]]] = {}


class Described(BaseModel):
    """What every model of the API is: it has exactly its keys, and an example in the API's description."""

    model_config = ConfigDict(extra="forbid")


class Example:
    """`@Example(key=value, …)`: the values as they stand in the JSON.

    A subclass has what its bases say. What is not said comes from the models that are in it, else it is null or, where
    it need not be there, left out.
    """

    def __init__(self, **said: Any) -> None:
        self._said = said

    def __call__(self, model: type[_Model]) -> type[_Model]:
        """The same model, with an example."""
        _SAID[model] = self._said
        return model


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """The whole example. Raises `LookupError` naming a key for which there is nothing."""
    said: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        said |= _SAID.get(base, {})
    named = {field.alias or name: field for name, field in model.model_fields.items()}
    if unknown := said.keys() - named.keys():
        raise LookupError(f"{model.__name__}: its example has {', '.join(sorted(unknown))}, which is no key of it")
    return {
        name: said[name] if name in said else _part(f"{model.__name__}.{name}", field.annotation)
        for name, field in named.items()
        if name in said or field.is_required()
    }


def examples() -> dict[str, dict[str, Any]]:
    """The examples of all models by their names, which are those of their schemas; without what has no whole one."""
    found = {}
    for model in _below(Described):
        with suppress(LookupError):
            found[model.__name__] = example_of(model)
    return found


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in model.__subclasses__():
        yield each
        yield from _below(each)


def _part(where: str, annotation: Any) -> Any:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType} and NoneType in inner:
        models = [kind for kind in inner if _is_model(kind)]
        return example_of(models[0]) if models else None
    if origin is Literal:
        return inner[0]
    if origin is list:
        return [_part(where, inner[0])]
    if _is_model(annotation):
        return example_of(annotation)
    raise LookupError(f"{where}: an example is missing")


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
