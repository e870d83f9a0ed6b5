"""Quoting: a draft version is opened, filled line by line, configured, copied to sites, discounted and cancelled."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog import configuration, eligibility, memory, pricelists
from catalog.currencies import Rate
from catalog.models import Offering, PriceList
from contracts import bundlelines, discountlimits, linefields, quotechecks, quotepricing
from contracts.models import Agreement, Quote, QuoteLine
from crm.models import Account, Opportunity, Site
from kernel import approvals, audit, lifecycle, numbering
from kernel.models import ApprovalRequest, User
from kernel.refusal import Conflict, Refusal

VALID_DAYS = 30
LONGEST_TERM = 120  # months
TERMS = (1, 12, 24, 36)


class Frozen(Conflict):
    """The version was submitted; a change makes the next version."""


class EditedMeanwhile(Conflict):
    """Somebody else changed the line after it was shown; nothing was stored."""


class NotQuotable(Refusal):
    """A quote cannot be opened on these terms."""


class Typed(NamedTuple):
    """What somebody wants of a line; `fields` are its term_months and requested_on, None for those of the quote."""

    values: dict[str, Any]
    quantity: int | None = None
    fields: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class RefusedSite:
    """A site that a line was not given to, and why."""

    site_id: int
    site: str
    reason: str


@transaction.atomic
def create(
    *, by: User | None, opportunity_id: int | None = None, account_id: int | None = None,
    agreement_id: int | None = None, title: str = "", term_months: int | None = None,
    valid_until: dt.date | None = None,
) -> Quote:  # fmt: skip
    """Open version 1 for an opportunity or an account; an agreement brings its price list, currency and term.

    Raises:
        NotQuotable: there is neither an opportunity nor an account, the opportunity is closed, the agreement is another
            customer's or not in force, or nobody has prices for this customer.
    """
    opportunity = Opportunity.objects.select_related("account").get(pk=opportunity_id) if opportunity_id else None
    if opportunity is None and account_id is None:
        raise NotQuotable(problems={"account": ["Say for whom the quote is."]})
    if opportunity is not None and opportunity.state != Opportunity.State.OPEN:
        raise NotQuotable(problems={"opportunity": [f"{opportunity.number} is closed; reopen it first."]})
    account = opportunity.account if opportunity else Account.objects.get(pk=account_id or 0)
    agreement = _agreement(agreement_id, account) if agreement_id else None
    price_list, rate = (agreement.price_list, None) if agreement else price_list_of(account)
    quote = Quote(
        number=numbering.take("QUO"), account=account, opportunity=opportunity, agreement=agreement,
        title=(title.strip() or (opportunity.name if opportunity else f"Quote for {account.name}"))[:120],
        price_list=price_list, currency=rate.target if rate else price_list.currency,
        exchange_rate=rate.rate if rate else None, rate_on=rate.on if rate else None,
        owner=by or (opportunity.owner if opportunity else None),
        term_months=term_months or (agreement.term_months if agreement else 36),
        valid_until=valid_until or timezone.localdate() + dt.timedelta(days=VALID_DAYS),
    )  # fmt: skip
    quote.save()
    audit.record("opened", quote, by=by, changes={"account": [None, account.name]})
    return quote


@transaction.atomic
def add_lines(
    *, quote_id: int, offering_id: int, by: User | None, site_ids: Iterable[int] = (),
    values: dict[str, Any] | None = None, quantity: int = 1,
) -> tuple[list[QuoteLine], list[RefusedSite]]:  # fmt: skip
    """Put an offering at each of these sites, configured with `values` over the defaults; the rest is refused by site.

    An offering that needs no site becomes one line of the whole quote. A bundle brings its members.

    Raises:
        Frozen: the version is no draft.
        NotQuotable: the offering is not for sale by itself.
    """
    quote = draft(quote_id)
    offering = sellable(offering_id)
    sites: dict[int | None, dict[str, Any]] = dict.fromkeys(site_ids, values or {})
    if offering.needs_site and not sites:
        raise NotQuotable(problems={"sites": ["Choose at least one site."]})
    made, refused = place(quote, offering, sites if offering.needs_site else {None: values or {}}, quantity)
    settle(quote, made, by=by)
    audit.record("lines added", quote, by=by, changes={offering.name: [None, [str(line.site or "") for line in made]]})
    return made, refused


def place(
    quote: Quote, offering: Offering, wanted: Mapping[int | None, dict[str, Any]], quantity: int = 1
) -> tuple[list[QuoteLine], list[RefusedSite]]:
    """Make the lines of one offering, site → values, in a locked draft; the caller settles the quote afterwards."""
    sites, refused = _sites(quote, offering, wanted.keys())
    last = QuoteLine.objects.filter(quote=quote).aggregate(last=Max("position"))["last"] or 0
    made = [
        bundlelines.new_line(quote, offering, site, last + n, wanted[site.pk if site else None], max(1, quantity))
        for n, site in enumerate(sites, start=1)
    ]
    QuoteLine.objects.bulk_create(made)
    return made + bundlelines.members_of(quote, offering, made), refused


def configure(
    *, line_id: int, values: dict[str, Any], by: User | None, edition: int | None = None, quantity: int | None = None,
    fields: Mapping[str, Any] | None = None,
) -> QuoteLine:  # fmt: skip
    """Store what was chosen for a line, see `take`."""
    return take(line_id=line_id, read=lambda _: Typed(values, quantity, fields or {}), by=by, edition=edition)


@transaction.atomic
def take(*, line_id: int, read: Callable[[QuoteLine], Typed], by: User | None, edition: int | None = None) -> QuoteLine:
    """Store what `read` makes of the locked line, right or wrong; what is wrong stays noted at its characteristic.

    Members of a bundle follow its term and date.

    Raises:
        Frozen: the version is no draft.
        EditedMeanwhile: the line is not the one that was shown; `problems` name what differs.
        Refusal: the term is longer than the quote's, the date is over, or the line's bundle fixes a value.
    """
    line = locked_line(line_id)
    values, quantity, fields = read(line)
    if edition is not None and line.edition != edition:
        asked = {**values, **({} if quantity is None else {"quantity": quantity}), **fields}
        raise EditedMeanwhile(problems=linefields.differences(line, asked))
    if found := {**linefields.fixed_differently(line, values), **linefields.problems(line.quote, fields)}:
        raise Refusal(problems=found)
    specification = line.offering.specification
    before, count = {"quantity": line.quantity, **line.characteristics, **linefields.said(line, fields)}, line.quantity
    line.characteristics = values
    whose = line.quote.account_id
    line.problems = (
        configuration.validate(specification, values, complete=True, account_id=whose) if specification else {}
    )
    line.quantity = line.quantity if quantity is None else max(1, quantity)
    for name, value in fields.items():
        setattr(line, name, value)
    line.edition += 1
    line.save(update_fields=["characteristics", "problems", "quantity", "edition", *fields])
    whole = line.offering.kind == Offering.Kind.BUNDLE
    members = bundlelines.follow(line, count) if whole and (count != line.quantity or fields) else []
    quotechecks.answer([line], by=by)
    quotepricing.price_lines(line.quote, [line, *members])
    if changes := audit.difference(before, {"quantity": line.quantity, **values, **linefields.said(line, fields)}):
        audit.record("configured", line.quote, by=by, changes=changes, reason=str(line))
    return line


@transaction.atomic
def copy_to_sites(
    *, line_id: int, site_ids: Iterable[int], by: User | None
) -> tuple[list[QuoteLine], list[RefusedSite]]:
    """Give other sites the configuration of a line: lines there are changed, missing ones made, the rest refused."""
    source = locked_line(line_id)
    quote, wanted = source.quote, set(site_ids) - {source.site_id}
    there = {
        line.site_id: line
        for line in quotepricing.lines_of(quote, offering_id=source.offering_id)
        if line.site_id in wanted and line.parent_id is None
    }
    changed = list(there.values())
    for line in changed:
        line.characteristics, line.problems = dict(source.characteristics), dict(source.problems)
        line.quantity, line.edition = source.quantity, line.edition + 1
    QuoteLine.objects.bulk_update(changed, ["characteristics", "problems", "quantity", "edition"], batch_size=500)
    made, refused = add_lines(
        quote_id=quote.pk, offering_id=source.offering_id, site_ids=wanted - there.keys(), by=by,
        values=dict(source.characteristics), quantity=source.quantity,
    ) if wanted - there.keys() else ([], [])  # fmt: skip
    tops = [*changed, *(line for line in made if line.parent_id is None)]
    whole = source.offering.kind == Offering.Kind.BUNDLE
    settle(quote, [*changed, *(bundlelines.copy_members(source, tops) if whole else ())], by=by)
    names = [str(line.site) for line in tops]
    audit.record("copied", quote, by=by, changes={"sites": [None, ", ".join(names)]}, reason=str(source))
    return tops, refused


@transaction.atomic
def remove_lines(*, quote_id: int, line_ids: Iterable[int], by: User | None) -> int:
    """Take lines out of a draft; how many there were."""
    quote = draft(quote_id)
    lines = list(QuoteLine.objects.filter(quote=quote, pk__in=list(line_ids)).select_related("offering", "site"))
    QuoteLine.objects.filter(pk__in=[line.pk for line in lines]).delete()
    quotepricing.price_lines(quote, quotepricing.lines_of(quote))
    if lines:
        audit.record("lines removed", quote, by=by, changes={"lines": [[str(line) for line in lines], None]})
    return len(lines)


@transaction.atomic
def set_discount(*, quote_id: int, percent: Decimal, by: User | None, line_ids: Iterable[int] | None = None) -> Quote:
    """Set the manual discount on monthly prices, of the whole quote or of single lines.

    Raises:
        Frozen: the version is no draft.
        Refusal: the percentage is not between 0 and 100, or more than the roles of this person may give.
    """
    if found := discountlimits.problem(percent, by):
        raise Refusal(problems={"manual_discount": [found]})
    quote, percent = draft(quote_id), round(percent, 2)
    if line_ids is None:
        changes: dict[str, list[Any]] = {"manual_discount": [str(quote.manual_discount), str(percent)]}
        quote.manual_discount = percent
        quote.save(update_fields=["manual_discount", "updated_at"])
    else:
        rows = QuoteLine.objects.filter(quote=quote, pk__in=list(line_ids))
        count = rows.update(manual_discount=percent)
        changes = {"line discount": [None, f"{percent} % on {count} line{'' if count == 1 else 's'}"]}
    quotepricing.price_lines(quote, quotepricing.lines_of(quote))
    audit.record("discounted", quote, by=by, changes=changes)
    return quote


@transaction.atomic
def set_terms(*, quote_id: int, by: User | None, **fields: Any) -> Quote:
    """Change the head of a draft: title, term_months, valid_until, note_for_approver; a new term reprices.

    Raises:
        Frozen: the version is no draft.
        Refusal: the term or the date makes no sense; each at its field.
    """
    quote = draft(quote_id)
    problems: dict[str, list[str]] = {}
    if not 1 <= int(fields.get("term_months", 1)) <= LONGEST_TERM:
        problems["term_months"] = [f"A term is 1 to {LONGEST_TERM} months."]
    if (until := fields.get("valid_until")) and until < timezone.localdate():
        problems["valid_until"] = ["This day is over; choose a later one."]
    if "term_months" in fields and not problems:
        longer = QuoteLine.objects.filter(quote=quote, term_months__gt=fields["term_months"]).count()
        if longer:
            problems["term_months"] = [
                f"{longer} line{' runs' if longer == 1 else 's run'} longer; shorten them first."
            ]
    if problems:
        raise Refusal(problems=problems)
    allowed = ("title", "term_months", "valid_until", "note_for_approver")
    before = {name: getattr(quote, name) for name in allowed if name in fields}
    for name in before:
        setattr(quote, name, fields[name])
    quote.save(update_fields=[*before, "updated_at"])
    changes = audit.difference(before, {name: fields[name] for name in before})
    if "term_months" in changes:
        quotepricing.price_lines(quote, quotepricing.lines_of(quote))
    if changes:
        audit.record("changed", quote, by=by, changes=changes)
    return quote


@transaction.atomic
def cancel(*, quote_id: int, by: User | None, reason: str) -> Quote:
    """Withdraw an open version; an open round of approval ends.

    Raises:
        Refusal: without a reason.
        IllegalMove: it is not open any more.
    """
    if not reason.strip():
        raise Refusal(problems={"reason": ["Say why the quote is withdrawn."]})
    approvals.end(Quote.objects.get(pk=quote_id), ApprovalRequest.State.RECALLED)
    quote: Quote = Quote.objects.locked(quote_id)
    lifecycle.move(quote, Quote.cancel, by=by, reason=reason.strip())
    return quote


def draft(quote_id: int) -> Quote:
    """A draft, locked, with what its prices depend on. Raises Frozen for any other state."""
    quote: Quote = Quote.objects.select_related("account__root", "price_list", "owner").locked(quote_id)
    if quote.state != Quote.State.DRAFT:
        raise Frozen(f"{quote} was submitted and does not change any more. Make a new version.")
    return quote


def frames(account: Account) -> list[Agreement]:
    """The agreements in force with a customer: the only one applies to its quotes by itself."""
    rows = Agreement.objects.filter(account__root=account.root_id, state=Agreement.State.ACTIVE)
    return list(rows.select_related("account").order_by("number", "-version")[:5])


def settle(quote: Quote, lines: list[QuoteLine], *, by: User | None) -> None:
    """After lines came or changed: ask for site checks, then price the whole quote, as volumes may differ."""
    quotechecks.answer(lines, by=by)
    priced = {line.pk: line for line in quotepricing.lines_of(quote)}
    quotepricing.price_lines(quote, list(priced.values()))
    for line in lines:
        for name in quotepricing.STORED:
            setattr(line, name, getattr(priced[line.pk], name))


def sites_of(quote: Quote) -> Any:
    """The sites that the quote may speak of: all of the customer's tree."""
    root = quote.account.root_id or quote.account_id
    return Site.objects.filter(account__root=root)


