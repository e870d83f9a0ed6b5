"""The APIs: orders taken a second by one client and by four, what one costs, and long lists at both ends."""

import datetime as dt
import json
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from typing import Any

import httpx
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from catalog.models import Offering
from config.bench import Figure, Say, processor
from config.demo import story
from config.stack import Stack
from crm import accounts, systems
from crm.models import Account
from kernel.rest import scopes
from orders.models import Order, OrderLine

LINES, WARM, ROUNDS, SECONDS = 10, 10, 40, 8.0
TURNS = 2  # of what is set against something else
UNCOUNTED, PAGES, SPANS = 40, 60, 3
PATH = "/tmf-api/productOrderingManagement/v4/productOrder"
LONG = (10_000, 100_000)
ODOO = 8.6  # orders a second, one client, on the machine of reference
THERE = (137.0, 282.0)  # bare inserts a second there, by one process and by four
TIMES, MORE = 5, 1.8  # what we want: times Odoo, and four clients against one
CLONE = """
INSERT INTO orders_order (created_at, updated_at, edition, number, title, channel, their_reference, slip_reason,
    currency, monthly, one_time, term_months, priority, state, fulfilment, before_assessment, account_id,
    billing_profile_id, contact_id, submitted_at)
SELECT now(), now(), 1, 'BEN' || lpad(n::text, 7, '0'), title, channel, 'PO-' || n, '', currency, monthly, one_time,
    term_months, priority, state, fulfilment, before_assessment, account_id, billing_profile_id, contact_id, now()
FROM orders_order, generate_series(%s, %s) AS n WHERE orders_order.id = %s
"""


class Shop:
    """A customer with sites, and a system of our own with its token."""

    def __init__(self) -> None:
        story.provider()
        self.account: Account = accounts.open_account(name="Bench N.V.", by=None)
        accounts.add_contact(account_id=self.account.pk, first_name="Bo", last_name="Bench",
                             email="bo@bench.example", by=None)  # fmt: skip
        accounts.add_billing_profile(account_id=self.account.pk, invoice_email="in@bench.example", street="Kade 1",
                                     postcode="3011 AA", city="Rotterdam", country="NL", by=None)  # fmt: skip
        self.sites = [
            accounts.add_site(account_id=self.account.pk, code=f"B-{n}", name=f"Bench {n}", by=None, street="Kade 1",
                              postcode="3011 AA", city="Rotterdam", country="NL").pk
            for n in range(LINES)
        ]  # fmt: skip
        client, _ = systems.register(
            name="Bench", scopes=scopes.every(), by=None, role="order_manager", rate=10_000_000
        )  # fmt: skip
        self.token = uuid.uuid4().hex
        held: Any = AccessToken(
            application=client, scope=" ".join(client.scopes), expires=timezone.now() + dt.timedelta(hours=2)
        )
        held._raw_token = self.token
        held.save()
        self.http = Client(headers={"authorization": f"Bearer {self.token}", "host": "127.0.0.1"})

    def body(self) -> str:
        """An order of ten configured lines."""
        items = [
            {"id": str(n), "action": "add", "productOffering": {"id": "dia"}, "product": {
                "productCharacteristic": [{"name": "bandwidth", "value": "500M"}],
                "place": [{"id": str(site), "role": "installationSite"}]}}
            for n, site in enumerate(self.sites)
        ]  # fmt: skip
        party = {"id": self.account.number, "role": "customer", "@referredType": "Customer"}
        return json.dumps({"description": "Ten lines", "relatedParty": [party], "productOrderItem": items})

    def order(self) -> None:
        """One over the API, in this process. Raises RuntimeError unless it is taken."""
        answer = self.http.post(PATH, self.body(), content_type="application/json")
        if answer.status_code != 201:
            raise RuntimeError(answer.content.decode()[:2000])

    def bare(self) -> None:
        """The same rows by plain saves."""
        offering = Offering.objects.get(key="dia", state="active")
        with transaction.atomic():
            order = Order.objects.create(title="Bare", account=self.account)
            for n, site in enumerate(self.sites):
                OrderLine.objects.create(
                    order=order, key=uuid.uuid4(), position=n, offering=offering, site_id=site, account=self.account,
                    specification_id=offering.specification_id or 0, characteristics={"bandwidth": "500M"},
                )  # fmt: skip


def measure(say: Say) -> Iterator[Figure]:
    """All figures of the group; meant for a scratch database, in which it leaves its work."""
    say("the demo's catalogue, a customer, a token")
    shop = Shop()
    yield from _cost(shop, say)
    one, four = _machine(shop, say)
    yield Figure("P1-machine", "bare inserts here, against the reference", round(one, 1), "orders/s",
                 THERE[0], round(one / THERE[0], 2))  # fmt: skip
    yield Figure("P1-room", "the same by four processes, against one", round(four, 1), "orders/s", round(one, 1),
                 round(four / one, 2))  # fmt: skip
    yield from _rates(shop, say, one, four)
    yield from _lists(shop, say)


def _cost(shop: Shop, say: Say) -> Iterator[Figure]:
    say(f"{ROUNDS} orders of {LINES} lines, and the same rows bare, in this process")
    bare = api = 0.0
    for _ in range(TURNS):  # in turn, for a machine that others use is not as fast all the time
        bare, api = bare + _cpu(shop.bare) / TURNS, api + _cpu(shop.order) / TURNS
    goal = "≤ 3 × the bare insert (20 ms, where that takes 6.8)"
    yield Figure("P1-bare", "bare ORM insert of the same rows", round(bare, 1), "ms CPU")
    yield Figure("P1-cpu", "one confirmed order, with the database", round(api, 1), "ms CPU", round(bare, 1),
                 round(api / bare, 2), goal, api <= 3 * bare)  # fmt: skip


