"""Converting a lead: what it becomes, checked before it is done."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from crm import capture, conversion
from crm.forms import ConvertForm, refuse
from crm.models import Account, Contact, Lead, Opportunity
from kernel import htmx, lifecycle
from kernel.models import User
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

SHOWN = 8  # records offered of each kind


@allowed("crm.view_lead", "crm.convert_lead")
@require_http_methods(["GET", "HEAD", "POST"])
def convert(request: HttpRequest, number: str) -> HttpResponse:
    """Choose new or existing account, contact and opportunity; a POST does it. htmx gets the choices that follow."""
    user = person(request)
    lead: Lead = get_object_or_404(Lead.objects.visible_to(user), number=number)
    if lead.state == Lead.State.CONVERTED and lead.converted_to is not None:
        return htmx.go(request, lead.converted_to, toast=f"{lead.title} was converted already.")
    if lead.state != Lead.State.QUALIFIED:
        raise lifecycle.IllegalMove(f"This lead is {lead.state}; only a qualified one is converted.")
    form = ConvertForm(request.POST or None, initial=_initial(lead, request.GET))
    if request.method == "POST" and form.is_valid():
        try:
            made = _convert(lead, form, user)
        except lifecycle.IllegalMove:
            raise
        except Refusal as error:
            refuse(form, error)
        else:
            known = f"{made.account} has the opportunity {made.name}."
            new = f"{made.account} is now a customer with an opportunity."
            return htmx.go(request, made, toast=known if form.cleaned_data["account_id"] else new)
    typed = request.POST if request.method == "POST" else request.GET
    context = {"form": form, "lead": lead, **_offered(lead, user, typed)}
    context["crumbs"] = [("Leads", reverse("crm:lead_list")), (lead.title, lead.get_absolute_url())]
    context["lines"] = lead.lines.select_related("offering").order_by("pk")
    return htmx.respond(request, "crm/lead_convert.html", context, part="choices", status=422 if form.errors else 200)


def _initial(lead: Lead, typed: Any) -> dict[str, Any]:
    start = {
        "account": "new", "contact": "new", "opportunity": "new", "account_name": lead.title,
        "tier": Account.Tier.STANDARD, "contact_role": Contact.Role.BUYER,
    }  # fmt: skip
    return {**start, **{name: typed[name] for name in ConvertForm.base_fields if name in typed}}


def _convert(lead: Lead, form: ConvertForm, user: User) -> Opportunity:
    data = form.cleaned_data
    account = data["account_id"]
    if account and not Account.objects.visible_to(user).filter(pk=account).exists():
        raise conversion.Unclear(problems={"account": ["That account does not exist any more."]})
    fields = {"registration": data["registration"], "tier": data["tier"] or Account.Tier.STANDARD}
    choices = conversion.Choices(
        account_id=account, account_name=data["account_name"], account_fields=fields, contact_id=data["contact_id"],
        contact_role=data["contact_role"] or Contact.Role.BUYER, opportunity_id=data["opportunity_id"],
        opportunity_name=data["opportunity_name"], close_on=data["close_on"],
    )  # fmt: skip
    return conversion.convert(lead_id=lead.pk, by=user, choices=choices)


def _offered(lead: Lead, user: User, typed: Any) -> dict[str, Any]:
    """Accounts that may be the customer, and of the chosen one its contacts and open opportunities."""
    find = typed.get("find", "").replace("\x00", "").strip()[:100]
    chosen = typed.get("account", "new")
    visible = Account.objects.visible_to(user)
    if find:
        keys = list(visible.filter(name__icontains=find).order_by("name").values_list("pk", flat=True)[:SHOWN])
    else:
        doubles = capture.doubles(user, company=lead.company, email=lead.email, but_lead=lead.pk)
        keys = [double.pk for double in doubles if double.kind != "lead"]
    account = visible.filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 19 else None
    if account is not None:
        keys.append(account.pk)
    related: dict[str, Any] = {"contacts": [], "opportunities": []}
    if account is not None:
        contacts = Contact.objects.filter(account__root_id=account.root_id).select_related("account")
        same = list(contacts.filter(email__iexact=lead.email)[:SHOWN])
        others = contacts.exclude(pk__in=[contact.pk for contact in same])[: SHOWN - len(same)]
        open_deals = Opportunity.objects.filter(account=account, state=Opportunity.State.OPEN).select_related("stage")
        related = {"contacts": [*same, *others], "opportunities": list(open_deals.order_by("close_on")[:SHOWN])}
    accounts = visible.filter(pk__in=keys).select_related("parent").order_by("name")
    return {
        "find": find, "accounts": list(accounts), "account": account, **related,
        "chosen": {"account": str(account.pk) if account else "new", "contact": typed.get("contact", "new"),
                   "opportunity": typed.get("opportunity", "new")},
    }  # fmt: skip
