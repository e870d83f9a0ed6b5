"""T17: generated requests at every operation of every face: never a 5xx, and every answer as published.

A few for each operation here; with FAULTS=full 10,000 over all operations, as each of three kinds of caller.
"""

import os
from collections import Counter
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from kernel.rest import openapi, resource, shapes
from kernel.rest.rendering import dumps
from tests.api.published import require_published
from tests.api.test_conventions import grow
from tests.factories.apis import System
from tests.faults.conftest import FULL, Figure

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
CASES = int(os.environ.get("FAULTS_CASES") or 10_000)
FEW = 1  # for each operation
ROOT = "http://testserver"
BODIES = ("POST", "PATCH")
ROLES = ("order_manager", "sales_agent", "customer")


def operations() -> list[tuple[Any, Any]]:
    """Every operation that is really there, with its face."""
    found = []
    for api in resource.apis():
        document = openapi.document(api, ROOT)
        schema = schemathesis.openapi.from_dict(document)
        found += [(api, one.ok()) for one in schema.get_all_operations()]
    return found


def sent(system: System, api: Any, case: Any, keys: dict[str, str]) -> Any:
    """One generated case as a request; where it wants an id, every second time one that is there."""
    name = case.operation.path.strip("/").split("/")[0]
    given_id = str((case.path_parameters or {}).get("id", ""))
    key = keys.get(name, "") if sum(map(ord, given_id)) % 2 else given_id
    path = api.root + case.operation.path.strip("/").replace("{id}", quote(key or "x", safe=""))
    query = {name: value for name, value in (case.query or {}).items() if value is not None}
    address = f"{path}?{urlencode(query, doseq=True, errors='replace')}" if query else path
    method = case.method.upper()
    body = dumps(case.body) if method in BODIES and type(case.body).__name__ != "NotSet" else ""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    return system.http.generic(method, address, body.encode("utf-8", "replace"), content_type=kind)


def require_right(api: Any, case: Any, answer: Any) -> None:
    """No 5xx but 501; the answer is of the published type, or an error of ours with its fields."""
    assert answer.status_code < 500 or answer.status_code == 501, (case.method, answer.request["PATH_INFO"])
    if not answer.content:
        return
    said = answer.json()
    if answer.status_code >= 400:
        require_published(api.file, "Error", said)
        return
    name = case.operation.path.strip("/").split("/")[0]
    one = api.resource(name)
    kind = one.type if one else "EventSubscription"
    if kind in shapes.definition(api.file)["definitions"]:
        for row in said if isinstance(said, list) else [said]:
            require_published(api.file, kind, row, chosen="fields" in (case.query or {}))


def probe(system: System, api: Any, operation: Any, keys: dict[str, str], seen: Counter[int], count: int) -> None:
    """So many cases of one operation."""

    @settings(
        max_examples=count, database=None, deadline=None, derandomize=not FULL, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        answer = sent(system, api, case, keys)
        seen[answer.status_code] += 1
        require_right(api, case, answer)

    one()


@pytest.mark.parametrize("role", ROLES if FULL else ROLES[:1])
def test_no_generated_request_breaks_a_face(role: str, figure: Figure) -> None:
    shop = grow()
    system = System(account=shop.account) if role == "customer" else System(role=role)
    every, seen = operations(), Counter[int]()
    wanted = -(-CASES // len(ROLES)) if FULL else FEW * len(every)
    keys = {}
    for api in resource.apis():
        for one in api.resources:
            rows = system.get(f"{api.root}{one.name}?limit=1").json()
            keys[one.name] = rows[0]["id"] if rows else ""
    while (left := wanted - seen.total()) > 0:  # an operation with few different requests leaves some to the others
        for api, operation in every:
            probe(system, api, operation, keys, seen, -(-left // len(every)))
    figure("T17", f"generated requests as {role}", seen.total(), at_least=wanted)
    figure("T17", f"answers of 500 and above as {role}", seen[500] + seen[502] + seen[503], exactly=0)
