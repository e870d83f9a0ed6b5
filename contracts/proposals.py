"""Proposals: each side of a negotiation proposes changes one by one; the other accepts, refuses or answers."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.models import Offering, SlaMetric
from contracts import agreedprices, differences, negotiation
from contracts.models import Agreement, AgreementDiscount, NegotiationRound, Proposal, Quote
from contracts.negotiation import Unfit
from kernel import audit, lifecycle, writing
from kernel.models import User
from kernel.money import plain
from kernel.refusal import Conflict

NEW = "new"
OTHER = {"us": "customer", "customer": "us"}
Part = Proposal.Part


class Overtaken(Conflict):
    """The agreement no longer says what the proposal wanted to change."""


@dataclass(frozen=True)
class Item:
    """Something of an agreement that a proposal can be about. `now` is what it says, in words."""

    part: str
    key: str
    label: str
    now: str


@transaction.atomic
def propose(
    *, agreement_id: int, side: str, part: str, key: str, wanted: str, by: User | None, title: str = "",
    reason: str = "", quote: Quote | None = None, answers: Proposal | None = None,
) -> Proposal:  # fmt: skip
    """Note what one side wants changed. `wanted` is the new text, percent, value or day; empty leaves the item out.

    Raises:
        Unfit: there is no such item, or the value does not fit it.
        Closed: the agreement is no longer negotiated.
        Conflict: another proposal about the item is open.
    """
    agreement = negotiation.open_one(agreement_id, by)
    if side not in OTHER:
        raise Unfit(problems={"side": ["Say whose proposal it is."]})
    before = present(agreement, part, key)
    after = _wanted(agreement, part, key, before, wanted.strip(), title.strip())
    if before == after:
        raise Unfit(problems={"wanted": ["That is what the agreement says already."]})
    if answers is not None and answers.after == after:
        raise Unfit(problems={"wanted": ["That is what is proposed: accept it, or say something else."]})
    made = Proposal(
        agreement=agreement, round=_round(agreement, side, reason, by), side=side, part=part, key=key,
        label=_label(agreement, part, key, after)[:160], before=before, after=after, reason=reason.strip(), made_by=by,
        quote=quote, answers=answers,
    )  # fmt: skip
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:
        raise Conflict(f"A proposal about “{made.label}” is open already; answer that one first.") from None
    audit.record("proposed", agreement, by=by, changes={made.label: [said(part, before), said(part, after)]})
    return made


@transaction.atomic
def accept(*, proposal_id: int, by: User | None) -> Proposal:
    """Make the change in the agreement. Of two people who accept at once one is told that it is done.

    Raises:
        IllegalMove: it is answered already.
        Overtaken: the item says something else by now; the proposal is closed as overtaken.
        Unfit, Closed: as the change itself.
    """
    proposal = _locked(proposal_id, by)
    lifecycle.require_source(proposal, Proposal.accept)
    if present(proposal.agreement, proposal.part, proposal.key) != proposal.before:
        raise Overtaken(f"“{proposal.label}” says something else by now. Withdraw this and propose anew.")
    _apply(proposal, by)
    return _decided(proposal, Proposal.accept, by, "")


@transaction.atomic
def reject(*, proposal_id: int, by: User | None, reason: str) -> Proposal:
    """Leave the agreement as it is. Raises Unfit without a reason, IllegalMove when it is answered already."""
    if not reason.strip():
        raise Unfit(problems={"reason": ["Say why; the other side will ask."]})
    return _decided(_locked(proposal_id, by), Proposal.reject, by, reason)


@transaction.atomic
def withdraw(*, proposal_id: int, by: User | None) -> Proposal:
    """Take a proposal back. Raises IllegalMove when it is answered already."""
    return _decided(_locked(proposal_id, by), Proposal.withdraw, by, "")


@transaction.atomic
def counter(
    *, proposal_id: int, wanted: str, by: User | None, title: str = "", reason: str = ""
) -> Proposal:  # fmt: skip
    """Answer with something else: the other side's proposal about the same item. Raises as `propose`."""
    proposal = _locked(proposal_id, by)
    _decided(proposal, Proposal.counter, by, reason)
    return propose(
        agreement_id=proposal.agreement_id, side=OTHER[proposal.side], part=proposal.part, key=proposal.key,
        wanted=wanted, title=title or (proposal.after or {}).get("title", "") if proposal.part == Part.TERM else "",
        reason=reason, by=by, answers=proposal,
    )  # fmt: skip


