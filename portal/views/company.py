"""The customer's own company: who of it can log in, as what, and who no longer."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import companypeople
from crm.models import Account, Contact
from kernel import htmx, workspace
from kernel.forms import add_errors
from kernel.refusal import Refusal
from portal import belongings
from portal.forms import ColleagueForm
from portal.views import customers_only

SHOWN = 300
OTHERS = 50  # people without a log-in on one page
PAGE = "portal:people"


@customers_only
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """The own companies and who of them can log in."""
    user = workspace.person(request)
    context = {
        "people": belongings.people(user)[:SHOWN],
        "accounts": Account.objects.visible_to(user).order_by("path"),
        "manages": companypeople.manager(user) is not None,
        "roles": companypeople.ROLES,
        "others": [],
    }
    if context["manages"]:
        context["others"] = Paginator(companypeople.without(user), OTHERS).get_page(request.GET.get("page"))
    return htmx.respond(request, "portal/people.html", context)


@customers_only
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """A colleague more."""
    user = workspace.person(request)
    form = ColleagueForm(request.POST or None, by=user)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            made = companypeople.invite(account_id=values.pop("account"), by=user, **values)
        except Refusal as error:
            if error.status != 422:
                raise
            add_errors(form, error)
        else:
            return htmx.go(request, PAGE, toast=f"{made} gets a mail with the way in.")
    companypeople.require(user)
    context = {"form": form, "crumbs": [("Company", reverse(PAGE)), ("Invite", "")]}
    return render(request, "portal/invite.html", context, status=422 if form.errors else 200)


@customers_only
@require_POST
def role(request: HttpRequest, pk: int) -> HttpResponse:
    """Another role of a colleague."""
    wanted = request.POST.get("role", "")
    return _done(request, lambda: companypeople.change_role(contact_id=pk, role=wanted, by=workspace.person(request)),
                 "The role is changed.")  # fmt: skip


@customers_only
@require_POST
def let_in(request: HttpRequest, pk: int) -> HttpResponse:
    """A log-in for somebody whom we know."""
    return _done(request, lambda: companypeople.let_in(contact_id=pk, by=workspace.person(request)),
                 "They get a mail with the way in.")  # fmt: skip


@customers_only
@require_POST
def shut_out(request: HttpRequest, pk: int) -> HttpResponse:
    """No log-in any more."""
    return _done(request, lambda: companypeople.shut_out(contact_id=pk, by=workspace.person(request)),
                 "They cannot log in any more.")  # fmt: skip


def _done(request: HttpRequest, act: Callable[[], Any], said: str) -> HttpResponse:
    try:
        act()
    except Contact.DoesNotExist:
        raise Http404("There is no such person at your company.") from None
    return htmx.go(request, PAGE, toast=said)
