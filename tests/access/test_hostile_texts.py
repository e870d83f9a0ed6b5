"""T15, T19 and T22 in one walk: every page and file of a world whose texts are hostile and whose costs are known.

Each text that somebody may type begins like a formula and goes on as HTML that would run. The walker has every right
but the two that show costs and margins; a customer walks the portal. No page may hold the HTML as it was typed, no
cell of a file may begin a formula, and neither may hold a cost. One address in six is visited, and all of them in the
full trial (`make faults`). Besides, costs are looked for on papers, in the audit trail and in what the interfaces tell.
"""

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pgtrigger
import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import DatabaseError, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat
from django.test import Client
from django_fsm import FSMField
from openpyxl import load_workbook

from catalog import entries
from contracts import contractpapers, documents, printing
from contracts.models import Agreement, Contract, Quote, QuoteLine
from kernel.csvfile import FORMULA, harmless, plain
from kernel.models import AuditEntry, Comment, User
from kernel.rest import resource
from tests.contracts.conftest import blank_pages  # noqa: F401 – a fixture
from tests.factories import catalog as shelves
from tests.factories.apis import System
from tests.factories.orders import Shop
from tests.factories.people import UserFactory
from tests.faults.test_query_counts import World, addresses

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("blank_pages")]

OURS = ("kernel", "catalog", "crm", "cmdb", "contracts", "fulfillment", "orders", "fallout", "portal")
HOSTILE = "='\"></script><img src=xss onerror=alert(1)>"
RAW = re.compile(r"<img src=xss|href=[\"']?javascript:", re.IGNORECASE)
SHORTEST = len(HOSTILE) + 10  # of a column that takes it with a number
COST = Decimal("7771.13")
COSTS = re.compile(r"7[.,\u202f\u00a0 ]?771[.,]13")
SECRET = "their-incumbent-is-cheaper"
STEP = 1 if os.environ.get("FAULTS") == "full" else 10
HIDDEN = ("view_margin", "view_cost")
NOT_TYPED = {  # what code reads: keys, addresses of records, expressions, words of a closed set
    "username", "password", "email", "key", "number", "code", "path", "condition", "subject_type", "action", "label",
    "kind", "owner_type", "root_type", "root_number", "line_key", "specification_key", "form", "query", "time_zone",
    "language", "theme", "stage", "operation", "adapter", "provider", "currency", "country", "content_type", "checksum",
    "file", "token", "order_number", "signature", "order_line", "request_id", "segment", "cause_key", "template",
}  # fmt: skip


def _poison() -> int:
    """Put the hostile text into every text that somebody types; how many columns took it."""
    taken = 0
    for model in apps.get_models():
        if model._meta.app_label not in OURS or not model._meta.managed or model.__name__ in ("AuditEntry",):
            continue
        for column in model._meta.concrete_fields:
            text = isinstance(column, models.CharField | models.TextField) and not isinstance(column, FSMField)
            if not text or column.choices or column.unique or column.name in NOT_TYPED or column.name.endswith("_key"):
                continue
            if (column.max_length or SHORTEST) < SHORTEST:
                continue
            try:
                with transaction.atomic():
                    own = Concat(Value(HOSTILE), Cast(F("pk"), models.CharField()))
                    rows = model._base_manager.exclude(**{column.name: ""})
                    taken += bool(rows.update(**{column.name: own}))
            except DatabaseError:  # a constraint knows better than this list
                continue
    return taken


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """One of everything, poisoned, with costs that are found anywhere."""
    shelves.publish()
    made = World(Shop(), 2)
    Comment.objects.create(
        subject_type="orders.order", subject_id=made.order.pk, author=UserFactory(role="order_agent"), text=SECRET
    )
    with pgtrigger.ignore():  # what is submitted does not change, but for this
        assert _poison() > 60
        for model in (Quote, QuoteLine):
            costs = [one.name for one in model._meta.concrete_fields if one.name.endswith("_cost")]
            model._base_manager.update(**dict.fromkeys(costs, COST))
    Comment.objects.filter(subject_id=made.order.pk, subject_type="orders.order").update(text=SECRET)
    cache.clear()
    return made


@pytest.fixture
def walker() -> User:
    """Somebody with every right but those to costs."""
    person: User = UserFactory(role="order_manager")
    person.user_permissions.set(Permission.objects.exclude(codename__in=HIDDEN))
    return person


def _cells(answer: Any, body: bytes) -> Iterator[Any]:
    """The cells of a file; a formula of a workbook as a text that begins like one."""
    if "csv" in answer["Content-Type"]:
        yield from (cell for row in csv.reader(io.StringIO(body.decode("utf-8-sig"))) for cell in row)
    elif "sheet" in answer["Content-Type"]:
        book = load_workbook(io.BytesIO(body))
        yield from (cell.value for sheet in book for row in sheet.iter_rows() for cell in row)


def _runs(cell: Any) -> bool:
    if not isinstance(cell, str) or re.fullmatch(r"[+-]?[\d., ]+", cell):  # a number, of a telephone too
        return False
    return cell.lstrip(" ").startswith((*FORMULA, "\t", "\r", "\n"))


