"""Negotiation: an agreement is drafted from the clause library and changed, round by round, until both sides agree."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from catalog.models import Charge, Offering, PriceList, SlaMetric
from contracts import clauses, differences
from contracts.models import (
    Agreement,
    AgreementDiscount,
    AgreementSla,
    AgreementTerm,
    Clause,
    NegotiationRound,
    PartnerTerm,
)
from crm.models import Account, Opportunity
from kernel import audit, editing, numbering
from kernel.models import User
from kernel.money import plain
from kernel.refusal import Conflict, NotPermitted, Refusal

OPEN = (Agreement.State.DRAFT, Agreement.State.NEGOTIATION)
RIGHT = "contracts.negotiate_agreement"
SLA_RANGES: dict[str, tuple[Decimal, Decimal]] = {
    SlaMetric.AVAILABILITY: (Decimal(90), Decimal(100)),
    SlaMetric.REPAIR_HOURS: (Decimal("0.5"), Decimal(168)),
    SlaMetric.RESPONSE_MINUTES: (Decimal(1), Decimal(1440)),
    SlaMetric.DELIVERY_DAYS: (Decimal(1), Decimal(365)),
}
FIELDS = ("title", "price_list", "starts_on", "ends_on", "term_months", "notes")


class Unfit(Refusal):
    """What was entered does not make an agreement; problems stand at their fields."""


class Closed(Conflict):
    """The agreement is no longer negotiated."""


@transaction.atomic
def draft(
    *,
    account_id: int,
    title: str,
    price_list_id: int,
    starts_on: dt.date,
    ends_on: dt.date,
    by: User | None,
    term_months: int = 36,
    opportunity_id: int | None = None,
    notes: str = "",
) -> Agreement:
    """Draft an agreement with a legal entity: the standard clauses, no discounts, no service levels yet.

    Raises:
        Unfit: the account is not at legal level, the period is wrong, or the opportunity is another customer's.
        NotPermitted: the person may not negotiate.
    """
    _may(by)
    account = Account.objects.get(pk=account_id)
    price_list = PriceList.objects.get(pk=price_list_id)
    problems = _problems(title, starts_on, ends_on, term_months)
    if account.parent_id or account.kind == Account.Kind.CHILD:
        legal = Account.objects.get(pk=account.root_id) if account.root_id else account
        problems["account"] = [f"An agreement is made with a legal entity; that of {account.name} is {legal.name}."]
    problems |= _price_list_problems(price_list, account, starts_on)
    if opportunity_id and not Opportunity.objects.filter(pk=opportunity_id, account__root_id=account.root_id).exists():
        problems["opportunity"] = ["The opportunity belongs to another customer."]
    if problems:
        raise Unfit(problems=problems)
    agreement = Agreement.objects.create(
        number=numbering.take("AGR"), account=account, opportunity_id=opportunity_id, title=title.strip(),
        price_list=price_list, currency=price_list.currency, starts_on=starts_on, ends_on=ends_on,
        term_months=term_months, notes=notes, owner=by,
    )  # fmt: skip
    AgreementTerm.objects.bulk_create(clauses.as_terms(agreement, clauses.standard()))
    audit.record("drafted", agreement, by=by, changes={"title": [None, agreement.title]})
    return agreement


@transaction.atomic
def change(*, agreement_id: int, edition: int, by: User | None, **fields: Any) -> Agreement:
    """Change the head of an agreement: title, price list, period, minimum term, internal notes.

    Raises:
        Changed (kernel.editing): somebody else saved it since it was shown at `edition`.
        Unfit: with every problem at its field.
    """
    if unknown := set(fields) - set(FIELDS):
        raise ValueError(f"not editable: {unknown}")
    agreement = open_one(agreement_id, by)
    wanted = {name: fields.get(name, getattr(agreement, name)) for name in FIELDS}
    problems = _problems(wanted["title"], wanted["starts_on"], wanted["ends_on"], wanted["term_months"])
    problems |= _price_list_problems(wanted["price_list"], agreement.account, wanted["starts_on"])
    if problems:
        raise Unfit(problems=problems)
    values = {**fields, "currency": wanted["price_list"].currency}
    return editing.edit(Agreement, agreement_id, edition=edition, values=values, by=by)


@transaction.atomic
def add_clause(*, agreement_id: int, clause_id: int, by: User | None) -> AgreementTerm:
    """Add a clause of the library as a term. Raises Unfit when it is there already or retired."""
    agreement = open_one(agreement_id, by)
    clause = Clause.objects.get(pk=clause_id)
    if clause.state != Clause.State.APPROVED:
        word = "is not approved yet" if clause.state == Clause.State.DRAFT else "has a newer version; take that one"
        raise Unfit(problems={"clause": [f"“{clause.title}” {word}."]})
    if agreement.terms.filter(clause__key=clause.key).exists():
        raise Unfit(problems={"clause": [f"“{clause.title}” is part of this agreement already."]})
    term = clauses.as_terms(agreement, [clause], _next_position(agreement))[0]
    term.save()
    _touch(agreement, "term added", {"terms": [None, term.title]}, by=by)
    return term


@transaction.atomic
def add_term(*, agreement_id: int, title: str, text: str, by: User | None) -> AgreementTerm:
    """Add a term in own words."""
    agreement = open_one(agreement_id, by)
    _require_words(title, text)
    term = AgreementTerm.objects.create(
        agreement=agreement, position=_next_position(agreement), title=title.strip(), text=text.strip()
    )
    _touch(agreement, "term added", {"terms": [None, term.title]}, by=by)
    return term


@transaction.atomic
def reword_term(*, agreement_id: int, term_id: int, title: str, text: str, by: User | None) -> AgreementTerm:
    """Change the words of a term; the library keeps its own."""
    agreement = open_one(agreement_id, by)
    _require_words(title, text)
    term: AgreementTerm = agreement.terms.get(pk=term_id)
    changes = audit.difference({"title": term.title, "text": term.text}, {"title": title.strip(), "text": text.strip()})
    term.title, term.text = title.strip(), text.strip()
    term.save()
    if changes:
        _touch(agreement, f"term “{term.title}” changed", changes, by=by)
    return term


@transaction.atomic
def remove_term(*, agreement_id: int, term_id: int, by: User | None) -> None:
    """Leave a term out."""
    agreement = open_one(agreement_id, by)
    term = agreement.terms.get(pk=term_id)
    term.delete()
    _touch(agreement, "term removed", {"terms": [term.title, None]}, by=by)


@transaction.atomic
def add_discount(
    *, agreement_id: int, percent: Decimal, by: User | None, offering_id: int | None = None, charge: str = "recurring",
    category_id: int | None = None, valid_from: dt.date | None = None, valid_until: dt.date | None = None,
    commitment: Decimal | None = None,
) -> AgreementDiscount:  # fmt: skip
    """Agree a discount on list prices of one offering, of a category, or of all, for a period and a commitment.

    Raises Unfit for a range, a period or a second one of the same.
    """
    agreement = open_one(agreement_id, by)
    discount = AgreementDiscount(
        agreement=agreement, offering_id=offering_id, category_id=category_id, charge=charge, percent=percent,
        valid_from=valid_from, valid_until=valid_until, commitment=commitment,
    )  # fmt: skip
    if problems := _discount_problems(discount):
        raise Unfit(problems=problems)
    try:
        with transaction.atomic():
            discount.save()
    except IntegrityError:
        what = discount.offering or discount.category or "everything"
        label = Charge(charge).label.lower()
        raise Unfit(problems={"offering": [f"There is a discount on {label} charges of {what} already."]}) from None
    _touch(agreement, "discount added", {"discounts": [None, str(discount)]}, by=by)
    return discount


@transaction.atomic
def change_discount(*, agreement_id: int, discount_id: int, percent: Decimal, by: User | None) -> AgreementDiscount:
    """Agree another percentage. Raises Unfit."""
    agreement = open_one(agreement_id, by)
    discount: AgreementDiscount = agreement.discounts.select_related("offering", "category").get(pk=discount_id)
    told = str(discount)
    discount.percent = percent
    if problems := _discount_problems(discount):
        raise Unfit(problems=problems)
    discount.save(update_fields=["percent"])
    _touch(agreement, "discount changed", {"discounts": [told, str(discount)]}, by=by)
    return discount


@transaction.atomic
def set_partner_term(
    *, agreement_id: int, partner_id: int, text: str, by: User | None, offering_id: int | None = None
) -> PartnerTerm:
    """Say what holds where a partner delivers; a second call for the same partner and service changes it.

    Raises Unfit for an account that is no partner, or without words.
    """
    agreement = open_one(agreement_id, by)
    partner = Account.objects.get(pk=partner_id)
    problems: dict[str, list[str]] = {}
    if partner.kind != Account.Kind.PARTNER:
        problems["partner"] = [f"{partner.name} is a customer; choose a partner that delivers for us."]
    if not text.strip():
        problems["text"] = ["Write what holds where this partner delivers."]
    if problems:
        raise Unfit(problems=problems)
    offering = Offering.objects.get(pk=offering_id) if offering_id else None
    made, _ = PartnerTerm.objects.update_or_create(
        agreement=agreement, partner=partner, offering=offering, defaults={"text": text.strip()}
    )
    _touch(agreement, "partner terms set", {"partner terms": [None, f"{made}: {made.text[:80]}"]}, by=by)
    return made


@transaction.atomic
def remove_partner_term(*, agreement_id: int, term_id: int, by: User | None) -> None:
    """Say nothing about that partner."""
    agreement = open_one(agreement_id, by)
    term = agreement.partner_terms.select_related("partner", "offering").get(pk=term_id)
    told = str(term)
    term.delete()
    _touch(agreement, "partner terms removed", {"partner terms": [told, None]}, by=by)


@transaction.atomic
def remove_discount(*, agreement_id: int, discount_id: int, by: User | None) -> None:
    """Take a discount back."""
    agreement = open_one(agreement_id, by)
    discount = agreement.discounts.select_related("offering", "category").get(pk=discount_id)
    told = str(discount)
    discount.delete()
    _touch(agreement, "discount removed", {"discounts": [told, None]}, by=by)


@transaction.atomic
def set_sla(*, agreement_id: int, metric: str, value: Decimal, by: User | None) -> AgreementSla:
    """Promise a service level for everything under the agreement; a second call for a metric changes it.

    Raises Unfit outside the metric's range.
    """
    agreement = open_one(agreement_id, by)
    if metric not in SlaMetric.values:
        raise Unfit(problems={"metric": ["There is no such service level."]})
    low, high = SLA_RANGES[metric]
    if not low <= value <= high:
        raise Unfit(problems={"value": [f"{SlaMetric(metric).label}: between {low.normalize():f} and {high:f}."]})
    before = agreement.slas.filter(metric=metric).values_list("value", flat=True).first()
    sla, _ = AgreementSla.objects.update_or_create(agreement=agreement, metric=metric, defaults={"value": value})
    _touch(agreement, "service level set", {metric: [before and plain(before), plain(value)]}, by=by)
    return sla


@transaction.atomic
def remove_sla(*, agreement_id: int, sla_id: int, by: User | None) -> None:
    """Promise nothing on that metric."""
    agreement = open_one(agreement_id, by)
    sla = agreement.slas.get(pk=sla_id)
    sla.delete()
    _touch(agreement, "service level removed", {sla.metric: [plain(sla.value), None]}, by=by)


@transaction.atomic
def note_round(*, agreement_id: int, side: str, text: str, by: User | None) -> NegotiationRound:
    """Keep what one side said, with what changed in the agreement since the round before."""
    agreement = open_one(agreement_id, by)
    problems: dict[str, list[str]] = {}
    if side not in ("us", "customer"):
        problems["side"] = ["Say whose proposal it is."]
    if not text.strip():
        problems["text"] = ["Say what was proposed."]
    if problems:
        raise Unfit(problems=problems)
    last = agreement.rounds.order_by("-number").first()
    now = differences.content(agreement)
    before = last.changes.get("content") if last else None
    made = NegotiationRound.objects.create(
        agreement=agreement, number=last.number + 1 if last else 1, side=side, text=text.strip(), by=by,
        changes={"content": now, "differences": differences.between(before, now) if before else []},
    )  # fmt: skip
    audit.record("negotiation round", agreement, by=by, changes={"rounds": [None, f"{made}: {made.text[:80]}"]})
    return made


def _may(by: User | None) -> None:
    if by is not None and not by.has_perm(RIGHT):
        raise NotPermitted("Your roles do not include the right to negotiate agreements.")


def open_one(agreement_id: int, by: User | None) -> Agreement:
    """An agreement that is still negotiated, locked. Raises Closed or NotPermitted."""
    _may(by)
    agreement: Agreement = Agreement.objects.locked(agreement_id)
    if agreement.state not in OPEN:
        raise Closed(
            f"{agreement} is {agreement.get_state_display().lower()} and cannot be changed; make a new version."
        )
    return agreement


def _touch(agreement: Agreement, action: str, changes: dict[str, list[Any]], *, by: User | None) -> None:
    agreement.edition += 1
    agreement.save()
    audit.record(action, agreement, by=by, changes=changes)


def _problems(title: str, starts_on: dt.date, ends_on: dt.date, term_months: int) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if not title.strip():
        problems["title"] = ["Give the agreement a title."]
    if ends_on <= starts_on:
        problems["ends_on"] = ["The end must come after the start."]
    elif ends_on <= timezone.localdate():
        problems["ends_on"] = ["The period is over already."]
    elif (ends_on - starts_on).days > 3660:
        problems["ends_on"] = ["An agreement runs for ten years at most."]
    if not 1 <= term_months <= 120:
        problems["term_months"] = ["The minimum term is between 1 and 120 months."]
    return problems


def _price_list_problems(price_list: PriceList, account: Account, on: dt.date) -> dict[str, list[str]]:
    found = []
    if price_list.segment and price_list.segment != account.segment:
        found.append(f"“{price_list.name}” is for {price_list.segment} customers; {account.name} is {account.segment}.")
    if price_list.valid_until and price_list.valid_until < on:
        found.append(f"“{price_list.name}” ended on {price_list.valid_until:%d %B %Y}.")
    return {"price_list": found} if found else {}


def _discount_problems(discount: AgreementDiscount) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if not 0 < discount.percent <= 100:
        problems["percent"] = ["A discount is more than 0 and at most 100 percent."]
    if discount.charge not in (Charge.RECURRING, Charge.ONE_TIME):
        problems["charge"] = ["Discounts are agreed on monthly or one-time charges."]
    if discount.offering_id and discount.category_id:
        problems["category"] = ["Choose one service or a whole category, not both."]
    first, last = discount.valid_from, discount.valid_until
    if first and last and last < first:
        problems["valid_until"] = ["It ends before it begins."]
    elif last and last < discount.agreement.starts_on:
        problems["valid_until"] = ["It is over before the agreement begins."]
    if discount.commitment is not None and discount.commitment <= 0:
        problems["commitment"] = ["A commitment is more than 0 a month; leave it empty for none."]
    return problems


def _require_words(title: str, text: str) -> None:
    problems = {}
    if not title.strip():
        problems["title"] = ["Give the term a title."]
    if not text.strip():
        problems["text"] = ["Write the term."]
    if problems:
        raise Unfit(problems=problems)


def _next_position(agreement: Agreement) -> int:
    last = agreement.terms.aggregate(last=models.Max("position"))["last"]
    return int(last or 0) + 1


def discounts_of(agreement: Agreement) -> Iterable[AgreementDiscount]:
    """Discounts, those on everything first."""
    return agreement.discounts.select_related("offering", "category").order_by(
        models.F("offering__name").asc(nulls_first=True), models.F("category__name").asc(nulls_first=True), "charge"
    )
