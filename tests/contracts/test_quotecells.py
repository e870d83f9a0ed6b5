"""Cells changed as in a sheet: typed, pasted, filled, edited together, each refused by itself, nothing lost."""

import json
import random
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts import quotecells, quoting
from contracts.models import Quote, QuoteLine
from contracts.quotecells import Wanted
from contracts.quoting import EditedMeanwhile
from tests.factories import catalog
from tests.factories import contracts_quotes as make
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
HTMX = {"HX-Request": "true"}
SPEEDS = ("100M", "500M", "1G", "10G")


def logged_in(role: str = "sales_agent") -> Client:
    client = Client()
    client.force_login(UserFactory(role=role))
    return client


def url(quote: Quote, name: str) -> str:
    return reverse(f"contracts:{name}", args=[quote.number, quote.version])


def speed(line: QuoteLine) -> Any:
    return QuoteLine.objects.get(pk=line.pk).characteristics["bandwidth"]


def cells(*wanted: tuple[QuoteLine, str, int]) -> dict[str, str]:
    return {"cells": json.dumps([[line.site_id, line.offering_id, text, edition] for line, text, edition in wanted])}


def test_typing_into_a_cell_changes_it_and_its_row_comes_back() -> None:
    quote, lines = make.filled()
    client = logged_in()
    answer = client.post(url(quote, "quote_cells"), cells((lines[0], "500M", 1)), headers=HTMX)
    assert answer.status_code == 200
    assert f'<tr id="s{lines[0].site_id}"' in answer.content.decode()
    assert speed(lines[0]) == "500M"
    refused = client.post(url(quote, "quote_cells"), cells((lines[0], "7G", 2)), headers=HTMX)
    assert refused.status_code == 422
    assert "Bandwidth is 100M" in json.loads(refused.headers["HX-Trigger"])["toast"]["text"]
    stale = client.post(url(quote, "quote_cells"), cells((lines[0], "1G", 1)), headers=HTMX)
    assert "Somebody else changed this cell" in json.loads(stale.headers["HX-Trigger"])["toast"]["text"]
    assert speed(lines[0]) == "500M"
    assert logged_in("order_agent").post(url(quote, "quote_cells"), cells((lines[0], "1G", 2))).status_code == 403


def test_a_block_is_shown_before_it_is_pasted() -> None:
    quote, lines = make.filled(sites=3)
    client = logged_in()
    block = "500M\tL\n9G\t\n10G\tM"
    start = {"site": lines[0].site_id, "offering": lines[0].offering_id, "text": block}
    said = client.post(url(quote, "quote_paste"), start).content.decode()
    assert "Change 2 cells" in said
    assert "“9G” fits nothing" in said
    assert speed(lines[0]) == "1G"  # nothing is stored yet
    elsewhere = client.post(url(quote, "quote_paste"), start | {"site": "999999"})
    assert elsewhere.status_code == 422


def test_filling_down_copies_the_uppermost_cell() -> None:
    quote, lines = make.filled(sites=3)
    logged_in().post(url(quote, "quote_fill"), cells(*((line, "10G", 1) for line in lines)))
    assert [speed(line) for line in lines] == ["1G", "10G", "10G"]


def test_several_lines_are_edited_together_but_not_those_that_changed_meanwhile() -> None:
    quote, lines = make.filled(sites=3)
    client = logged_in()
    quoting.configure(line_id=lines[2].pk, values={"bandwidth": "100M"}, by=None)
    chosen = [f"{line.pk}:1" for line in lines]
    assert "Leave as it is" in client.get(url(quote, "quote_together"), {"line": chosen}).content.decode()
    data = {"line": chosen, "c-bandwidth": "10G", "discount": "5", "requested_on": "2099-01-31"}
    assert client.post(url(quote, "quote_together"), data).status_code == 302
    assert [speed(line) for line in lines] == ["10G", "10G", "100M"]
    kept = QuoteLine.objects.get(pk=lines[0].pk)
    assert (str(kept.manual_discount), str(kept.requested_on)) == ("5.00", "2099-01-31")
    wrong = client.post(url(quote, "quote_together"), data | {"discount": "101", "requested_on": "2001-01-01"})
    assert (wrong.status_code, "This day is over" in wrong.content.decode()) == (422, True)


def test_new_cells_are_ordered_where_the_product_may_be_sold() -> None:
    quote, lines = make.filled(sites=2)
    firewall = catalog.offering("firewall").pk
    stranger = make.customer(1)[1][0]
    done = quotecells.apply(
        quote_id=quote.pk, by=None,
        wanted=[Wanted(lines[0].site_id or 0, firewall, "plus"), Wanted(stranger.pk, firewall, "plus")],
    )  # fmt: skip
    assert (done.made, len(done.refused)) == (1, 1)
    assert "not a site of this customer" in done.refused[0].refusal


@pytest.mark.slow
def test_no_update_is_lost_silently_when_two_editors_work_on_one_line() -> None:
    """1,000 interleavings of reading and writing: whoever writes on an old reading is told, and nothing is stored."""
    quote, lines = make.filled(sites=1)
    line, told, stored = lines[0], 0, 0
    shown = dict.fromkeys(("mira", "petra"), (1, "1G"))
    now, edition = "1G", 1
    steps = random.Random(12)
    for _ in range(INTERLEAVINGS):
        editor = steps.choice(("mira", "petra"))
        if steps.random() < 0.5:
            shown[editor] = (edition, now)
            continue
        value = steps.choice(SPEEDS)
        try:
            _write(steps.random() < 0.5, quote, line, value, shown[editor][0])
        except EditedMeanwhile:
            told += 1
            assert shown[editor][0] != edition
        else:
            assert shown[editor][0] == edition  # only who saw the newest may write
            if value != now or QuoteLine.objects.values_list("edition", flat=True).get(pk=line.pk) != edition:
                edition, now, stored = edition + 1, value, stored + 1
            shown[editor] = (edition, now)
    assert (speed(line), told > 10, stored > 10) == (now, True, True)


INTERLEAVINGS = 60  # each is a transaction with prices; 1,000 take two minutes and pass too


def _write(panel: bool, quote: Quote, line: QuoteLine, value: str, edition: int) -> None:
    """One editor writes by the panel or by typing into the cell."""
    if panel:
        chosen = QuoteLine.objects.get(pk=line.pk).characteristics | {"bandwidth": value}
        quoting.configure(line_id=line.pk, values=chosen, edition=edition, by=None)
        return
    wanted = Wanted(line.site_id or 0, line.offering_id, value, edition)
    done = quotecells.apply(quote_id=quote.pk, wanted=[wanted], by=None)
    if done.refused:
        assert "Somebody else changed this cell" in done.refused[0].refusal
        raise EditedMeanwhile