def locked_line(line_id: int) -> QuoteLine:
    """A line of a locked draft. Raises Frozen for a line of any other version."""
    quote = draft(QuoteLine.objects.values_list("quote_id", flat=True).get(pk=line_id))
    line = QuoteLine.objects.select_related("site", "offering", "feasibility__pop", "parent__offering").get(pk=line_id)
    line.quote = quote
    if key := line.offering.specification_id:
        line.offering.specification = memory.specifications([key])[key]
    return line


def _agreement(agreement_id: int, account: Account) -> Agreement:
    agreement: Agreement = Agreement.objects.select_related("account", "price_list").get(pk=agreement_id)
    if agreement.account.root_id != account.root_id:
        raise NotQuotable(problems={"agreement": [f"{agreement.number} is another customer’s."]})
    if agreement.state != Agreement.State.ACTIVE:
        raise NotQuotable(
            problems={"agreement": [f"{agreement.number} is {agreement.get_state_display().lower()}, not in force."]}
        )
    return agreement


def price_list_of(account: Account) -> tuple[PriceList, Rate | None]:
    """The list for the customer, and the rate when it is in another currency than theirs."""
    try:
        return pricelists.choose(currency=account.currency, segment=account.segment, on=timezone.localdate())
    except pricelists.NoPrices as error:
        raise NotQuotable(problems={"account": [str(error)]}) from error


