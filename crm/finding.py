"""Finding: how customers, contacts, sites, deals and leads are searched from everywhere."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse

from crm.models import Account, Case, Contact, Lead, Opportunity, Site
from kernel import words
from kernel.finding import Found
from kernel.models import User


def _any(text: str, *paths: str) -> Q:
    wanted = Q()
    for path in paths:
        wanted |= Q(**{f"{path}__icontains": text})
    return wanted


def _people(text: str, *paths: str) -> Q:
    """Any of the fields, or first and last name one after the other."""
    first, _, last = text.partition(" ")
    both = Q(first_name__icontains=first, last_name__icontains=last.strip()) if last.strip() else Q()
    return _any(text, *paths) | both if both else _any(text, *paths)


def _best(rows: Any, limit: int) -> Any:
    return rows[:limit]


def accounts(user: User, text: str, limit: int) -> Iterable[Found]:
    """By name, number or register number."""
    rows = Account.objects.visible_to(user).filter(_any(text, "name", "number", "registration"))
    for row in _best(rows.select_related("parent").order_by("path"), limit):
        detail = f"{row.get_kind_display()} of {row.parent.name}" if row.parent else row.get_kind_display()
        yield Found(row.name, row.get_absolute_url(), detail, row.number, "building")


def contacts(user: User, text: str, limit: int) -> Iterable[Found]:
    """By name or e-mail address."""
    rows = Contact.objects.visible_to(user).filter(_people(text, "first_name", "last_name", "email"))
    for row in _best(rows.select_related("account"), limit):
        yield Found(str(row), row.account.get_absolute_url(), f"{row.get_role_display()} at {row.account}", icon="user")


def sites(user: User, text: str, limit: int) -> Iterable[Found]:
    """By name, code, city or street."""
    rows = Site.objects.visible_to(user).filter(words.match(text, "name", "code", "city", "street"))
    for row in _best(rows.select_related("account"), limit):
        url = f"{reverse('crm:site_list', args=[row.account.number])}?q={row.code}"
        yield Found(row.name, url, f"{row.address}, {row.account}", row.code, "map-pin")


def cases(user: User, text: str, limit: int) -> Iterable[Found]:
    """By words, number or customer; the newest first."""
    rows = Case.objects.visible_to(user).filter(_any(text, "title", "number", "account__name", "their_reference"))
    for row in _best(rows.select_related("account").order_by("-pk"), limit):
        yield Found(
            row.title, row.get_absolute_url(), f"{row.account}, {row.get_state_display()}", row.number, "headset"
        )


def opportunities(user: User, text: str, limit: int) -> Iterable[Found]:
    """By name, number or customer; open ones first."""
    rows = Opportunity.objects.visible_to(user).filter(_any(text, "name", "number", "account__name"))
    for row in _best(rows.select_related("account", "stage").order_by("stage__outcome", "close_on"), limit):
        yield Found(row.name, row.get_absolute_url(), f"{row.account}, {row.stage}", row.number, "target-arrow")


def leads(user: User, text: str, limit: int) -> Iterable[Found]:
    """By company, person, e-mail address or number; newest first."""
    rows = Lead.objects.visible_to(user).filter(_people(text, "company", "first_name", "last_name", "email", "number"))
    for row in _best(rows.order_by("-created_at"), limit):
        yield Found(
            row.title, row.get_absolute_url(), f"{row.person}, {row.get_state_display()}", row.number, "user-plus"
        )
