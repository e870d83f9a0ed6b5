"""Partners: who is paired with us, what is published each way, and what we asked of them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.models import Offering
from crm import partnership, requesting, shelfreading
from crm.forms import refuse
from crm.models import Partner, PartnerOffering, PartnerRequest
from crm.views.partnerforms import InviteForm, JoinForm, RequestForm
from kernel import htmx, tables
from kernel.refusal import Refusal
from kernel.workspace import allowed, person


class PartnerTable(tables.Table):
    """Columns of the list of partners."""

    name = tables.Name(url="crm:partner", arg="number", sub="number", verbose_name="Partner")
    side = tables.Text()
    account = tables.Text(verbose_name="Customer", order_by=("account__name",), optional=True)
    paired_at = tables.Day(verbose_name="Paired")


class Partners(tables.ListPage):
    """The list of partners."""

    title = "Partners"
    model = Partner
    table = PartnerTable
    search = ("number", "name", "account__name")
    search_label = "Name, number"
    sort = "name"
    related = ("account",)
    empty = tables.Empty(
        "plug-connected", "No partners yet", "A partner runs an installation of its own. Invite one to order what you "
        "publish to it, or redeem a code to order from it."
    )  # fmt: skip
    new = tables.New("Invite a partner", "crm:partner_invite", "crm.pair_partner")


@allowed("crm.view_partner")
@require_safe
def partners(request: HttpRequest) -> Any:
    """All partners."""
    return tables.show(request, Partners, template="crm/partner_list.html")


@allowed("crm.pair_partner")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """A code for somebody who will order from us, shown once."""
    form = InviteForm(request.POST or None, user=person(request))
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            made, code = partnership.invite(
                name=told["name"], account_id=told["account"].pk, offerings=told["offerings"], by=person(request)
            )
        except Refusal as error:
            refuse(form, error)
        else:
            context |= {"made": made, "code": code, "address": request.build_absolute_uri("/").rstrip("/")}
    return htmx.respond(request, "crm/partner_invite.html", context, status=422 if form.errors else 200)


@allowed("crm.pair_partner")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Redeem a code; their offerings are read at once."""
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = partnership.join(by=person(request), **form.cleaned_data)
        except Refusal as error:
            refuse(form, error)
        else:
            return _read(request, made, f"Paired with {made.name}.")
    return htmx.respond(request, "crm/partner_join.html", {"form": form}, status=422 if form.errors else 200)


@allowed("crm.view_partner")
@require_safe
def partner(request: HttpRequest, number: str) -> HttpResponse:
    """One partner."""
    record, user = _partner(request, number), person(request)
    sold = Offering.objects.on_sale().filter(sellable=True).order_by("position", "key")
    context = {
        "record": record, "title": record.name, "crumbs": [("Partners", reverse("crm:partner_list"))],
        "may_pair": user.has_perm("crm.pair_partner") and not record.ended_at,
        "may_request": user.has_perm("crm.send_partnerrequest") and not record.ended_at,
        "sold": sold if record.side == Partner.Side.BUYER else (),
        "shelf": record.shelf.filter(gone_at=None) if record.side == Partner.Side.SELLER else (),
        "requests": record.requests.select_related("offering", "site").order_by("-pk")[:50],
    }  # fmt: skip
    return htmx.respond(request, "crm/partner.html", context)


@allowed("crm.view_partner", "crm.pair_partner")
@require_POST
def publish(request: HttpRequest, number: str) -> HttpResponse:
    """The ticked offerings are what the buyer sees."""
    record = _partner(request, number)
    partnership.publish(partner_id=record.pk, offerings=request.POST.getlist("offerings")[:500], by=person(request))
    return htmx.go(request, "crm:partner", number, toast="What is published is saved.")


@allowed("crm.view_partner")
@require_POST
def read(request: HttpRequest, number: str) -> HttpResponse:
    """Read their offerings anew."""
    return _read(request, _partner(request, number), "")


@allowed("crm.view_partner", "crm.pair_partner")
@require_POST
def end(request: HttpRequest, number: str) -> HttpResponse:
    """No longer paired."""
    partnership.end(partner_id=_partner(request, number).pk, by=person(request))
    return htmx.go(request, "crm:partner", number, toast="The pairing has ended; the keys hold no longer.")


@allowed("crm.view_partner", "crm.send_partnerrequest")
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Ask for one of their offerings at a site of ours."""
    record = _partner(request, number)
    offering = get_object_or_404(PartnerOffering, pk=pk, partner=record, gone_at=None)
    form = RequestForm(request.POST or None, user=person(request), offering=offering)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            made = requesting.request(
                offering_id=offering.pk, site_id=told["site"].pk, by=person(request), values=form.values,
                quantity=told["quantity"], wanted_on=told["wanted_on"],
            )  # fmt: skip
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, "crm:partner_request", made.number, toast="It is on its way to the partner.")
    context = {"form": form, "partner": record, "offering": offering}
    return htmx.respond(request, "crm/partner_ask.html", context, status=422 if form.errors else 200)


@allowed("crm.view_partnerrequest")
@require_safe
def asked(request: HttpRequest, number: str) -> HttpResponse:
    """One request, as far as the partner has come."""
    record = _request(request, number)
    user = person(request)
    context = {
        "record": record, "title": f"{record.offering.name} from {record.partner.name}",
        "crumbs": [("Partners", reverse("crm:partner_list")), (record.partner.name, record.partner.get_absolute_url())],
        "may_cancel": not record.is_over and not record.cancel_reason and user.has_perm("crm.send_partnerrequest"),
    }  # fmt: skip
    return htmx.respond(request, "crm/partner_request.html", context)


@allowed("crm.view_partnerrequest", "crm.send_partnerrequest")
@require_POST
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Take a request back."""
    reason = request.POST.get("reason", "").replace("\x00", "")
    requesting.cancel(request_id=_request(request, number).pk, reason=reason, by=person(request))
    return htmx.go(request, "crm:partner_request", number, toast="The partner is asked to cancel.")


def _read(request: HttpRequest, record: Partner, toast: str) -> HttpResponse:
    try:
        count = shelfreading.read(partner_id=record.pk)
        requesting.listen_to(partner_id=record.pk)
    except Refusal as refusal:
        return htmx.go(request, "crm:partner", record.number, toast=f"{toast} {refusal}".strip())
    return htmx.go(request, "crm:partner", record.number, toast=f"{toast} {count} offerings are read.".strip())


def _partner(request: HttpRequest, number: str) -> Partner:
    found: Partner = get_object_or_404(Partner.objects.visible_to(person(request)), number=number)
    return found


def _request(request: HttpRequest, number: str) -> PartnerRequest:
    rows = PartnerRequest.objects.visible_to(person(request)).select_related("partner", "offering", "site", "asked_by")
    found: PartnerRequest = get_object_or_404(rows, number=number)
    return found
