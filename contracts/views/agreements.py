"""Agreements: the list, the record with its parts, and how they are written while they are negotiated."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts import (
    agreeddiscounts,
    agreedprices,
    agreementcontent,
    clauses,
    differences,
    documents,
    negotiation,
    proposals,
    repricing,
)
from contracts import agreement as acts
from contracts.forms import deals as dealforms
from contracts.models import Agreement, AgreementPrice, Proposal, RepriceProposal
from kernel import editing, htmx, tables, workspace, writing
from kernel.models import User
from kernel.refusal import Refusal

RECORD = "contracts/agreement.html"


class AgreementTable(tables.Table):
    """Columns of the list."""

    title = tables.Name(sub=lambda record: f"{record.number}, version {record.version}", verbose_name="Agreement")
    account = tables.Text(accessor="account__name", verbose_name="Customer", order_by="account__name")
    state = tables.State()
    starts_on = tables.Date(verbose_name="From", optional=True)
    ends_on = tables.Date(verbose_name="Until")
    owner = tables.Text(optional=True, orderable=False)


class AgreementFilter(tables.Filters):
    """Chips of the list."""

    state = tables.States(Agreement)

    class Meta:
        model = Agreement
        fields: tuple[str, ...] = ()


class Agreements(tables.ListPage):
    """All agreements, every version."""

    title = "Agreements"
    model = Agreement
    table = AgreementTable
    filters = AgreementFilter
    search = ("number", "title", "account__name")
    sort = "-starts_on"
    related = ("account", "owner")
    empty = tables.Empty(
        "heart-handshake",
        "No agreements yet",
        "An agreement settles prices, service levels and terms with a legal entity once, for all its quotes.",
    )
    new = tables.New("New agreement", "contracts:agreement_new", "contracts.add_agreement")


@workspace.allowed("contracts.view_agreement")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Agreements)


@workspace.allowed("contracts.add_agreement", "contracts.negotiate_agreement")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Draft one; `?account=` or `?opportunity=` fills the form."""
    user = workspace.person(request)
    start = {name: request.GET[name] for name in ("account", "opportunity") if writing.whole(request.GET.get(name, ""))}
    form = dealforms.NewAgreementForm(request.POST or None, user=user, initial=start)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = negotiation.draft(
                account_id=values["account"].pk, title=values["title"], price_list_id=values["price_list"].pk,
                starts_on=values["starts_on"], ends_on=values["ends_on"], term_months=values["term_months"],
                opportunity_id=values["opportunity"].pk if values["opportunity"] else None, notes=values["notes"],
                by=user,
            )  # fmt: skip
        except Refusal as error:
            dealforms.told(form, error.problems)
        else:
            return htmx.go(request, acts.url(made), toast=f"{made} drafted with the standard clauses.")
    context = {"form": form, "title": "New agreement", "back": reverse("contracts:agreement_list")}
    return render(request, "contracts/agreement_form.html", context, status=_status(form))


@workspace.allowed("contracts.view_agreement")
@require_safe
def latest(request: HttpRequest, number: str) -> HttpResponse:
    """The newest version under a number."""
    rows = Agreement.objects.visible_to(workspace.person(request)).filter(number=number).order_by("-version")
    found = rows.first()
    if found is None:
        raise Http404("There is no such agreement.")
    return htmx.go(request, acts.url(found))


