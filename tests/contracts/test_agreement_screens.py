"""Screens of agreements: lists, the record, writing its parts, moving it, who gets in."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts import agreement as acts
from contracts.models import Agreement, Clause
from kernel.models import User
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def _as(client: Client, role: str) -> User:
    user: User = UserFactory(role=role)
    client.force_login(user)
    return user


def _part(made: Agreement, part: str) -> str:
    return reverse("contracts:agreement_part", args=[made.number, made.version, part])


def test_a_new_agreement_is_drafted_from_the_form(client: Client) -> None:
    _as(client, "sales_agent")
    account, _ = quotes.customer()
    page = client.get(reverse("contracts:agreement_new"), {"account": account.pk})
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    assert str(values["account"]) == str(account.pk)
    wrong = client.post(
        reverse("contracts:agreement_new"), {**values, "title": "Frame", "ends_on": values["starts_on"]}
    )
    assert wrong.status_code == 422
    assert "must come after" in wrong.content.decode()
    answer = client.post(reverse("contracts:agreement_new"), {**values, "title": "Frame"})
    made = Agreement.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, acts.url(made))
    assert client.get(acts.url(made)).status_code == 200


def test_parts_are_added_and_wrong_input_stands_at_its_field(client: Client) -> None:
    by = _as(client, "sales_agent")
    made = make.drafted(by=by)
    assert client.post(_part(made, "levels"), {"metric": "response_minutes", "value": "15"}).status_code == 302
    assert client.post(_part(made, "terms"), {"title": "Own", "text": "Own words"}).status_code == 302
    assert client.post(_part(made, "rounds"), {"side": "customer", "text": "Cheaper, please"}).status_code == 302
    assert (made.slas.count(), made.rounds.count(), made.terms.last().title) == (3, 1, "Own")
    for part, values, field, words in (
        ("levels", {"metric": "availability", "value": "120"}, "value", "between 90 and 100"),
        ("levels", {"metric": "availability", "value": "many"}, "value", "Enter a number"),
        ("discounts", {"charge": "recurring", "percent": "3"}, "offering", "already"),
        ("discounts", {"charge": "recurring", "percent": "101"}, "percent", "at most 100"),
        ("rounds", {"side": "us", "text": ""}, "text", "required"),
        ("clauses", {"clause": Clause.objects.get(key="law").pk}, "clause", "not one of the available"),
    ):
        answer = client.post(_part(made, part), values)
        form = answer.context["forms"][part]
        assert answer.status_code == 422
        assert words in " ".join(form.errors[field])
        assert words in answer.content.decode()
    assert client.post(_part(made, "nonsense"), {}).status_code == 404


def test_a_term_is_reworded_and_left_out(client: Client) -> None:
    by = _as(client, "sales_agent")
    made = make.drafted(by=by)
    term = made.terms.get(clause__key="law")
    client.post(_part(made, "terms"), {"term": term.pk, "title": "Law", "text": "Dutch law applies."})
    assert made.terms.get(pk=term.pk).text == "Dutch law applies."
    assert "reworded" in client.get(acts.url(made)).content.decode()
    client.post(_part(made, "terms"), {"remove": term.pk})
    assert not made.terms.filter(pk=term.pk).exists()
    other = make.drafted().terms.first()
    assert client.post(_part(made, "terms"), {"remove": other.pk}).status_code == 404


def test_two_editors(client: Client) -> None:
    by = _as(client, "sales_agent")
    made = make.drafted(by=by)
    url = reverse("contracts:agreement_edit", args=[made.number, 1])
    form = client.get(url).context["form"]
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    assert client.post(url, {**values, "title": "One"}).status_code == 302
    told = client.post(url, {**values, "title": "Two"})
    assert told.status_code == 409
    assert "stored “One”" in told.content.decode()
    assert 'value="Two"' in told.content.decode()
    again = {**values, "title": "Two", "edition": told.context["form"]["edition"].value()}
    assert client.post(url, again).status_code == 302
    assert Agreement.objects.get(pk=made.pk).title == "Two"


def test_moves_by_button_and_by_crafted_post(client: Client) -> None:
    by = _as(client, "sales_agent")
    made = make.drafted(by=by)
    move = reverse("move", args=["contracts.agreement", made.pk])
    assert client.post(move, {"move": "submit"}).status_code == 409
    for crafted in ("sign", "activate", "delete", "objects"):
        assert client.post(move, {"move": crafted}).status_code == 409
    assert client.post(move, {"move": "negotiate"}).status_code == 302
    assert client.post(move, {"move": "submit"}).status_code == 302
    assert client.post(move, {"move": "approve"}).status_code == 403
    assert client.post(_part(made, "levels"), {"metric": "repair_hours", "value": "2"}).status_code == 409
    _as(client, "sales_manager")
    assert client.post(move, {"move": "reject"}).status_code == 422
    assert client.post(move, {"move": "approve"}).status_code == 302
    assert Agreement.objects.get(pk=made.pk).state == "approved"


@pytest.mark.parametrize("role", ["fallout_agent", "technician", "customer"])
def test_without_the_right_there_is_a_reason(client: Client, role: str) -> None:
    made = make.drafted()
    _as(client, role)
    for url in (reverse("contracts:agreement_list"), acts.url(made), reverse("contracts:contract_list")):
        assert client.get(url).status_code == 403
    assert client.post(_part(made, "levels"), {"metric": "repair_hours", "value": "2"}).status_code == 403


def test_readers_cannot_write(client: Client) -> None:
    made = make.drafted()
    _as(client, "order_manager")
    page = client.get(acts.url(made))
    assert page.status_code == 200
    assert "Add discount" not in page.content.decode()
    assert client.post(_part(made, "levels"), {"metric": "repair_hours", "value": "2"}).status_code == 403
    assert client.get(reverse("contracts:agreement_new")).status_code == 403


def test_what_does_not_exist(client: Client) -> None:
    _as(client, "sales_agent")
    for url in ("/agreements/AGR9999999/", "/agreements/AGR9999999/v1/", "/contracts/CON9999999/"):
        assert client.get(url).status_code == 404


def test_the_list_finds_filters_and_exports(client: Client) -> None:
    by = _as(client, "sales_agent")
    first, second = make.drafted(by=by, title="Alpha frame"), make.in_review(by=by, title="Beta frame")
    url = reverse("contracts:agreement_list")
    assert first.title in client.get(url, {"q": "alpha"}).content.decode()
    found = client.get(url, {"state": "in_review"}).content.decode()
    assert second.title in found
    assert first.title not in found
    export: Any = client.get(url, {"export": "csv"})
    assert b"Alpha frame" in b"".join(export.streaming_content)
    assert client.get(f"/agreements/{first.number}/").headers["Location"] == acts.url(first)


def test_the_preview_is_a_pdf(client: Client) -> None:
    made = make.drafted()
    _as(client, "sales_agent")
    answer = client.get(reverse("contracts:agreement_pdf", args=[made.number, 1]))
    assert answer.content.startswith(b"%PDF-")


def test_pages_take_the_same_queries_with_more_terms(client: Client, django_assert_max_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    by = _as(client, "sales_agent")
    made = make.drafted(by=by)

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(acts.url(made)).status_code == 200
        return len(captured)

    asked()
    before = asked()
    from contracts import negotiation

    for n in range(12):
        negotiation.add_term(agreement_id=made.pk, title=f"Term {n}", text="Words", by=by)
    assert asked() == before