def _wrong(answer: Any, path: str, *forbidden: re.Pattern[str]) -> list[str]:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    kind = answer.headers.get("Content-Type", "")
    found = [f"{path}: a cell runs: {cell[:60]}" for cell in _cells(answer, body) if _runs(cell)]
    if kind.startswith("text/html"):
        text = body.decode()
        if raw := RAW.search(text):
            found.append(f"{path}: as typed: {text[max(0, raw.start() - 200) : raw.end() + 20]}")
    text = " ".join(map(str, _cells(answer, body))) if "sheet" in kind else body.decode(errors="replace")
    told = filter(None, (one.search(text) for one in forbidden))
    return found + [f"{path}: holds {text[max(0, seen.start() - 120) : seen.end()]}" for seen in told]


@dataclass
class Walk:
    """What somebody read on the way, on how many pages the hostile text was shown, and what was wrong."""

    pages: int = 0
    files: int = 0
    shown: int = 0
    wrong: list[str] = field(default_factory=list)


def _walk(client: Client, world: World, *forbidden: re.Pattern[str], portal: bool) -> Walk:
    """Visit addresses of ours, each by the first record that has such a page."""
    found = Walk()
    for number, address in enumerate(addresses()):
        if address.name.startswith("portal:") != portal or (number % STEP and not portal):
            continue
        for path in world.ways(address):
            with transaction.atomic():
                answer: Any = client.get(path)
            if answer.status_code == 200:
                _read(client, path, answer, found, *forbidden)
                break
    return found


def _read(client: Client, path: str, answer: Any, found: Walk, *forbidden: re.Pattern[str]) -> None:
    found.pages += 1
    found.wrong += _wrong(answer, path, *forbidden)
    if answer.streaming:
        return
    found.shown += b"&lt;img src=xss" in answer.content
    for form in ("csv", "xlsx") if b"export=csv" in answer.content else ():
        found.files += 1
        found.wrong += _wrong(client.get(path, {"export": form}), f"{path}?export={form}", *forbidden)


def _papers(world: World) -> list[str]:
    """What stands on the papers of these records, before it is set as PDF."""
    told: list[str] = []

    def press(template: str, context: dict[str, Any], *, title: str) -> bytes:
        told.append(printing._text(template, context, title, "en-gb"))
        return b""

    with pytest.MonkeyPatch.context() as patch:  # ends before the blank pages do
        patch.setattr(printing, "pdf", press)
        documents.quote_bytes(world.records[Quote])
        documents.agreement_bytes(world.records[Agreement])
        contractpapers.contract_pdf(world.records[Contract])
    return told


def _trail(client: Client, reader: User) -> str:
    """What the audit trail tells somebody of a cost that was added: in its list, in its file, at the record."""
    client.force_login(reader)
    entry = AuditEntry.objects.filter(action="cost added").latest("pk")
    query = {"q": entry.subject_name[:20], "export": "csv"}
    paths = (("/trail/", {}), ("/trail/", query), (f"/activity/{entry.subject_type}/{entry.subject_id}/", {}))
    answers: list[Any] = [client.get(path, asked) for path, asked in paths]
    bodies = [b"".join(one.streaming_content) if one.streaming else one.content for one in answers]
    return b" ".join(bodies).decode()


def _tell_costs(client: Client, world: World, walker: User) -> list[str]:
    """What papers, the audit trail and the interfaces tell of costs, each by its name."""
    papers = _papers(world)
    wrong = [f"a paper: {text[:80]}" for text in papers if COSTS.search(text) or RAW.search(text)]
    values = {"charge": "recurring", "label": "Line", "amount": COST, "per": "", "period": 1, "unit": "", "tiers": [],
              "allowance": 0, "tiering": "", "when": {}}  # fmt: skip
    keeper: User = UserFactory(role="finance")
    prices, sip = shelves.price_list(), shelves.offering("sip")
    entries.keep(price_list=prices, offering=sip, values=values, by=keeper, is_cost=True)
    wrong += ["the audit trail"] if COSTS.search(_trail(client, walker)) else []
    keeper.user_permissions.set(Permission.objects.all())
    assert COSTS.search(_trail(client, User.objects.get(pk=keeper.pk)))  # so the trial finds what it looks for
    system = System(role="order_manager")
    system.user.user_permissions.set(walker.user_permissions.all())
    told = {one.name: system.get(f"{api.root}{one.name}") for api in resource.apis() for one in api.resources}
    assert {answer.status_code for answer in told.values()} == {200}
    assert sum(len(answer.json()) for answer in told.values()) > 20
    return wrong + [name for name, answer in told.items() if COSTS.search(answer.content.decode())]


def test_no_page_runs_what_was_typed_and_none_tells_a_cost(client: Client, world: World, walker: User) -> None:
    client.force_login(walker)
    inside = _walk(client, world, COSTS, portal=False)
    client.force_login(world.customer)
    portal = _walk(client, world, COSTS, re.compile(SECRET), portal=True)
    assert "\n".join(inside.wrong + portal.wrong) == ""
    assert inside.pages > 112 // STEP
    assert inside.files > 12 // STEP
    assert inside.shown > 30 // STEP
    assert portal.pages > 8
    assert portal.shown > 3
    assert _tell_costs(client, world, walker) == []


@pytest.mark.parametrize("sign", [*FORMULA, " ="])
def test_what_a_file_made_harmless_comes_back_as_it_was(sign: str) -> None:
    typed = f"{sign}1+1"
    assert not _runs(harmless(typed))
    assert plain(str(harmless(typed))) == typed
