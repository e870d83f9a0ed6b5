"""Quotes for tests: a customer with two companies and sites around one point of presence, quotes by the real acts."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog.models import PriceList
from cmdb.models import PointOfPresence
from contracts import quoteapproval, quoting
from contracts.models import Agreement, AgreementDiscount, Quote, QuoteLine
from crm.models import Account, Opportunity, Site
from kernel import lifecycle
from kernel.models import User
from tests.factories import catalog
from tests.factories.crm import AccountFactory, ContactFactory, OpportunityFactory, SiteFactory
from tests.factories.people import UserFactory

NEAR, PARTNER, FAR = (51.90, 4.43), (51.96, 4.43), (52.10, 4.43)  # about 0.7, 6.8 and 22 km from the point of presence


def point_of_presence() -> PointOfPresence:
    """The only one, in Rotterdam."""
    values = {"name": "Rotterdam", "city": "Rotterdam", "country": "NL", "technologies": ["fibre"]}
    place = {"latitude": Decimal("51.89900"), "longitude": Decimal("4.42080")}
    return PointOfPresence.objects.get_or_create(code="RTM1", defaults=values | place)[0]


def site(account: Account, place: tuple[float, float] | None = NEAR, **values: Any) -> Site:
    """A site at a place, without coordinates for None."""
    where = dict(zip(("latitude", "longitude"), map(Decimal, map(str, place)) if place else (None, None), strict=True))
    return SiteFactory(account=account, **where, **values)  # type: ignore[return-value]


def customer(sites: int = 2) -> tuple[Account, list[Site]]:
    """A legal entity and a child company with a contact each, sites at the child."""
    point_of_presence()
    entity = AccountFactory()
    child = AccountFactory(parent=entity)
    for account in (entity, child):
        ContactFactory(account=account)
    return entity, [site(child) for _ in range(sites)]  # type: ignore[return-value]


def opportunity(account: Account, **values: Any) -> Opportunity:
    """An open opportunity of the account."""
    return OpportunityFactory(account=account, **values)  # type: ignore[return-value]


def agreement(account: Account, percent: int = 10, number: str = "AGR0000427") -> Agreement:
    """An agreement in force with a discount on everything."""
    today = timezone.localdate()
    made = Agreement.objects.create(
        number=number, account=account, title="Frame", price_list=PriceList.objects.get(key="eur-test"),
        starts_on=today - dt.timedelta(days=10), ends_on=today + dt.timedelta(days=1000), term_months=36,
    )  # fmt: skip
    AgreementDiscount.objects.create(agreement=made, percent=percent)
    for step in (Agreement.negotiate, Agreement.submit, Agreement.approve, Agreement.sign, Agreement.activate):
        lifecycle.move(made, step, by=None)
    return made


def seller() -> User:
    """A sales agent."""
    return UserFactory(role="sales_agent")


def quote(account: Account | None = None, *, by: User | None = None, **values: Any) -> Quote:
    """An empty draft for a customer."""
    return quoting.create(account_id=(account or customer()[0]).pk, by=by or seller(), **values)


def line(made: Quote, place: Site, key: str = "dia", **values: Any) -> QuoteLine:
    """One line of an offering at a site; a dedicated internet line has 1G unless told otherwise."""
    return lines(made, [place], key, **values)[0]


def lines(made: Quote, places: list[Site], key: str = "dia", **values: Any) -> list[QuoteLine]:
    """The same at many sites."""
    chosen = values or ({"bandwidth": "1G"} if key == "dia" else {})
    found, refused = quoting.add_lines(
        quote_id=made.pk, offering_id=catalog.offering(key).pk, site_ids=[one.pk for one in places], values=chosen,
        by=None,
    )  # fmt: skip
    assert not refused
    return found


def filled(
    *, sites: int = 2, discount: int = 0, by: User | None = None, **values: Any
) -> tuple[Quote, list[QuoteLine]]:
    """A complete draft with dedicated internet at each site."""
    account, places = customer(sites)
    made = quote(account, by=by, **values)
    added = lines(made, places)
    if discount:
        quoting.set_discount(quote_id=made.pk, percent=Decimal(discount), by=by)
    return Quote.objects.get(pk=made.pk), added


def approved(**values: Any) -> Quote:
    """A quote that needed nobody's approval."""
    by = values.pop("by", None) or seller()
    made, _ = filled(by=by, **values)
    return quoteapproval.submit(quote_id=made.pk, by=by)
