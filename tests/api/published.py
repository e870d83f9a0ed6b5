"""The published definitions, asked by a validator that is not ours."""

import functools
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from kernel.rest import shapes


@functools.cache
def _validator(file: str, kind: str) -> Any:
    definition = shapes.definition(file)
    registry: Any = Registry().with_resource("urn:tmf", Resource.from_contents(definition, DRAFT4))
    schema = {"$ref": f"urn:tmf#/definitions/{kind}"}
    return jsonschema.Draft4Validator(schema, registry=registry)


def require_published(file: str, kind: str, value: Any, *, chosen: bool = False) -> None:
    """Fails unless the value is as published; of chosen attributes, required ones may be left out."""
    errors = [
        one for one in _validator(file, kind).iter_errors(value)
        if not (chosen and one.validator == "required" and not one.absolute_path)
    ]  # fmt: skip
    wrong = [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in errors]
    assert wrong == [], (kind, wrong)
