"""The quote editor: what each role sees, what a click stores, what is refused and how it is said."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contracts import quoteapproval, quoteversions
from contracts.models import Quote, QuoteLine
from crm.accounts import add_contact
from kernel.models import User
from tests.factories import catalog
from tests.factories import contracts_quotes as make
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
HTMX = {"HX-Request": "true"}


def logged_in(role: str = "sales_agent", user: User | None = None) -> Client:
    client = Client()
    client.force_login(user or UserFactory(role=role))
    return client


def url(quote: Quote, name: str = "quote", *more: int) -> str:
    return reverse(f"contracts:{name}", args=[quote.number, quote.version, *more])


def text(response: Any) -> str:
    return str(response.content.decode())


def test_the_grid_shows_sites_products_and_reach() -> None:
    quote, lines = make.filled(sites=2)
    said = text(logged_in().get(url(quote)))
    assert "Netherlands" in said
    assert said.count("On-net") == 2
    assert f"?line={lines[0].pk}" in said
    assert "937.50" in said
    assert "Nothing is missing" in said


def test_cost_and_margin_are_for_those_who_may_see_them() -> None:
    quote, lines = make.filled(discount=17)
    margin = f"{quoteapproval.figures(quote).margin:.1f}"
    for address in (url(quote), f"{url(quote)}?line={lines[0].pk}"):
        agent = text(logged_in().get(address))
        assert "Hidden for your role" in agent
        assert margin not in agent
        assert "430.00" not in agent
    assert margin in text(logged_in("sales_manager").get(url(quote)))


def test_a_reason_that_tells_the_margin_is_hidden() -> None:
    from kernel.models import DecisionTable

    rows = [{"margin": "< 90", "role": "'finance'", "because": "'Margin is under 90 %'"}]
    DecisionTable.objects.filter(key="quote_approval").update(rows=rows)
    by = make.seller()
    quote, _ = make.filled(by=by)
    assert "Margin is under" not in text(logged_in(user=by).get(url(quote)))
    quoteapproval.submit(quote_id=quote.pk, by=by)
    assert "Margin is under" not in text(logged_in(user=by).get(url(quote)))
    assert "Margin is under" in text(logged_in("finance").get(url(quote)))


def test_who_may_not_is_told_why() -> None:
    quote, lines = make.filled()
    assert logged_in("technician").get(url(quote)).status_code == 403
    reader = logged_in("order_agent")
    assert reader.get(url(quote)).status_code == 200
    for name in ("quote_submit", "quote_check", "quote_remove", "quote_discount"):
        refused = reader.post(url(quote, name))
        assert refused.status_code == 403
        assert "write quotes" in text(refused)
    assert reader.post(url(quote, "quote_configure", lines[0].pk)).status_code == 403


def test_a_customer_does_not_get_in() -> None:
    quote, _ = make.filled()
    contact = add_contact(
        account_id=quote.account_id, first_name="Julia", last_name="Brandt", email="jb@customer.example",
        portal_access=True, by=None,
    )  # fmt: skip
    assert logged_in(user=contact.user).get(url(quote)).status_code == 403


def test_what_does_not_exist_is_not_found() -> None:
    quote, _ = make.filled()
    other, lines = make.filled()
    client = logged_in()
    assert client.get(reverse("contracts:quote", args=[quote.number, 9])).status_code == 404
    assert client.get(url(quote, "quote_line", lines[0].pk), headers=HTMX).status_code == 404
    assert client.post(url(quote, "quote_configure", lines[0].pk), {"c-bandwidth": "10G"}).status_code == 404
    assert QuoteLine.objects.get(pk=lines[0].pk).characteristics["bandwidth"] == "1G"
    assert other.pk


def test_a_choice_is_stored_and_answers_with_the_new_price() -> None:
    quote, lines = make.filled()
    data = {"c-bandwidth": "500M", "c-routing": "static", "c-diversity": "false", "edition": "1"}
    answer = logged_in().post(url(quote, "quote_configure", lines[0].pk), data, headers=HTMX)
    assert answer.status_code == 200
    said = text(answer)
    assert "637.50" in said
    assert 'id="edition" value="2"' in said
    assert f'<tr id="s{lines[0].site_id}"' in said
    assert 'id="totals" hx-swap-oob="true"' in said
    assert 'id="fields"' not in said  # nothing that is being typed in is replaced


def test_a_choice_that_asks_more_brings_the_new_field() -> None:
    quote, lines = make.filled()
    data = {"c-bandwidth": "1G", "c-routing": "BGP", "c-diversity": "false", "edition": "1"}
    said = text(logged_in().post(url(quote, "quote_configure", lines[0].pk), data, headers=HTMX))
    assert 'id="fields" hx-swap-oob="true"' in said
    assert 'name="c-customer_asn"' in said
    assert "Enter the AS number." in said
    assert "1 cell to fix" in said


def test_two_editors_are_told_of_each_other() -> None:
    quote, lines = make.filled()
    first, second = logged_in(), logged_in()
    where = url(quote, "quote_configure", lines[0].pk)
    assert first.post(where, {"c-bandwidth": "500M", "edition": "1"}, headers=HTMX).status_code == 200
    told = second.post(where, {"c-bandwidth": "10G", "edition": "1"}, headers=HTMX)
    assert told.status_code == 409
    assert "It says 500M now, and " in text(told)
    assert QuoteLine.objects.get(pk=lines[0].pk).characteristics["bandwidth"] == "500M"


def test_submitting_tells_everything_at_once() -> None:
    quote, lines = make.filled()
    QuoteLine.objects.filter(pk=lines[0].pk).update(feasibility=None, problems={"bandwidth": ["Choose the bandwidth."]})
    answer = logged_in().post(url(quote, "quote_submit"), headers=HTMX)
    assert answer.status_code == 422
    said = text(answer)
    assert "2 things are missing" in said
    assert "Choose the bandwidth." in said
    assert "has not been checked yet" in said
    page = logged_in().post(url(quote, "quote_submit"))
    assert page.status_code == 422
    assert "2 things are missing" in text(page)


def test_submitted_quotes_are_read_only_and_crafted_posts_are_conflicts() -> None:
    by = make.seller()
    quote, lines = make.filled(by=by)
    client = logged_in(user=by)
    assert client.post(url(quote, "quote_submit")).status_code == 302
    said = text(client.get(f"{url(quote)}?line={lines[0].pk}"))
    assert "Submitted; a change makes a new version" in said
    assert "Copy to sites" not in said
    assert client.post(url(quote, "quote_submit")).status_code == 409
    assert client.post(url(quote, "quote_discount"), {"percent": "5"}).status_code == 409
    assert client.post(url(quote, "quote_configure", lines[0].pk), {"c-bandwidth": "10G"}).status_code == 409
    assert client.post(url(quote, "quote_remove"), {"line": lines[0].pk}).status_code == 409
    move = reverse("move", args=["contracts.quote", quote.pk])
    assert client.post(move, {"move": "approve"}).status_code == 409
    assert client.post(move, {"move": "accept"}).status_code == 409
    assert client.post(move, {"move": "recall"}).status_code == 409


def test_the_approver_decides_on_the_page() -> None:
    by, manager = make.seller(), UserFactory(role="sales_manager")
    quote, _ = make.filled(by=by, discount=17)
    assert "Tell the approver why" in text(logged_in(user=by).get(url(quote)))
    quoteapproval.submit(quote_id=quote.pk, by=by)
    (step,) = quoteapproval.steps_of(quote)
    client = logged_in(user=manager)
    assert f"/approvals/{step.pk}/" in text(client.get(url(quote)))
    assert f"/approvals/{step.pk}/" not in text(logged_in(user=by).get(url(quote)))
    assert client.post(reverse("approval_decide", args=[step.pk]), {"decision": "approve"}).status_code == 302
    assert Quote.objects.get(pk=quote.pk).state == "approved"


def test_a_product_is_added_from_an_empty_cell() -> None:
    quote, lines = make.filled()
    make.line(quote, make.site(quote.account), "sip")
    client, sip = logged_in(), catalog.offering("sip")
    cell = client.get(f"{url(quote, 'quote_add')}?offering={sip.pk}&site={lines[0].site_id}", headers=HTMX)
    assert "Add at" in text(cell)
    swiss = make.site(quote.account, country="CH")
    closed = text(client.get(f"{url(quote, 'quote_add')}?offering={sip.pk}&site={swiss.pk}", headers=HTMX))
    assert "Voice is not sold in Switzerland." in closed
    assert "Add at" not in closed
    made = client.post(url(quote, "quote_add"), {"offering": sip.pk, "sites": [lines[0].site_id]})
    assert made.status_code == 302
    assert QuoteLine.objects.filter(quote=quote, site=lines[0].site_id, offering=sip).exists()


def test_adding_begins_with_what_the_opportunity_speaks_of_at_the_only_site() -> None:
    account, (place, other) = make.customer()
    other.delete()
    quote = make.quote(account)
    quote.opportunity = make.opportunity(account)
    quote.opportunity.lines.create(offering=catalog.offering("sip"))
    quote.save()
    start = logged_in().get(url(quote, "quote_add"), headers=HTMX).context["form"].initial
    assert start == {"offering": catalog.offering("sip").pk, "sites": [place.pk]}


def test_wrong_input_of_dialogs_stays_with_its_reason() -> None:
    quote, _ = make.filled()
    client = logged_in()
    assert "Choose at least one site" in text(
        client.post(url(quote, "quote_add"), {"offering": catalog.offering("sip").pk})
    )
    for percent in ("101", "-1", "abc", "NaN", ""):
        assert client.post(url(quote, "quote_discount"), {"percent": percent}).status_code == 422
    terms = {"title": "T", "term_months": "0", "valid_until": "2020-01-01"}
    assert client.post(url(quote, "quote_terms"), terms).status_code == 422
    empty = client.post(url(quote, "quote_import"), {})
    assert (empty.status_code, "Choose a file first" in text(empty)) == (422, True)
    garbage = SimpleUploadedFile("sites.csv", b"\xff\xfe\x00\x00")
    assert client.post(url(quote, "quote_import"), {"file": garbage}).status_code == 422


def test_a_site_file_shows_the_row_that_was_left_out() -> None:
    account, _ = make.customer(1)
    quote = make.quote(account)
    rows = (
        "code,name,street,postcode,city,country,latitude,longitude,bandwidth\n"
        "NL-01,Waalhaven,Waalhaven 19,3089 JH,Rotterdam,NL,51.90,4.43,1G\n"
        "NL-02,Bad,Waalhaven 20,3089 JH,Rotterdam,NL,91.90,4.43,1G\n"
    )
    client = logged_in()
    answer = client.post(url(quote, "quote_import"), {"file": SimpleUploadedFile("s.csv", rows.encode())})
    page = answer.headers["Location"]
    said = text(client.get(page))
    assert "Import 1 row" in said
    assert "is a number between" in said
    targets = ("code", "name", "street", "postcode", "city", "country", "latitude", "longitude", "dia.bandwidth")
    columns = {f"to-{place}": target for place, target in enumerate(targets)}
    twice = text(client.get(page)) if client.post(page, columns | {"to-1": "code"}).status_code == 302 else ""
    assert "Two columns go to the same place: code." in twice
    client.post(page, columns | {"act": "import"})
    done = text(client.get(page))
    assert "Rows to mend" in done
    assert "91.90" in text(client.get(f"{page}refused.csv"))
    assert QuoteLine.objects.get(quote=quote).characteristics["bandwidth"] == "1G"
    assert client.post(page, columns | {"act": "import"}).status_code == 409
    other = make.quote(account)
    assert client.get(page.replace(quote.number, other.number)).status_code == 404


def test_copy_shows_what_changes_and_copies() -> None:
    quote, lines = make.filled(sites=3)
    client = logged_in()
    client.post(url(quote, "quote_configure", lines[0].pk), {"c-bandwidth": "10G", "edition": "1"}, headers=HTMX)
    dialog = text(client.get(url(quote, "quote_copy", lines[0].pk)))
    assert "2,212.50" in dialog
    done = client.post(url(quote, "quote_copy", lines[0].pk), {"site": [lines[1].site_id]})
    assert done.status_code == 302
    assert QuoteLine.objects.get(pk=lines[1].pk).characteristics["bandwidth"] == "10G"
    assert client.post(url(quote, "quote_copy", lines[0].pk), {}).status_code == 422


def test_versions_are_made_and_compared() -> None:
    quote = make.approved()
    client = logged_in()
    assert client.post(url(quote, "quote_version"), {"wish": "Less"}).status_code == 302
    second = Quote.objects.get(number=quote.number, version=2)
    line = second.lines.first()
    assert line is not None
    client.post(url(second, "quote_configure", line.pk), {"c-bandwidth": "500M", "edition": "1"}, headers=HTMX)
    said = text(client.get(url(second, "quote_compare", 1)))
    assert "Version 1 against version 2" in said
    assert "−300.00" in said
    assert client.post(url(quote, "quote_version"), {}).status_code == 409
    assert "version 2" in text(client.get(url(quote)))
    assert client.get(reverse("contracts:quote_latest", args=[quote.number])).headers["Location"] == url(second)


def test_opening_one_from_an_opportunity() -> None:
    account, _ = make.customer()
    wanted = make.opportunity(account)
    client = logged_in()
    data = {"opportunity": wanted.pk, "term_months": "36"}
    made = client.post(reverse("contracts:quote_new"), data)
    assert made.status_code == 302
    assert Quote.objects.get().opportunity == wanted
    refused = client.post(reverse("contracts:quote_new"), {"term_months": "36"})
    assert (refused.status_code, "Choose a customer" in text(refused)) == (422, True)
    assert wanted.name in text(client.get(reverse("contracts:of_opportunity", args=[wanted.pk])))


def test_the_agreement_in_force_applies_by_itself() -> None:
    account, _ = make.customer()
    frame, client, add = make.agreement(account), logged_in(), reverse("contracts:quote_new")
    assert client.post(add, {"account": account.pk, "term_months": "36"}).status_code == 302
    assert Quote.objects.get().agreement == frame
    client.post(add, {"account": account.pk, "term_months": "36", "list_prices": "on"})
    assert Quote.objects.order_by("pk").last().agreement is None  # type: ignore[union-attr]
    make.agreement(account, number="AGR0000428")
    refused = client.post(add, {"account": account.pk, "term_months": "36"})
    assert (refused.status_code, "Several are in force: Frame" in text(refused)) == (422, True)


def test_the_list_finds_and_filters() -> None:
    quote, _ = make.filled()
    make.approved()
    client = logged_in()
    said = text(client.get(reverse("contracts:quote_list"), {"q": quote.number}))
    assert quote.number in said
    assert Quote.objects.exclude(pk=quote.pk).get().number not in said
    assert quote.number not in text(client.get(reverse("contracts:quote_list"), {"state": "approved"}))


@pytest.mark.slow
def test_the_page_asks_as_often_for_many_lines_as_for_few(django_assert_max_num_queries: Any) -> None:
    client = logged_in()
    for sites in (2, 40):
        quote, _ = make.filled(sites=sites, discount=17)
        with django_assert_max_num_queries(42):
            assert client.get(url(quote)).status_code == 200


def test_a_crafted_number_of_a_line_is_no_error() -> None:
    quote, _ = make.filled()
    client = logged_in()
    for value in ("x", "99999999999999999999", "-1", "0"):
        assert client.get(url(quote), {"line": value}).status_code == 200
    assert client.get(url(quote, "quote_add"), {"offering": "9" * 30, "site": "1"}, headers=HTMX).status_code == 404


def test_a_newer_version_voids_nothing_that_was_accepted() -> None:
    quote = make.approved()
    assert quoteversions.supersede_older(quote_id=quote.pk, by=None) == []
    assert quote.monthly == Decimal("1875.00")


def test_the_panel_knows_what_stands_beside_its_line() -> None:
    quote, lines = make.filled()
    assert lines[0].site is not None
    beside = make.line(quote, lines[0].site, "sdwan", size="S")
    client = logged_in()
    assert "needs Dedicated internet" not in text(client.get(url(quote, "quote_line", beside.pk), headers=HTMX))
    client.post(url(quote, "quote_remove"), {"line": lines[0].pk})
    assert "needs Dedicated internet" in text(client.get(url(quote, "quote_line", beside.pk), headers=HTMX))
