"""Merging customers: pairs that may be the same, and the page where two become one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import contactmerging, merging
from crm.models import Account, Contact
from crm.views.accounts import crumbs, visible
from kernel import htmx, writing
from kernel.workspace import allowed, person


@allowed("crm.view_account", "crm.merge_account")
@require_safe
def suspects(request: HttpRequest) -> HttpResponse:
    """Customers, and people of one customer, who may stand here twice."""
    user = person(request)
    context = {
        "pairs": merging.suspects(user), "people": contactmerging.suspects(user),
        "crumbs": [("Customers", reverse("crm:account_list"))],
    }  # fmt: skip
    return htmx.respond(request, "crm/account_doubles.html", context)


@allowed("crm.view_account", "crm.merge_account")
@require_POST
def tell_apart(request: HttpRequest) -> HttpResponse:
    """Say that two customers are not the same."""
    user = person(request)
    first, second = (visible(user, request.POST.get(name, "")[:20]) for name in ("first", "second"))
    merging.tell_apart(first_id=first.pk, second_id=second.pk, by=user)
    return htmx.go(request, "crm:account_doubles", toast=f"{first} and {second} are kept apart.")


@allowed("crm.view_account", "crm.merge_account")
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest, number: str) -> HttpResponse:
    """Choose the other record, compare, merge."""
    user = person(request)
    keep = visible(user, number)
    back = [*crumbs(keep), (keep.name, keep.get_absolute_url())]
    wanted = (request.POST if request.method == "POST" else request.GET).get("other", "")[:20]
    if not wanted:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
        rows = Account.objects.visible_to(user).filter(name__icontains=text, kind=keep.kind).exclude(pk=keep.pk)
        context: dict[str, Any] = {"keep": keep, "crumbs": back, "query": text, "found": rows.order_by("name")[:20]}
        return htmx.respond(request, "crm/account_merge_choose.html", context, part="found")
    other = get_object_or_404(Account.objects.visible_to(user).select_related("parent", "owner"), number=wanted)
    if request.method == "POST":
        take = [name for name in merging.CHOOSABLE if request.POST.get(name) == "other"]
        merging.merge(keep_id=keep.pk, other_id=other.pk, by=user, take=take)
        return htmx.go(request, keep, toast=f"{other.number} is part of {keep.name} now.")
    context = {"keep": keep, "other": other, "crumbs": back, "found": merging.preview(keep, other)}
    return htmx.respond(request, "crm/account_merge.html", context)


@allowed("crm.view_account", "crm.change_contact", "crm.merge_account")
@require_http_methods(["GET", "HEAD", "POST"])
def merge_contact(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the other contact of the same person, compare, merge."""
    rows = Contact.objects.visible_to(person(request)).select_related("account", "user")
    keep = get_object_or_404(rows, pk=pk)
    back = [*crumbs(keep.account), (keep.account.name, keep.account.get_absolute_url())]
    wanted = (request.POST if request.method == "POST" else request.GET).get("other", "")[:18]
    if not writing.whole(wanted):
        text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
        found = contactmerging.others(keep, text)
        context: dict[str, Any] = {"keep": keep, "crumbs": back, "query": text, "found": found}
        return htmx.respond(request, "crm/contact_merge_choose.html", context, part="found")
    other = get_object_or_404(rows, pk=writing.whole(wanted))
    if request.method == "POST":
        take = [name for name in contactmerging.CHOOSABLE if request.POST.get(name) == "other"]
        made = contactmerging.merge(keep_id=keep.pk, other_id=other.pk, by=person(request), take=take)
        return htmx.go(request, made.account, toast=f"{made} stands here once now.")
    context = {"keep": keep, "other": other, "crumbs": back, "found": contactmerging.preview(keep, other)}
    return htmx.respond(request, "crm/contact_merge.html", context)
