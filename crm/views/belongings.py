"""What belongs to an account, added and changed in a side panel: child accounts, contacts, sites, billing profiles."""

from collections.abc import Callable
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from crm import accounts as acts
from crm.forms import BillingProfileForm, ChildForm, ContactForm, SiteForm, TeamForm, refuse
from crm.models import Account, BillingProfile, Contact, Site
from crm.views import editing_of
from crm.views.accounts import visible
from kernel import editing, htmx
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

METHODS = ["GET", "HEAD", "POST"]


@allowed("crm.view_account", "crm.add_account")
@require_http_methods(METHODS)
def add_child(request: HttpRequest, number: str) -> HttpResponse:
    """Open a company below an account."""
    account = visible(person(request), number)
    form = ChildForm(request.POST or None, initial={"tier": account.tier, "industry": account.industry})
    return _added(
        request, account, form, f"New company below {account.name}", "Open account",
        lambda data: acts.open_account(parent_id=account.pk, by=person(request), **data),
    )  # fmt: skip


@allowed("crm.view_account", "crm.add_contact")
@require_http_methods(METHODS)
def add_contact(request: HttpRequest, number: str) -> HttpResponse:
    """Add a person to an account."""
    account = visible(person(request), number)
    asked = request.GET.get("role", "")
    form = ContactForm(request.POST or None, initial={"role": asked} if asked in Contact.Role.values else None)
    return _added(
        request, account, form, f"New contact of {account.name}", "Add contact",
        lambda data: acts.add_contact(account_id=account.pk, by=person(request), **data),
    )  # fmt: skip


@allowed("crm.view_account", "crm.add_site")
@require_http_methods(METHODS)
def add_site(request: HttpRequest, number: str) -> HttpResponse:
    """Add a site to an account."""
    account = visible(person(request), number)
    form = SiteForm(request.POST or None, account=account, by=person(request))
    return _added(
        request, account, form, f"New site of {account.name}", "Add site",
        lambda data: acts.add_site(account_id=account.pk, by=person(request), **data),
    )  # fmt: skip


@allowed("crm.view_account", "crm.add_billingprofile")
@require_http_methods(METHODS)
def add_billing_profile(request: HttpRequest, number: str) -> HttpResponse:
    """Say how an account pays."""
    account = visible(person(request), number)
    first = not account.billing_profiles.exists()
    form = BillingProfileForm(request.POST or None, initial={"is_default": first, "name": "Main"})
    return _added(
        request, account, form, f"New billing profile of {account.name}", "Add billing profile",
        lambda data: acts.add_billing_profile(account_id=account.pk, by=person(request), **data),
    )  # fmt: skip


@allowed("crm.view_account", "crm.add_teammember")
@require_http_methods(METHODS)
def add_team_member(request: HttpRequest, number: str) -> HttpResponse:
    """Name who of us looks after an account."""
    account = visible(person(request), number)
    form = TeamForm(request.POST or None, by=person(request))
    return _added(
        request, account, form, f"Who looks after {account.name}", "Add to the team",
        lambda data: acts.add_team_member(
            account_id=account.pk, user_id=data["user"].pk, role=data["role"], by=person(request)
        ),
    )  # fmt: skip


@allowed("crm.view_account", "crm.change_contact")
@require_http_methods(METHODS)
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a contact."""
    record = _one(request, Contact, pk)
    return _changed(
        request, record, ContactForm(request.POST or None, instance=record), "contact",
        lambda edition, data: acts.change_contact(contact_id=pk, edition=edition, by=person(request), **data),
    )  # fmt: skip


@allowed("crm.view_account", "crm.change_contact")
@require_POST
def portal(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a contact into the portal, or shut them out."""
    record = _one(request, Contact, pk)
    if request.POST.get("access") == "yes":
        acts.let_in(contact_id=pk, by=person(request))
        said = f"{record} may use the portal."
    else:
        acts.shut_out(contact_id=pk, by=person(request))
        said = f"{record} no longer uses the portal."
    return htmx.go(request, record.account.get_absolute_url(), toast=said)


@allowed("crm.view_account", "crm.change_site")
@require_http_methods(METHODS)
def site(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a site."""
    record = _one(request, Site, pk)
    form = SiteForm(request.POST or None, instance=record, account=record.account, by=person(request))
    return _changed(
        request, record, form, "site",
        lambda edition, data: acts.change_site(site_id=pk, edition=edition, by=person(request), **data),
    )  # fmt: skip


@allowed("crm.view_account", "crm.change_billingprofile")
@require_http_methods(METHODS)
def billing_profile(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a billing profile."""
    record = _one(request, BillingProfile, pk)
    return _changed(
        request, record, BillingProfileForm(request.POST or None, instance=record), "billing profile",
        lambda edition, data: acts.change_billing_profile(profile_id=pk, edition=edition, by=person(request), **data),
    )  # fmt: skip


def _one(request: HttpRequest, model: Any, pk: int) -> Any:
    return get_object_or_404(model.objects.visible_to(person(request)).select_related("account"), pk=pk)


def _added(
    request: HttpRequest, account: Account, form: BaseForm, title: str, verb: str, act: Callable[[dict[str, Any]], Any]
) -> HttpResponse:
    """Show the form, or make the record and go back to where it was wanted, mostly the account."""
    if request.method == "POST" and form.is_valid():
        try:
            made = act(form.cleaned_data)
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, htmx.way_back(request, account.get_absolute_url()), toast=f"{made} is added.")
    return _panel(request, account, form, {"title": title, "verb": verb}, 422 if form.errors else 200)


def _changed(
    request: HttpRequest, record: Any, form: BaseForm, noun: str, act: Callable[[int, dict[str, Any]], Any]
) -> HttpResponse:
    """Show the form, or store what changed and go back to the account; 409 with the difference to a second editor."""
    said = {
        "title": f"Change {noun}",
        "verb": f"Save {noun}",
        "edition": record.edition,
        "record": record,
        "noun": noun,
    }
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            act(editing_of(request), form.cleaned_data)
        except editing.Changed as error:
            said, status = {**said, "conflict": error, "edition": error.edition}, error.status
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, record.account.get_absolute_url(), toast=f"The {noun} is saved.")
    return _panel(request, record.account, form, said, 422 if form.errors else status)


def _panel(request: HttpRequest, account: Account, form: BaseForm, said: dict[str, Any], status: int) -> HttpResponse:
    here = account.get_absolute_url()
    context = {
        "form": form, "account": account, "back": htmx.way_back(request, here), **said,
        "crumbs": [("Customers", reverse("crm:account_list")), (account.name, here)],
    }  # fmt: skip
    return htmx.respond(request, "crm/panel_form.html", context, part="panel", status=status)