def _cpu(work: Callable[[], None]) -> float:
    """Milliseconds of processor that one takes, ours and the database's."""
    for _ in range(WARM):
        work()
    before = processor.spent()
    for _ in range(ROUNDS):
        work()
    return (processor.spent() - before) / ROUNDS * 1000


def _machine(shop: Shop, say: Say) -> tuple[float, float]:
    """Bare inserts a second on this machine, by one process and by four."""
    say("bare inserts by one process and by four")
    connections.close_all()  # nobody shares a connection
    context, found = get_context("fork"), []
    for number in (1, 4):
        told = context.SimpleQueue()
        crew = [context.Process(target=_insert, args=(shop, told)) for _ in range(number)]
        for one in crew:
            one.start()
        found.append(sum(told.get() for _ in crew))
        for one in crew:
            one.join()
    return found[0], found[1]


def _insert(shop: Shop, told: Any) -> None:
    """Tell how many this process makes in a second, beside others; 0 when it could not."""
    made, rate = 0, 0.0
    try:
        shop.bare()
        begin = time.monotonic()
        while time.monotonic() < begin + SECONDS / 2:
            shop.bare()
            made += 1
        rate = made / (time.monotonic() - begin)
    finally:
        told.put(rate)
        connections.close_all()


def _rates(shop: Shop, say: Say, bare: float, bare_by_four: float) -> Iterator[Figure]:
    """Both goals are told as they are, and in proportion to what this machine gives to the bare insert."""
    connections.close_all()
    with Stack(only=("web",)) as stack:
        found = {1: 0.0, 4: 0.0}
        for clients in (1, 4) * TURNS:
            say(f"{clients} at once for {SECONDS:g} s")
            found[clients] += _rate(shop, stack.url, clients) / TURNS
    one, four = found[1], found[4]
    odoo = ODOO * bare / THERE[0]
    yield Figure("P1", "orders confirmed, one client", round(one, 1), "orders/s", round(odoo, 1), round(one / odoo, 1),
                 f"≥ {TIMES} × Odoo ({ODOO:g}/s there is {odoo:.1f}/s here)", one >= TIMES * odoo)  # fmt: skip
    yield Figure("P1-absolute", "the same against 5 × 8.6/s, whatever machine", round(one, 1), "orders/s",
                 TIMES * ODOO, round(one / (TIMES * ODOO), 2))  # fmt: skip
    room = min(1.0, (bare_by_four / bare) / (THERE[1] / THERE[0]))
    yield Figure("P1-four", "orders confirmed, four clients", round(four, 1), "orders/s", round(one, 1),
                 round(four / one, 2), f"≥ {MORE} × one client, here {MORE * room:.2f}",
                 four >= MORE * room * one)  # fmt: skip


def _rate(shop: Shop, url: str, clients: int) -> float:
    headers = {"Authorization": f"Bearer {shop.token}", "Content-Type": "application/json"}
    body, counts, problems = shop.body(), [0] * clients, []
    barrier = threading.Barrier(clients)

    def call(number: int) -> None:
        with httpx.Client(headers=headers, timeout=30, trust_env=False) as http:
            http.post(url + PATH, content=body)
            barrier.wait()
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                answer = http.post(url + PATH, content=body)
                if answer.status_code != 201:
                    problems.append(answer.text)
                    return
                counts[number] += 1

    callers = [threading.Thread(target=call, args=(n,)) for n in range(clients)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    if problems:
        raise RuntimeError(problems[0][:2000])
    return sum(counts) / SECONDS


def _lists(shop: Shop, say: Say) -> Iterator[Figure]:
    model = Order.objects.filter(title="Ten lines").latest("pk")
    before, have = 0.0, 0
    for number in LONG:
        say(f"{number:,} orders")
        with connection.cursor() as cursor:
            cursor.execute(CLONE, [have + 1, number, model.pk])
            cursor.execute("VACUUM ANALYZE orders_order")
        have = number
        cache.clear()  # a total that is kept from the shorter list would leave the deepest page empty
        total = Order.objects.exclude(state="draft").count()
        first, deep = _pages(shop, "", f"&offset={total - 60}")
        yield Figure("P2-api", f"50 of {number:,} orders, first page", round(first, 1), "ms p50", None, None, "≤ 10",
                     first <= 10)  # fmt: skip
        yield Figure("P2-deep", f"50 of {number:,} orders, deepest page", round(deep, 1), "ms p50", round(first, 1),
                     round(deep / first, 2), "≤ 1.5 × the first", deep <= 1.5 * first)  # fmt: skip
        if before:
            yield Figure("P2-growth", "100,000 against 10,000", round(first, 1), "ms p50", round(before, 1),
                         round(first / before, 2), "≤ 1.2 times", first <= 1.2 * before)  # fmt: skip
        before = first


def _pages(shop: Shop, *places: str) -> list[float]:
    """Milliseconds at p50 of the pages at these places, asked for in turn so that all see the same machine, in the
    calmest of some spans, for others may use it too.

    The first rounds do not count: the database is still writing what came in just before.
    """
    times: dict[str, list[float]] = {place: [] for place in places}
    for _ in range(UNCOUNTED + SPANS * PAGES):
        for place, taken in times.items():
            began = time.perf_counter()
            answer = shop.http.get(f"{PATH}?limit=50&fields=externalId,state,orderDate,relatedParty{place}")
            taken.append((time.perf_counter() - began) * 1000)
            if answer.status_code not in (200, 206) or answer["X-Result-Count"] != "50":
                raise RuntimeError(answer.content.decode()[:500])
    spans = range(UNCOUNTED, UNCOUNTED + SPANS * PAGES, PAGES)
    return [min(statistics.median(taken[at : at + PAGES]) for at in spans) for taken in times.values()]