def present(agreement: Agreement, part: str, key: str) -> Any:
    """What the agreement says about an item now, as JSON; None for one that it does not have. Raises Unfit."""
    if part not in Part.values:
        raise Unfit(problems={"item": ["Choose what the proposal is about."]})
    if key == NEW or key.startswith(("offering:", "price:")):
        return None
    if part == Part.TERM:
        term = agreement.terms.filter(pk=writing.whole(key)).first()
        return {"title": term.title, "text": term.text} if term else None
    if part == Part.DISCOUNT:
        discount = agreement.discounts.filter(pk=writing.whole(key)).first()
        return {"percent": plain(discount.percent)} if discount else None
    if part == Part.PRICE:
        price = agreement.prices.filter(pk=writing.whole(key)).first()
        return {"value": plain(price.amount)} if price else None
    if part == Part.LEVEL:
        sla = agreement.slas.filter(metric=key).first()
        return {"value": plain(sla.value)} if sla else None
    if key not in ("ends_on", "term_months"):
        raise Unfit(problems={"item": ["Choose what the proposal is about."]})
    return {"value": str(getattr(agreement, key))}


def items(agreement: Agreement) -> list[Item]:
    """Everything that a proposal can be about, in the order of the page."""
    found = [
        Item(Part.DISCOUNT, str(one.pk), f"Discount on {one.offering or one.category or 'everything'}",
             f"{plain(one.percent)} %")
        for one in negotiation.discounts_of(agreement)
    ]  # fmt: skip
    agreed = {one.offering_id for one in agreement.discounts.filter(charge="recurring")}
    if None not in agreed:
        found.append(Item(Part.DISCOUNT, "offering:all", "Discount on everything", "none"))
    sold = (
        Offering.objects.filter(state="active", sellable=True)
        .exclude(kind="entitlement")
        .exclude(pk__in=agreed - {None})
    )
    found += [Item(Part.DISCOUNT, f"offering:{one.key}", f"Discount on {one.name}", "none") for one in sold]
    found += [
        Item(Part.PRICE, str(one.pk), f"Price of {one}", plain(one.amount))
        for one in agreement.prices.select_related("offering")
    ]
    bare = {(one.offering_id, one.charge, one.label) for one in agreement.prices.all() if not one.when}
    found += [
        Item(Part.PRICE, _price_key(one), f"Price of {one}", "list price")
        for one in agreedprices.listed(agreement)
        if (one.offering.pk, one.charge, one.label) not in bare
    ]
    has = dict(agreement.slas.values_list("metric", "value"))
    found += [
        Item(Part.LEVEL, metric, str(label), plain(has[metric]) if metric in has else "none")
        for metric, label in SlaMetric.choices
    ]
    found.append(Item(Part.HEAD, "term_months", "Minimum term, months", str(agreement.term_months)))
    found.append(Item(Part.HEAD, "ends_on", "End", str(agreement.ends_on)))
    found += [Item(Part.TERM, str(term.pk), term.title, term.text) for term in agreement.terms.all()]
    return [*found, Item(Part.TERM, NEW, "One more term", "none")]


def said(part: str, value: Any) -> str:
    """A proposal's value in words; empty for nothing."""
    if value is None:
        return ""
    if part == Part.DISCOUNT:
        return f"{value['percent']} %"
    return str(value.get("text") or value.get("value") or "")