def sellable(offering_id: int) -> Offering:
    """The offering with what its lines are configured by. Raises NotQuotable unless it is for sale."""
    offering: Offering | None = Offering.objects.on_sale().select_related("specification").prefetch_related(
        "specification__characteristics", "items__member__specification__characteristics", "items__group", "groups"
    ).filter(pk=offering_id, sellable=True).first()  # fmt: skip
    if offering is None:
        raise NotQuotable(problems={"offering": ["This is not for sale any more."]})
    return offering


def refused_at(offering: Offering, site: Site) -> list[str]:
    """Why the offering is not sold at a site, in sentences; [] when it is."""
    return eligibility.problems(offering, {"country": site.country, "region": site.region})


def _sites(
    quote: Quote, offering: Offering, wanted: Iterable[int | None]
) -> tuple[list[Site | None], list[RefusedSite]]:
    """Sites that take the offering, and the others with their reason."""
    taken = set(QuoteLine.objects.filter(quote=quote, offering=offering, parent=None).values_list("site_id", flat=True))
    if not offering.needs_site:
        if None in taken:
            raise NotQuotable(problems={"offering": [f"{offering.name} is in this quote already."]})
        return [None], []
    keys = {pk for pk in wanted if pk is not None}
    found = list(sites_of(quote).filter(pk__in=keys).order_by("country", "code"))
    reasons = eligibility.problems_of_many([(offering, {"country": s.country, "region": s.region}) for s in found])
    fit: list[Site | None] = []
    refused = [RefusedSite(pk, "A site", "It is not a site of this customer.") for pk in keys - {s.pk for s in found}]
    for site, problems in zip(found, reasons, strict=True):
        if site.pk in taken:
            refused.append(RefusedSite(site.pk, site.name, f"It has {offering.name} already."))
        elif problems:
            refused.append(RefusedSite(site.pk, site.name, " ".join(problems)))
        else:
            fit.append(site)
    return fit, refused
