"""OpenAPI of each API: the published definition, with the operations that are really there."""

import copy
from typing import Any

from kernel.rest import shapes
from kernel.rest.resource import Api, Resource

METHODS = {"POST": "create", "PATCH": "change", "DELETE": "remove"}


def document(api: Api, root: str) -> dict[str, Any]:
    """Swagger 2.0, as TM Forum publishes its version 4, reduced to what this product offers."""
    published = shapes.definition(api.file)
    found: dict[str, Any] = {
        name: copy.deepcopy(published[name]) for name in ("swagger", "info", "definitions") if name in published
    }
    scheme, _, host = root.partition("://")
    found |= {
        "basePath": api.root, "host": host, "schemes": [scheme], "consumes": ["application/json"],
        "produces": ["application/json"], "paths": _paths(api, published["paths"]),
        "securityDefinitions": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        "security": [{"token": []}],
    }  # fmt: skip
    return found


def _paths(api: Api, published: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, methods in published.items():
        name = path.strip("/").split("/")[0]
        resource = api.resource(name)
        if name == "hub":
            kept = methods
        elif resource is None:
            continue
        else:
            kept = {method: said for method, said in methods.items() if offers(resource, method)}
        found[path] = {method: _with_filters(said, method, path, resource) for method, said in kept.items()}
    return found


def offers(resource: Resource, method: str) -> bool:
    """Whether a method of the definition is there."""
    verb = method.upper()
    return verb == "GET" or (verb in METHODS and getattr(resource, METHODS[verb]) is not None)


def _with_filters(said: Any, method: str, path: str, resource: Resource | None) -> Any:
    """A list's operation with the attributes that it can be filtered by."""
    if method != "get" or resource is None or path.endswith("}"):
        return said
    more = [
        {"name": name, "in": "query", "type": "string", "required": False, "description": "Filter"}
        for name in resource.known
    ]
    sort = {"name": "sort", "in": "query", "type": "string", "required": False, "description": "Such as -orderDate"}
    return {**said, "parameters": [*said.get("parameters", ()), sort, *more]}


def operations(api: Api) -> list[dict[str, Any]]:
    """Every operation of the definition in words: method, path, and whether it is there or why not."""
    found = []
    for resource in api.resources:
        for method, path in (("GET", resource.name), ("POST", resource.name), ("GET", f"{resource.name}/{{id}}"),
                             ("PATCH", f"{resource.name}/{{id}}"), ("DELETE", f"{resource.name}/{{id}}")):  # fmt: skip
            there = offers(resource, method)
            why = "" if there else resource.refused.get(method, "This interface only shows these records.")
            found.append({"method": method, "path": api.root + path, "there": there, "why": why,
                          "writes": method in ("POST", "PATCH")})  # fmt: skip
    found += [
        {"method": "GET", "path": api.root + name, "there": False, "why": why} for name, why in api.absent.items()
    ]
    found.append({"method": "POST", "path": f"{api.root}hub", "there": True, "why": "", "writes": True})
    found.append({"method": "DELETE", "path": f"{api.root}hub/{{id}}", "there": True, "why": ""})
    return found
