"""Contracts, what is done with them: quoted from, renewed, changed, given notice, ended early, printed."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts import basis, contractpapers, earlytermination, ending, renewing
from contracts.forms.contracts import EndForm, RuleForm
from contracts.forms.deals import told
from contracts.models import Contract, Termination
from contracts.views.contracts import load, page
from kernel import htmx, workspace
from kernel.decisions import BrokenRule
from kernel.refusal import Refusal

WORDS = {
    "new": "Quote opened with the contract’s terms. Add what the customer wants on top.",
    "amendment": "Quote opened with everything the contract has. Untouched lines keep their price.",
    "renewal": "Renewal opened with everything the contract has, at today’s prices.",
}


@workspace.allowed("contracts.view_contract", "contracts.edit_quote")
@require_POST
def quote(request: HttpRequest, number: str) -> HttpResponse:
    """Start a quote from the contract: `purpose` is new, amendment or renewal."""
    purpose = request.POST.get("purpose", "")
    made = basis.start(contract_id=load(request, number).pk, purpose=purpose, by=workspace.person(request))
    return htmx.go(request, "contracts:quote", made.number, made.version, toast=WORDS[purpose])


@workspace.allowed("contracts.view_contract", "contracts.add_termination")
@require_POST
def notice(request: HttpRequest, number: str) -> HttpResponse:
    """Note that notice was given; one that came too late is refused at its field."""
    contract = load(request, number)
    try:
        day = parse_date(request.POST.get("on", ""))
    except ValueError:
        day = None
    try:
        if day is None:
            raise Refusal(problems={"on": ["Say on which day the notice came."]})
        renewing.give_notice(contract_id=contract.pk, by=workspace.person(request), on=day)
    except Refusal as error:
        if error.status != 422:
            raise
        typed = {"notice_problems": error.problems, "notice_on": request.POST.get("on", "")}
        return page(request, contract, status=422, **typed)
    return htmx.go(request, "contracts:contract", contract.number, toast="Notice noted: it ends with its term.")


@workspace.allowed("contracts.view_contract", "contracts.move_contract")
@require_POST
def rule(request: HttpRequest, number: str) -> HttpResponse:
    """Say what happens at the end of the term."""
    contract = load(request, number)
    form = RuleForm(request.POST, instance=contract)
    if form.is_valid():
        try:
            renewing.set_rule(contract_id=contract.pk, by=workspace.person(request), **form.cleaned_data)
        except Refusal as error:
            if error.status != 422:
                raise
            told(form, error.problems)
        else:
            return htmx.go(request, "contracts:contract", contract.number, toast="Saved.")
    return page(request, contract, status=422, rule_form=form)


@workspace.allowed("contracts.view_contract", "contracts.add_termination")
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, number: str) -> HttpResponse:
    """Preview the charge of an early end, and ask for it. `?on=` shows another last day."""
    contract = load(request, number)
    if request.method != "POST":
        form = EndForm(initial={"on": request.GET["on"]} if request.GET.get("on") else None)
        return _end_page(request, contract, form)
    form = EndForm(request.POST)
    if "show" in request.POST:  # only the day counts yet
        for name in form.errors.keys() - {"on"}:
            del form.errors[name]
    elif form.is_valid():
        try:
            made = ending.ask(contract_id=contract.pk, by=workspace.person(request), **form.cleaned_data)
        except Refusal as error:
            if error.status != 422:
                raise
            told(form, error.problems)
        else:
            return htmx.go(request, made.get_absolute_url(), toast=f"{made.number} waits for approval.")
    return _end_page(request, contract, form, status=422 if form.errors else 200)


@workspace.allowed("contracts.view_contract", "contracts.add_termination")
@require_POST
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """The contract goes on after all."""
    contract = load(request, number)
    made = get_object_or_404(Termination, contract=contract, number=request.POST.get("termination", ""))
    try:
        ending.withdraw(
            termination_id=made.pk, by=workspace.person(request), reason=request.POST.get("reason", "").strip()
        )
    except Refusal as error:
        if error.status != 422:
            raise
        return page(request, contract, status=422, withdraw_problems=error.problems)
    return htmx.go(request, "contracts:contract", contract.number, toast="Withdrawn; the contract goes on.")


@workspace.allowed("contracts.view_contract")
@require_safe
def pdf(request: HttpRequest, number: str) -> HttpResponse:
    """The contract on paper, as it stands."""
    contract = load(request, number)
    return _file(contractpapers.contract_pdf(contract), f"{contract.number}.pdf")


@workspace.allowed("contracts.view_contract")
@require_safe
def amendment_pdf(request: HttpRequest, number: str, amendment: int) -> HttpResponse:
    """One amendment on paper."""
    contract = load(request, number)
    found = get_object_or_404(contract.amendments.select_related("contract__account", "quote"), number=amendment)
    return _file(contractpapers.amendment_pdf(found), f"{contract.number}-amendment-{amendment}.pdf")


@workspace.allowed("contracts.view_contract")
@require_safe
def notice_pdf(request: HttpRequest, number: str, termination: str) -> HttpResponse:
    """The notice of an early end on paper."""
    contract = load(request, number)
    rows = contract.terminations.select_related("contract__account", "contract__site", "asked_by")
    found = get_object_or_404(rows, number=termination)
    return _file(contractpapers.notice_pdf(found), f"{contract.number}-{found.number}.pdf")


def _file(content: bytes, name: str) -> HttpResponse:
    disposition = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=disposition)


def _end_page(request: HttpRequest, contract: Contract, form: forms.Form, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form, "record": contract, "live": contract.state in earlytermination.LIVE,
        "title": f"End {contract.number} early", "back": reverse("contracts:contract", args=[contract.number]),
    }  # fmt: skip
    day = form["on"].value()
    day = parse_date(day) if isinstance(day, str) else day
    if context["live"] and day:
        try:
            context["preview"] = earlytermination.preview(contract, day)
        except BrokenRule as error:
            context["broken"] = str(error)
    return render(request, "contracts/contract_end.html", context, status=status)
