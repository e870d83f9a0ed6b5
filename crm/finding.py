"""Finding: how customers, contacts, sites, deals and leads are searched from everywhere."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse

from crm.models import Account, Case, Contact, Lead, Opportunity, Site
from kernel import finding, words
from kernel.finding import Found, Sought

MOST = 50  # customers, and sites, by whose name something else is found
PERSON = ("first_name", "last_name", "email")
PLACE = ("name", "code", "city", "street")


def customers(sought: Sought) -> list[int]:
    """Keys of the customers whose name is as typed, for whatever belongs to one."""
    named = Account.objects.visible_to(sought.user).filter(name__icontains=sought.text).order_by("name")
    return list(named.values_list("pk", flat=True)[:MOST])


def places(sought: Sought) -> list[int]:
    """Keys of the sites whose name, code or address is as typed, for whatever stands at one."""
    named = Site.objects.visible_to(sought.user).filter(words.match(sought.text, *PLACE)).order_by("pk")
    return list(named.values_list("pk", flat=True)[:MOST])


def of_customers(rows: Any, sought: Sought) -> Iterable[Any]:
    """Of these rows, those of such a customer."""
    if keys := sought.once(customers):
        yield rows.filter(account__in=keys)


def at_places(rows: Any, sought: Sought) -> Iterable[Any]:
    """Of these rows, those at such a site."""
    if keys := sought.once(places):
        yield rows.filter(site__in=keys)


def _accounts(rows: Any, sought: Sought) -> Iterable[Any]:
    """By name, number or register number."""
    yield rows.filter(sought.within("name", "number", "registration"))


def _tell_account(row: Account) -> Found:
    detail = f"{row.get_kind_display()} of {row.parent.name}" if row.parent else row.get_kind_display()
    return Found(row.name, row.get_absolute_url(), detail, row.number, "building")


def _tell_contact(row: Contact) -> Found:
    return Found(str(row), row.account.get_absolute_url(), f"{row.get_role_display()} at {row.account}", icon="user")


def _tell_site(row: Site) -> Found:
    url = f"{reverse('crm:site_list', args=[row.account.number])}?q={row.code}"
    return Found(row.name, url, f"{row.address}, {row.account}", row.code, "map-pin")


def _cases(rows: Any, sought: Sought) -> Iterable[Any]:
    """By words, number or customer."""
    yield rows.filter(sought.within("title", "number", "their_reference"))
    yield from of_customers(rows, sought)


def _tell_case(row: Case) -> Found:
    return Found(row.title, row.get_absolute_url(), f"{row.account}, {row.get_state_display()}", row.number, "headset")


def _opportunities(rows: Any, sought: Sought) -> Iterable[Any]:
    """By name, number or customer."""
    yield rows.filter(sought.within("name", "number"))
    yield from of_customers(rows, sought)


def _tell_opportunity(row: Opportunity) -> Found:
    return Found(row.name, row.get_absolute_url(), f"{row.account}, {row.stage}", row.number, "target-arrow")


def _leads(rows: Any, sought: Sought) -> Iterable[Any]:
    """By company, person, e-mail address or number."""
    first, _, last = sought.text.partition(" ")
    named = Q(first_name__icontains=first, last_name__icontains=last.strip()) if last.strip() else Q(pk=None)
    yield rows.filter(sought.within("company", "first_name", "last_name", "email", "number") | named)


def _tell_lead(row: Lead) -> Found:
    return Found(row.title, row.get_absolute_url(), f"{row.person}, {row.get_state_display()}", row.number, "user-plus")


finding.register(
    "Customers", "building", "crm.view_account", order=10, ways=_accounts, tell=_tell_account,
    rows=lambda user: Account.objects.visible_to(user).select_related("parent").order_by("path"),
)  # fmt: skip
finding.register(
    "Contacts", "user", "crm.view_contact", order=20, tell=_tell_contact,
    rows=lambda user: Contact.objects.visible_to(user).select_related("account"),
    ways=lambda rows, sought: [rows.filter(words.match(sought.text, *PERSON))],
)  # fmt: skip
finding.register(
    "Sites", "map-pin", "crm.view_site", order=30, tell=_tell_site,
    rows=lambda user: Site.objects.visible_to(user).select_related("account"),
    ways=lambda rows, sought: [rows.filter(words.match(sought.text, *PLACE))],
)  # fmt: skip
finding.register(
    "Opportunities", "target-arrow", "crm.view_opportunity", order=40, ways=_opportunities, tell=_tell_opportunity,
    rows=lambda user: Opportunity.objects.visible_to(user).select_related("account", "stage").order_by(
        "stage__outcome", "close_on"
    ),
)  # fmt: skip
finding.register(
    "Cases", "headset", "crm.view_case", order=45, ways=_cases, tell=_tell_case,
    rows=lambda user: Case.objects.visible_to(user).select_related("account").order_by("-pk"),
)  # fmt: skip
finding.register(
    "Leads", "user-plus", "crm.view_lead", order=50, ways=_leads, tell=_tell_lead,
    rows=lambda user: Lead.objects.visible_to(user).order_by("-created_at"),
)  # fmt: skip