def words(proposal: Proposal) -> list[differences.Piece]:
    """What the proposal changes, word by word."""
    return differences.words(said(proposal.part, proposal.before), said(proposal.part, proposal.after))


def of_agreement(agreement: Agreement) -> list[Proposal]:
    """All proposals with their differences as `pieces`, open ones first, then the latest."""
    rows = list(agreement.proposals.select_related("round", "made_by", "decided_by", "quote", "answers"))
    for row in rows:
        row.pieces = words(row)
        row.present, row.wanted = said(row.part, row.before), said(row.part, row.after)
    return sorted(rows, key=lambda row: (row.state != Proposal.State.OPEN, -row.pk))


def _locked(proposal_id: int, by: User | None) -> Proposal:
    """The proposal, its agreement locked before it."""
    agreement = negotiation.open_one(Proposal.objects.values_list("agreement_id", flat=True).get(pk=proposal_id), by)
    proposal: Proposal = Proposal.objects.locked(proposal_id)
    proposal.agreement = agreement
    return proposal


def _decided(proposal: Proposal, move: Any, by: User | None, reason: str) -> Proposal:
    proposal.decided_by, proposal.decided_at = by, timezone.now()
    proposal.decided_because = reason.strip()
    lifecycle.move(proposal, move, by=by, reason=reason.strip())
    change = {proposal.label: [None, proposal.get_state_display()]}
    audit.record(f"proposal {proposal.get_state_display().lower()}", proposal.agreement, by=by, changes=change)
    return proposal


def _round(agreement: Agreement, side: str, reason: str, by: User | None) -> NegotiationRound:
    """The present round if it is this side's, else the next one."""
    last = agreement.rounds.order_by("-number").first()
    if last and last.side == side:
        return last
    text = reason.strip() or "Proposals, one by one."
    return negotiation.note_round(agreement_id=agreement.pk, side=side, text=text, by=by)


def _wanted(agreement: Agreement, part: str, key: str, before: Any, wanted: str, title: str) -> Any:
    if part == Part.TERM:
        return _term(before, key, wanted, title)
    if not wanted and part != Part.HEAD and before is not None:
        return None
    if part == Part.HEAD and key == "ends_on":
        return _day(wanted)
    number = _number(wanted)
    if part == Part.DISCOUNT:
        if not 0 < number <= 100:
            raise Unfit(problems={"wanted": ["A discount is more than 0 and at most 100 percent."]})
        return {"percent": plain(number.quantize(Decimal("0.01")))}
    if part == Part.LEVEL:
        return _level(key, number)
    if part == Part.PRICE:
        if not 0 <= number <= agreedprices.LARGEST:
            raise Unfit(problems={"wanted": ["A price is 0 or more."]})
        return {"value": plain(number.quantize(Decimal("0.01")))}
    if number != int(number) or not 1 <= number <= 120:
        raise Unfit(problems={"wanted": ["The minimum term is between 1 and 120 months."]})
    return {"value": str(int(number))}


def _day(wanted: str) -> Any:
    try:
        return {"value": dt.date.fromisoformat(wanted).isoformat()}
    except ValueError:
        raise Unfit(problems={"wanted": ["Write the day as 2029-12-31."]}) from None


def _level(key: str, number: Decimal) -> Any:
    if key not in SlaMetric.values:
        raise Unfit(problems={"item": ["There is no such service level."]})
    low, high = negotiation.SLA_RANGES[key]
    if not low <= number <= high:
        raise Unfit(problems={"wanted": [f"{SlaMetric(key).label}: between {low.normalize():f} and {high:f}."]})
    return {"value": plain(number)}


def _number(wanted: str) -> Decimal:
    try:
        number = Decimal(wanted.replace(",", ".").removesuffix("%").strip())
        if not number.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise Unfit(problems={"wanted": ["Type a number, such as 12.5."]}) from None
    return number


