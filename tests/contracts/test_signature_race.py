"""Two people at once, signing or accepting a proposal: one act is done, the other person is told."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from contracts import proposals, quoteapproval, quoting, signature
from contracts.models import Contract, Quote, SignatureRequest
from crm.models import Opportunity
from kernel import roles
from kernel.refusal import Conflict
from tests.factories import catalog
from tests.factories import contracts as make
from tests.factories import contracts_quotes as quotes

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("blank_pages"),
    pytest.mark.slow,
]


@pytest.fixture(autouse=True)
def published(transactional_db: None) -> None:
    """The catalogue, committed, so that other connections see it."""
    roles.synchronise()
    catalog.publish()


def _at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts in threads of their own that start together; their results or refusals."""
    start, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(at: int) -> None:
        try:
            start.wait(10)
            results[at] = acts[at]()
        except Conflict as refusal:
            results[at] = refusal
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return results


def test_a_double_click_signs_once() -> None:
    made = make.presented(sites=2)
    results = _at_once(*[lambda: make.sign(made)] * 4)
    assert sum(isinstance(result, SignatureRequest) for result in results) == 1
    assert sum(isinstance(result, signature.LinkClosed) for result in results) == 3
    assert Quote.objects.get(pk=made.subject_id).state == "accepted"
    assert Contract.objects.filter(kind="sales").count() == 1
    assert Contract.objects.filter(kind="service").count() == 2


def test_of_two_alternatives_one_is_accepted() -> None:
    account, (place, *_) = quotes.customer()
    wanted, by = quotes.opportunity(account), quotes.seller()
    make.entitle()
    asked = []
    for _ in range(2):
        made = quoting.create(opportunity_id=wanted.pk, by=by)
        quotes.line(made, place)
        asked.append(make.presented(quoteapproval.submit(quote_id=made.pk, by=by)))
    results = _at_once(lambda: make.sign(asked[0]), lambda: make.sign(asked[1]))
    assert sorted(Quote.objects.values_list("state", flat=True)) == ["accepted", "superseded"]
    assert sum(isinstance(result, SignatureRequest) for result in results) == 1
    assert Contract.objects.filter(kind="sales").count() == 1
    assert Opportunity.objects.get(pk=wanted.pk).state == "won"


def test_the_database_itself_refuses_a_second_signature() -> None:
    made = make.sign(make.sent())
    with connection.cursor() as cursor, pytest.raises(Exception, match="signed_once"):
        cursor.execute(
            "INSERT INTO contracts_signaturerequest SELECT (jsonb_populate_record(r, jsonb_build_object("
            "'id', r.id + 1000, 'token_hash', 'x'))).* FROM contracts_signaturerequest r WHERE id = %s",
            [made.pk],
        )


def test_of_two_who_accept_a_proposal_one_is_told() -> None:
    made = make.drafted()
    asked = proposals.propose(
        agreement_id=made.pk, side="customer", part="discount", key="offering:dia", wanted="20", by=None
    )
    results = _at_once(*[lambda: proposals.accept(proposal_id=asked.pk, by=None)] * 2)
    assert sorted(isinstance(result, Conflict) for result in results) == [False, True]
    assert made.discounts.get(offering__key="dia").percent == 20
