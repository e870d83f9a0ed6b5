"""Contracting: a signature makes contracts, wins the deal and supersedes rivals; sites that go live start theirs."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from contracts import contracting, presenting, quoteversions, servicelevel, signature
from contracts.models import Contract, Entitlement, Quote, SignatureRequest
from contracts.periods import after
from contracts.presenting import NotPresentable
from contracts.servicelevel import Loosened
from crm.models import Opportunity
from kernel import lifecycle
from kernel.models import OutboxEvent
from kernel.refusal import NotPermitted
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


def test_presenting_moves_the_quote_and_needs_the_right() -> None:
    approved = make.approved_quote()
    contact = make.signatory(approved.account)
    with pytest.raises(NotPermitted):
        presenting.present(quote_id=approved.pk, contact_id=contact.pk, by=UserFactory(role="finance"))
    made = presenting.present(quote_id=approved.pk, contact_id=contact.pk, by=quotes.seller())
    assert Quote.objects.get(pk=approved.pk).state == "presented"
    assert made.document.kind == "quote_pdf"
    again = presenting.present(quote_id=approved.pk, contact_id=contact.pk, by=quotes.seller())
    assert again.document == made.document
    assert [r.state for r in signature.of(approved)] == ["open", "void"]
    assert OutboxEvent.objects.filter(kind="contracts.QuotePresented").count() == 1


def test_a_draft_is_not_presented() -> None:
    draft, _ = quotes.filled()
    with pytest.raises(lifecycle.IllegalMove):
        presenting.present(quote_id=draft.pk, contact_id=make.signatory(draft.account).pk, by=None)


def test_without_entitlement_or_contact_nothing_is_presented() -> None:
    approved = quotes.approved(sites=1)
    approved.account.children.get().contacts.all().delete()
    with pytest.raises(NotPresentable) as refused:
        presenting.present(quote_id=approved.pk, contact_id=make.signatory(approved.account).pk, by=None)
    told = " ".join(refused.value.problems[""])
    assert "entitlement" in told
    assert "no contact" in told
    assert Quote.objects.get(pk=approved.pk).state == "approved"


def test_signing_makes_the_contracts() -> None:
    agreed = make.in_force()
    quotes.point_of_presence()
    quote = make.accepted(make.approved_quote(agreed, sites=3))
    sales = Contract.objects.get(quote=quote, kind="sales")
    service = list(Contract.objects.filter(quote=quote, kind="service").order_by("number"))
    assert (quote.state, sales.state, sales.account) == ("accepted", "active", agreed.account)
    assert (len(service), {c.state for c in service}, {c.parent for c in service}) == (
        3,
        {"pending_signature"},
        {sales},
    )
    assert sales.monthly == quote.monthly == sum(c.monthly for c in service)
    assert sales.lines.count() == 3
    for contract in service:
        line = contract.lines.get()
        assert (line.site, line.monthly) == (contract.site, contract.monthly)
        assert {(s.metric, s.value) for s in contract.service_levels.all()} == {
            ("availability", Decimal("99.9")), ("repair_hours", Decimal(4)),
        }  # fmt: skip
        assert [e.starts_on for e in contract.entitlements.all()] == [None]
        assert contract.contact is not None
    assert OutboxEvent.objects.get(kind="contracts.QuoteAccepted").payload == {
        "quote_id": quote.pk, "contract_id": sales.pk,
    }  # fmt: skip


def test_signing_wins_the_opportunity_and_ends_rivals() -> None:
    account, (place, *_) = quotes.customer()
    wanted, by = quotes.opportunity(account), quotes.seller()
    from contracts import quoteapproval, quoting

    def one() -> Quote:
        made = quoting.create(opportunity_id=wanted.pk, by=by)
        quotes.line(made, place)
        return made

    make.entitle()
    first, second, draft = one(), one(), one()
    asked = [make.presented(quoteapproval.submit(quote_id=quote.pk, by=by)) for quote in (first, second)]
    make.sign(asked[1])
    assert [Quote.objects.get(pk=q.pk).state for q in (first, second, draft)] == ["superseded", "accepted", "cancelled"]
    assert Opportunity.objects.get(pk=wanted.pk).state == "won"
    with pytest.raises(signature.LinkClosed) as refused:
        make.sign(asked[0])
    assert refused.value.state == "void"


def test_a_newer_version_voids_the_older_link() -> None:
    first = make.presented()
    newer = quoteversions.new_version(quote_id=first.subject_id, by=quotes.seller(), wish="Faster")
    from contracts import quoteapproval

    second = make.presented(quoteapproval.submit(quote_id=newer.pk, by=quotes.seller()))
    assert Quote.objects.get(pk=first.subject_id).state == "superseded"
    with pytest.raises(signature.LinkClosed, match=r"newer|presented"):
        make.sign(first)
    make.sign(second)
    assert Contract.objects.filter(kind="sales").count() == 1


def test_everything_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make.presented()

    def broken(*args: object, **values: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(contracting.servicelevel, "inherit", broken)
    with pytest.raises(RuntimeError):
        make.sign(made)
    assert SignatureRequest.objects.get(pk=made.pk).state == "open"
    assert Quote.objects.get(pk=made.subject_id).state == "presented"
    assert not Contract.objects.exists()


def test_sites_that_go_live_start_their_contracts_once() -> None:
    quote = make.accepted(sites=2)
    first, second = Contract.objects.filter(quote=quote, kind="service").order_by("number")
    on = dt.date(2027, 1, 15)
    pairs = [(quote.pk, first.site_id)]
    assert contracting.start_service_contracts(pairs=pairs, on=on, by=None) == [first.pk]
    assert contracting.start_service_contracts(pairs=pairs, on=on, by=None) == []
    started = Contract.objects.get(pk=first.pk)
    assert (started.state, started.starts_on, started.ends_on) == ("active", on, after(on, quote.term_months))
    entitled = Entitlement.objects.get(contract=first)
    assert (entitled.starts_on, entitled.ends_on) == (on, started.ends_on)
    assert Contract.objects.get(pk=second.pk).state == "pending_signature"
    assert OutboxEvent.objects.filter(kind="contracts.ServiceContractStarted").count() == 1


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [((2027, 1, 15), 36, (2030, 1, 14)), ((2027, 1, 31), 1, (2027, 2, 27)), ((2028, 2, 29), 12, (2029, 2, 27))],
)
def test_terms_end_the_day_before(start: tuple[int, int, int], months: int, last: tuple[int, int, int]) -> None:
    assert after(dt.date(*start), months) == dt.date(*last)


def test_service_levels_are_tightened_never_loosened() -> None:
    contract, by = make.service_contract(), make.manager()
    for metric, value in (("availability", "99.95"), ("repair_hours", "2"), ("response_minutes", "30")):
        servicelevel.tighten(contract_id=contract.pk, metric=metric, value=Decimal(value), by=by)
    for metric, value in (("availability", "99.94"), ("availability", "99.95"), ("repair_hours", "3")):
        with pytest.raises(Loosened):
            servicelevel.tighten(contract_id=contract.pk, metric=metric, value=Decimal(value), by=by)
    with pytest.raises(NotPermitted):
        servicelevel.tighten(contract_id=contract.pk, metric="repair_hours", value=Decimal(1), by=quotes.seller())
    assert {str(level.value.normalize()) for level in contract.service_levels.all()} == {"99.95", "2", "3E+1"}


def test_queries_do_not_grow_with_sites() -> None:
    small, large = make.presented(sites=1), make.presented(sites=12)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        make.sign(small)
    with CaptureQueriesContext(connection) as many:
        make.sign(large)
    assert len(many) <= len(few) + 1
    assert timezone.localdate() == Contract.objects.filter(kind="sales").latest("id").starts_on
