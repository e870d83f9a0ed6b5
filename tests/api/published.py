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


def require_published(file: str, kind: str, value: Any) -> None:
    """Fails unless the value is as published."""
    wrong = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in _validator(file, kind).iter_errors(value)]
    assert wrong == []