@workspace.allowed("contracts.view_agreement")
@require_safe
def record(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """One version with its parts."""
    return page(request, load(request, number, version))


@workspace.allowed("contracts.view_agreement", "contracts.negotiate_agreement")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Change the head; a second editor sees what the first one stored."""
    agreement = load(request, number, version)
    form = dealforms.AgreementForm(request.POST or None, instance=agreement)
    context: dict[str, Any] = {
        "form": form, "record": agreement, "title": f"Edit {agreement}", "back": acts.url(agreement),
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in negotiation.FIELDS}
        edition = form.cleaned_data["edition"] or 0
        try:
            negotiation.change(agreement_id=agreement.pk, edition=edition, by=workspace.person(request), **values)
        except editing.Changed as error:
            typed = request.POST.copy()
            typed["edition"] = str(error.edition)
            form.data = typed
            return render(request, "contracts/agreement_form.html", {**context, "conflict": error}, status=409)
        except Refusal as error:
            if error.status != 422:
                raise
            dealforms.told(form, error.problems)
        else:
            return htmx.go(request, acts.url(agreement), toast="Agreement saved.")
    return render(request, "contracts/agreement_form.html", context, status=_status(form))


@workspace.allowed("contracts.view_agreement", "contracts.negotiate_agreement")
@require_POST
def part(request: HttpRequest, number: str, version: int, part: str) -> HttpResponse:
    """Add to, change or take from one part of an agreement; a refusal stands at its field on the same page."""
    agreement = load(request, number, version)
    user = workspace.person(request)
    if "remove" in request.POST:
        _remove(part, agreement, user, request.POST.get("remove", ""))
        return htmx.go(request, f"{acts.url(agreement)}#{part}", toast="Taken out.")
    form = _form(part, agreement, user, request.POST)
    if form.is_valid():
        try:
            _add(part, agreement, user, {**form.cleaned_data, "term_id": request.POST.get("term", "")})
        except Refusal as error:
            if error.status != 422:
                raise
            dealforms.told(form, error.problems)
        else:
            return htmx.go(request, f"{acts.url(agreement)}#{part}", toast="Saved.")
    return page(request, agreement, opened=part, form=form, status=422)


@workspace.allowed("contracts.view_agreement", "contracts.negotiate_agreement")
@require_POST
def amend(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Draft the next version of one in force."""
    made = acts.new_version(agreement_id=load(request, number, version).pk, by=workspace.person(request))
    return htmx.go(
        request, acts.url(made), toast=f"{made} drafted; version {version} stays in force until it is signed."
    )


@workspace.allowed("contracts.view_agreement")
@require_safe
def pdf(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """What the customer would get now, marked as a draft before it is approved."""
    agreement = load(request, number, version)
    content = documents.agreement_bytes(agreement, draft=agreement.state in acts.UNAPPROVED)
    name = f"{agreement.number}-v{agreement.version}-preview.pdf"
    return HttpResponse(
        content, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


def load(request: HttpRequest, number: str, version: int) -> Agreement:
    """A version that this person sees. Raises Http404."""
    rows = Agreement.objects.visible_to(workspace.person(request)).select_related(
        "account", "owner", "price_list", "opportunity"
    )
    found: Agreement = get_object_or_404(rows, number=number, version=version)
    return found


def page(
    request: HttpRequest, agreement: Agreement, *, opened: str = "", form: forms.Form | None = None, status: int = 200,
    **typed: Any,
) -> HttpResponse:  # fmt: skip
    """The record; `typed` are refused inputs with their problems."""
    user = workspace.person(request)
    open_now = agreement.state in negotiation.OPEN and user.has_perm(negotiation.RIGHT)
    shown = agreementcontent.content(agreement)
    context: dict[str, Any] = {
        "record": agreement,
        "crumbs": [
            ("Agreements", reverse("contracts:agreement_list")),
            (agreement.account.name, _account_url(agreement)),
        ],
        "title": agreement.title,
        "content": shown,
        "account_url": _account_url(agreement),
        "most": max((discount.percent for discount in shown.discounts), key=float, default=""),
        "discounts": negotiation.discounts_of(agreement),
        "prices": _prices(agreement),
        "slas": [(sla, agreementcontent.level(sla.metric, sla.value)) for sla in agreement.slas.order_by("metric")],
        "rounds": list(agreement.rounds.select_related("by").order_by("-number")),
        "versions": Agreement.objects.filter(number=agreement.number).exclude(pk=agreement.pk).order_by("-version"),
        "open_now": open_now,
        "opened": opened,
        "can_amend": agreement.state == "active" and request.user.has_perm(negotiation.RIGHT),
        "typed_term": request.POST.get("term", "") if opened == "terms" else "",
    }
    context |= _talk(request, agreement) | typed
    if open_now:
        context.setdefault("proposal_form", dealforms.ProposalForm(agreement=agreement, auto_id="proposal_%s"))
        context["forms"] = {name: form if name == opened else _form(name, agreement, user) for name in _FORMS}
    return render(request, RECORD, context, status=status)


def _prices(agreement: Agreement) -> list[tuple[AgreementPrice, Decimal | None, Decimal | None]]:
    """Fixed prices with that of the list, and by how many percent they are below it."""
    rows = agreedprices.against_list(agreement)
    return [(row, plain, (plain - row.amount) / plain * 100 if plain else None) for row, plain in rows]


def _talk(request: HttpRequest, agreement: Agreement) -> dict[str, Any]:
    """Proposals, prices that follow, what differs from the library, what partners owe, what was promised."""
    found = proposals.of_agreement(agreement)
    reprices = list(agreement.reprices.select_related("quote").order_by("quote__number", "-id"))
    promised, spent = agreeddiscounts.committed(agreement)
    return {
        "proposals": found,
        "open_count": sum(one.state == Proposal.State.OPEN for one in found),
        "reprices": reprices,
        "open_reprices": sum(one.state == RepriceProposal.State.OPEN for one in reprices),
        "can_reprice": request.user.has_perm(repricing.RIGHT),
        "deviations": [
            (term, differences.words(words, term.text) if words else [])
            for term, words in clauses.deviations(agreement)
        ],
        "left_out": clauses.left_out(agreement),
        "partners": list(agreement.partner_terms.select_related("partner", "offering")),
        "promised": promised,
        "spent": spent,
    }


def _account_url(agreement: Agreement) -> str:
    return reverse("crm:account", args=[agreement.account.number])


def _status(form: forms.BaseForm) -> int:
    return 422 if form.is_bound and form.errors else 200


def _form(part: str, agreement: Agreement, by: User, data: Any = None) -> forms.Form:
    if part not in _FORMS:
        raise Http404("There is no such part of an agreement.")
    return _FORMS[part](agreement, by, data)


_FORMS: dict[str, Callable[[Agreement, User, Any], forms.Form]] = {
    "clauses": lambda agreement, by, data: dealforms.ClauseForm(data, agreement=agreement, prefix=None),
    "terms": lambda agreement, by, data: dealforms.TermForm(data, auto_id="term_%s"),
    "discounts": lambda agreement, by, data: dealforms.DiscountForm(data, by=by, auto_id="discount_%s"),
    "prices": lambda agreement, by, data: dealforms.PriceForm(data, agreement=agreement, by=by, auto_id="price_%s"),
    "levels": lambda agreement, by, data: dealforms.LevelForm(data, auto_id="level_%s"),
    "partners": lambda agreement, by, data: dealforms.PartnerForm(data, by=by, auto_id="partner_%s"),
    "rounds": lambda agreement, by, data: dealforms.RoundForm(data, auto_id="round_%s"),
}


def _add(part: str, agreement: Agreement, user: User, values: dict[str, Any]) -> None:
    key = agreement.pk
    if part == "clauses":
        negotiation.add_clause(agreement_id=key, clause_id=values["clause"].pk, by=user)
    elif part == "terms" and writing.whole(values["term_id"]):
        negotiation.reword_term(
            agreement_id=key,
            term_id=writing.whole(values["term_id"]),
            title=values["title"],
            text=values["text"],
            by=user,
        )
    elif part == "terms":
        negotiation.add_term(agreement_id=key, title=values["title"], text=values["text"], by=user)
    elif part == "discounts":
        offering = values["offering"].pk if values["offering"] else None
        negotiation.add_discount(
            agreement_id=key, offering_id=offering, charge=values["charge"], percent=values["percent"], by=user,
            category_id=values["category"].pk if values["category"] else None, commitment=values["commitment"],
            valid_from=values["valid_from"], valid_until=values["valid_until"],
        )  # fmt: skip
    elif part == "prices":
        price = values["listed"]
        agreedprices.add(
            agreement_id=key, offering_id=price.offering_id, charge=price.charge, label=price.label,
            amount=values["amount"], when=values["when"], by=user,
        )  # fmt: skip
    elif part == "partners":
        negotiation.set_partner_term(
            agreement_id=key, partner_id=values["partner"].pk, text=values["text"], by=user,
            offering_id=values["offering"].pk if values["offering"] else None,
        )  # fmt: skip
    elif part == "levels":
        negotiation.set_sla(agreement_id=key, metric=values["metric"], value=values["value"], by=user)
    else:
        negotiation.note_round(agreement_id=key, side=values["side"], text=values["text"], by=user)


def _remove(part: str, agreement: Agreement, user: User, key: str) -> None:
    rows: Any = {
        "terms": agreement.terms,
        "discounts": agreement.discounts,
        "prices": agreement.prices,
        "levels": agreement.slas,
        "partners": agreement.partner_terms,
    }.get(part)
    if rows is None or not writing.whole(key):
        raise Http404("There is nothing of that kind to take out.")
    get_object_or_404(rows, pk=writing.whole(key))
    if part == "terms":
        negotiation.remove_term(agreement_id=agreement.pk, term_id=int(key), by=user)
    elif part == "discounts":
        negotiation.remove_discount(agreement_id=agreement.pk, discount_id=int(key), by=user)
    elif part == "prices":
        agreedprices.remove(agreement_id=agreement.pk, price_id=int(key), by=user)
    elif part == "partners":
        negotiation.remove_partner_term(agreement_id=agreement.pk, term_id=int(key), by=user)
    else:
        negotiation.remove_sla(agreement_id=agreement.pk, sla_id=int(key), by=user)
