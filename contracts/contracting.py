"""Contracting: a signed quote becomes a sales contract and service contracts; sites that go live start theirs."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from contracts import entitlement, events, renewing, servicelevel, sitedesign
from contracts.models import Contract, ContractAmendment, ContractLine, Quote, QuoteLine
from contracts.periods import DAY, after
from crm.models import Contact, Site
from kernel import audit, lifecycle, numbering, outbox
from kernel.models import User
from kernel.refusal import Conflict, Refusal

RULE = ("auto_renew", "renew_months", "notice_days")  # what happens at the end of a term


class NotReady(Refusal):
    """The quote cannot become contracts; every problem is listed."""


def problems(quote: Quote) -> list[str]:
    """What stands between a quote and its contracts, as sentences; a constant number of queries."""
    lines = _lines(quote)
    if not lines:
        return ["The quote has no lines."]
    sites = _sites(lines)
    contacts = _contacts(sites)
    entitled = entitlement.by_site(lines)
    found = [
        f"{site} has no contact; add one to the site or to {site.account.name}."
        for site in sites
        if not contacts.get(site.pk)
    ]
    found += [
        f"Nothing sold at {site} brings an entitlement, and a service contract needs one."
        for site in sites
        if not entitled.get(site.pk)
    ]
    strangers = [site for site in sites if site.account.root_id != quote.account.root_id]
    found += [f"{site} belongs to another customer." for site in strangers]
    return found


@transaction.atomic
def from_quote(
    quote: Quote, *, by: User | None, on: dt.date, signatory: Contact | None = None, follows: Contract | None = None
) -> Contract:
    """Make the sales contract at legal level, in force at once, and the sites' service contracts, waiting to go live.

    A renewal names the contract that it `follows`, and begins the day after that one ends, for the sites that are live
    as well. The caller has locked the quote and moved it to accepted.

    Raises:
        NotReady: a site without a contact or without an entitlement.
        Conflict: the quote has its contracts already.
    """
    if found := problems(quote):
        raise NotReady(problems={"": found})
    if Contract.objects.filter(quote=quote).exists():
        raise Conflict("This quote has its contracts already.")
    lines = _lines(quote)
    first = max(on, follows.ends_on + DAY) if follows and follows.ends_on else on
    sales = _sales_contract(quote, lines, first, signatory, follows)
    service = service_contracts(quote, lines, sales)
    if follows:
        _follow(service, follows, first)
    _mirror(sales, service, lines)
    entitlement.give(service, entitlement.by_site(lines))
    servicelevel.inherit(service, quote.agreement)
    audit.record_many("made from quote", [sales, *service], by=by, changes={"quote": [None, str(quote)]})
    rows = Contract.objects.filter(quote=quote)
    lifecycle.move_many(rows, Contract.send, by=by)
    if follows is None:
        lifecycle.move_many(rows.filter(kind=Contract.Kind.SALES), Contract.activate, by=by)
    elif first <= on:
        renewing.take_over(on)
    made: Contract = Contract.objects.get(pk=sales.pk)
    return made


@transaction.atomic
def start_service_contracts(*, pairs: Iterable[tuple[int, int]], on: dt.date, by: User | None) -> list[int]:
    """Sites went live: their service contracts come into force with dated entitlements.

    `pairs` are (quote, site) keys. Contracts that run already are left alone, so calling again is harmless. Returns the
    keys of those that started.
    """
    wanted = Q()
    sites_by_quote: dict[int, set[int]] = defaultdict(set)
    for quote_id, site_id in pairs:
        sites_by_quote[quote_id].add(site_id)
    if not sites_by_quote:
        return []
    for quote_id, site_ids in sites_by_quote.items():
        wanted |= Q(quote_id=quote_id, site_id__in=site_ids)
    rows = Contract.objects.filter(wanted, kind=Contract.Kind.SERVICE, state=Contract.State.PENDING_SIGNATURE)
    started = lifecycle.move_many(rows, Contract.activate, by=by, starts_on=on)
    contracts = list(Contract.objects.filter(pk__in=started).only("pk", "term_months", "starts_on", "ends_on"))
    for contract in contracts:
        contract.ends_on = contract.ends_on or after(on, contract.term_months)
    Contract.objects.bulk_update(contracts, ["ends_on"])
    entitlement.start(started, on)
    outbox.publish_all([events.ServiceContractStarted(contract_id=pk) for pk in started])
    return started


def _lines(quote: Quote) -> list[QuoteLine]:
    return list(quote.lines.select_related("offering", "feasibility").order_by("position", "id"))


def _sites(lines: list[QuoteLine]) -> list[Site]:
    ids = {line.site_id for line in lines if line.site_id}
    return list(Site.objects.filter(pk__in=ids).select_related("account", "contact").order_by("country", "code"))


def _contacts(sites: list[Site]) -> dict[int, Contact]:
    """Who answers for each site: its own contact, else one of its account, on-site people before others."""
    of_account: dict[int, Contact] = {}
    wanted = {site.account_id for site in sites if not site.contact_id}
    for contact in Contact.objects.filter(account_id__in=wanted).order_by("account_id", "id"):
        present = of_account.get(contact.account_id)
        if present is None or (contact.role == Contact.Role.SITE and present.role != Contact.Role.SITE):
            of_account[contact.account_id] = contact
    found = {site.pk: site.contact or of_account.get(site.account_id) for site in sites}
    return {pk: contact for pk, contact in found.items() if contact}


def _sales_contract(
    quote: Quote, lines: list[QuoteLine], on: dt.date, signatory: Contact | None, follows: Contract | None
) -> Contract:
    rule = {name: getattr(follows, name) for name in RULE} if follows else {}
    return Contract.objects.create(
        kind=Contract.Kind.SALES, account_id=quote.account.root_id or quote.account_id, contact=signatory, quote=quote,
        agreement=quote.agreement, currency=quote.currency, term_months=quote.term_months, starts_on=on,
        ends_on=after(on, quote.term_months), monthly=_sum(lines, "monthly"), one_time=_sum(lines, "one_time"),
        renewed_from=follows, **rule,
    )  # fmt: skip


def service_contracts(
    quote: Quote, lines: list[QuoteLine], sales: Contract, months: int | None = None
) -> list[Contract]:
    """New contracts of the sites of these lines, below a sales contract; with `months` they all end when that one does.

    What a site has is told by its lines: routing, access, and whether it reaches a second point of presence.
    """
    sites = _sites(lines)
    contacts = _contacts(sites)
    by_site: dict[int, list[QuoteLine]] = defaultdict(list)
    for line in lines:
        if line.site_id:
            by_site[line.site_id].append(line)
    numbers = numbering.take_many(Contract.PREFIX, len(sites)) if sites else []
    return Contract.objects.bulk_create(
        [
            Contract(
                number=number, kind=Contract.Kind.SERVICE, account_id=site.account_id, site=site,
                contact=contacts[site.pk], quote=quote, agreement=quote.agreement, parent=sales,
                currency=quote.currency, term_months=months or quote.term_months,
                monthly=_sum(by_site[site.pk], "monthly"), one_time=_sum(by_site[site.pk], "one_time"),
                ends_on=sales.ends_on if months else None, **{name: getattr(sales, name) for name in RULE},
                **sitedesign.of(by_site[site.pk]),
            )
            for number, site in zip(numbers, sites, strict=True)
        ]
    )  # fmt: skip


def _mirror(sales: Contract, service: list[Contract], lines: list[QuoteLine]) -> None:
    of_site = {contract.site_id: contract for contract in service}
    copies = [(sales, line) for line in lines] + [(of_site[line.site_id], line) for line in lines if line.site_id]
    ContractLine.objects.bulk_create(mirrored(contract, line) for contract, line in copies)


def mirrored(contract: Contract, line: QuoteLine, amendment: ContractAmendment | None = None) -> ContractLine:
    """An unsaved line of a contract that says what a quote line says."""
    return ContractLine(
        contract=contract, quote_line=line, offering_id=line.offering_id, site_id=line.site_id, amendment=amendment,
        quantity=line.quantity, characteristics=line.characteristics, monthly=line.monthly, one_time=line.one_time,
        ramp=line.ramp,
    )  # fmt: skip


def _follow(service: list[Contract], follows: Contract, first: dt.date) -> None:
    """Contracts of sites that are live begin with the renewal and name the one that they follow."""
    before = {
        one.site_id: one
        for one in Contract.objects.filter(parent=follows, state__in=("active", "suspended")).order_by("pk")
    }
    live = [one for one in service if one.site_id in before]
    for one in live:
        one.renewed_from = before[one.site_id]
        one.starts_on, one.ends_on = first, after(first, one.term_months)
    Contract.objects.bulk_update(live, ["renewed_from", "starts_on", "ends_on"])


def _sum(lines: list[QuoteLine], field: str) -> Decimal:
    return sum((getattr(line, field) for line in lines), Decimal(0))