def _term(before: Any, key: str, wanted: str, title: str) -> Any:
    if not wanted:
        if before is None:
            raise Unfit(problems={"wanted": ["Write the term."]})
        return None
    name = title or (before or {}).get("title", "")
    if not name:
        raise Unfit(problems={"title": ["Give the term a title."]})
    return {"title": name[:120], "text": wanted}


def _label(agreement: Agreement, part: str, key: str, after: Any) -> str:
    if part == Part.TERM and key == NEW:
        return str(after["title"])
    found = next((item.label for item in items(agreement) if (item.part, item.key) == (part, key)), "")
    if not found:
        raise Unfit(problems={"item": ["This is not in the agreement any more."]})
    return found


def _apply(proposal: Proposal, by: User | None) -> None:
    after: Any = proposal.after
    agreement, key = proposal.agreement_id, proposal.key
    if proposal.part == Part.TERM:
        _apply_term(proposal, by)
    elif proposal.part == Part.LEVEL and after is None:
        sla = proposal.agreement.slas.get(metric=key)
        negotiation.remove_sla(agreement_id=agreement, sla_id=sla.pk, by=by)
    elif proposal.part == Part.LEVEL:
        negotiation.set_sla(agreement_id=agreement, metric=key, value=Decimal(after["value"]), by=by)
    elif proposal.part == Part.DISCOUNT:
        _apply_discount(proposal, by)
    elif proposal.part == Part.PRICE:
        _apply_price(proposal, by)
    else:
        value: Any = int(after["value"]) if key == "term_months" else dt.date.fromisoformat(after["value"])
        edition = Agreement.objects.values_list("edition", flat=True).get(pk=agreement)
        negotiation.change(agreement_id=agreement, edition=edition, by=by, **{key: value})


def _apply_term(proposal: Proposal, by: User | None) -> None:
    after: Any = proposal.after
    agreement = proposal.agreement_id
    if proposal.key == NEW:
        negotiation.add_term(agreement_id=agreement, title=after["title"], text=after["text"], by=by)
    elif after is None:
        negotiation.remove_term(agreement_id=agreement, term_id=int(proposal.key), by=by)
    else:
        negotiation.reword_term(
            agreement_id=agreement, term_id=int(proposal.key), title=after["title"], text=after["text"], by=by
        )


def _apply_price(proposal: Proposal, by: User | None) -> None:
    after: Any = proposal.after
    agreement = proposal.agreement_id
    if proposal.key.startswith("price:"):
        wanted = [one for one in agreedprices.listed(proposal.agreement) if _price_key(one) == proposal.key]
        if not wanted:
            raise Unfit(problems={"item": ["This is not in the price list any more."]})
        agreedprices.add(
            agreement_id=agreement, offering_id=wanted[0].offering.pk, charge=wanted[0].charge, label=wanted[0].label,
            amount=Decimal(after["value"]), by=by,
        )  # fmt: skip
    elif after is None:
        agreedprices.remove(agreement_id=agreement, price_id=int(proposal.key), by=by)
    else:
        price, amount = int(proposal.key), Decimal(after["value"])
        agreedprices.change(agreement_id=agreement, price_id=price, amount=amount, by=by)


def _price_key(one: agreedprices.Listed) -> str:
    return f"price:{one.offering.key}|{one.charge}|{one.label}"[:60]


def _apply_discount(proposal: Proposal, by: User | None) -> None:
    after: Any = proposal.after
    agreement = proposal.agreement_id
    if proposal.key.startswith("offering:"):
        name = proposal.key.partition(":")[2]
        offering = None if name == "all" else Offering.objects.get(key=name, state="active").pk
        percent = Decimal(after["percent"])
        negotiation.add_discount(agreement_id=agreement, percent=percent, offering_id=offering, by=by)
    elif after is None:
        negotiation.remove_discount(agreement_id=agreement, discount_id=int(proposal.key), by=by)
    else:
        discount = AgreementDiscount.objects.get(pk=int(proposal.key))
        negotiation.change_discount(
            agreement_id=agreement, discount_id=discount.pk, percent=Decimal(after["percent"]), by=by
        )
