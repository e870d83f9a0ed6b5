"""Negotiating: proposals asked and answered, prices of open quotes that follow, discounts that quotes push back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contracts import proposals, pushing, repricing
from contracts.forms.deals import ProposalForm, told
from contracts.models import Proposal, Quote, RepriceProposal
from contracts.views import agreements
from kernel import htmx, workspace
from kernel.refusal import Refusal

WORDS = {
    "accept": "Accepted: the agreement says so now.", "reject": "Refused.", "withdraw": "Withdrawn.",
    "counter": "Answered with another proposal.",
}  # fmt: skip


@workspace.allowed("contracts.view_agreement", "contracts.negotiate_agreement")
@require_POST
def propose(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Note a proposal of one side; a refusal stands at its field."""
    agreement = agreements.load(request, number, version)
    form = ProposalForm(request.POST, agreement=agreement, auto_id="proposal_%s")
    if form.is_valid():
        values = form.cleaned_data
        part, _, key = values.pop("item").partition("|")
        try:
            proposals.propose(agreement_id=agreement.pk, part=part, key=key, by=workspace.person(request), **values)
        except Refusal as error:
            if error.status != 422:
                raise
            told(form, error.problems)
        else:
            return htmx.go(request, f"{agreement.get_absolute_url()}#proposals", toast="Proposal noted.")
    return agreements.page(request, agreement, status=422, proposal_form=form)


@workspace.allowed("contracts.view_agreement", "contracts.negotiate_agreement")
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept, refuse, withdraw, or answer with something else."""
    user = workspace.person(request)
    rows = Proposal.objects.visible_to(user).select_related("agreement")
    proposal = get_object_or_404(rows, pk=pk)
    verb, reason = request.POST.get("answer", ""), request.POST.get("reason", "")
    try:
        if verb == "accept":
            proposals.accept(proposal_id=pk, by=user)
        elif verb == "reject":
            proposals.reject(proposal_id=pk, by=user, reason=reason)
        elif verb == "withdraw":
            proposals.withdraw(proposal_id=pk, by=user)
        elif verb == "counter":
            proposals.counter(proposal_id=pk, wanted=request.POST.get("wanted", ""), reason=reason, by=user)
        else:
            raise Refusal("Say how the proposal is answered.")
    except Refusal as error:
        if error.status != 422:
            raise
        agreement = agreements.load(request, proposal.agreement.number, proposal.agreement.version)
        typed: dict[str, Any] = {
            "answered": pk,
            "typed": {"wanted": request.POST.get("wanted", ""), "reason": reason},
            "wrong": {name: texts[0] for name, texts in error.problems.items()},
        }
        return agreements.page(request, agreement, status=422, **typed)
    return htmx.go(request, f"{proposal.agreement.get_absolute_url()}#proposals", toast=WORDS[verb])


@workspace.allowed("contracts.view_agreement", "contracts.edit_quote")
@require_POST
def reprice(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one open quote the new prices, or leave it as it is."""
    user = workspace.person(request)
    proposal = get_object_or_404(RepriceProposal.objects.visible_to(user).select_related("quote"), pk=pk)
    if request.POST.get("answer") == "accept":
        made = repricing.accept(proposal_id=pk, by=user)
        return htmx.go(request, "contracts:quote", made.number, made.version, toast=f"{made} has the new prices.")
    repricing.reject(proposal_id=pk, by=user)
    return htmx.go(
        request, "contracts:quote", proposal.quote.number, proposal.quote.version, toast="The quote stays as it is."
    )


@workspace.allowed("contracts.view_agreement", "contracts.edit_quote")
@require_POST
def reprice_all(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Give every open quote under the agreement the new prices, or work them out anew for those that went on."""
    agreement = agreements.load(request, number, version)
    if request.POST.get("answer") == "again":
        count = len(repricing.offer(agreement.pk))
        text = f"Worked out anew: {count} open {'quote' if count == 1 else 'quotes'}."
    else:
        done, refused = repricing.accept_all(agreement_id=agreement.pk, by=workspace.person(request))
        text = f"{len(done)} {'quote has' if len(done) == 1 else 'quotes have'} the new prices."
        text += "".join(f" {why}" for _, why in refused[:5])
        text += f" {len(refused) - 5} more went on meanwhile." if len(refused) > 5 else ""
    return htmx.go(request, f"{agreement.get_absolute_url()}#reprices", toast=text)


@workspace.allowed("contracts.view_quote", "contracts.negotiate_agreement")
@require_POST
def push(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Propose the quote's own discount for its agreement."""
    quote = _quote(request, number, version)
    made = pushing.push(quote_id=quote.pk, by=workspace.person(request))
    url = f"{made[0].agreement.get_absolute_url()}#proposals"
    return htmx.go(request, url, toast=f"Proposed for {made[0].agreement}.")


@workspace.allowed("contracts.view_quote")
@require_safe
def of_quote(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """Fragment of a quote's page: new prices on offer, the contract behind it, a discount that could be pushed back."""
    quote = _quote(request, number, version)
    context = {
        "quote": quote,
        "reprice": repricing.of_quote(quote),
        "can_reprice": request.user.has_perm(repricing.RIGHT),
        "push_url": reverse("contracts:quote_push", args=[quote.number, quote.version])
        if pushing.possible(quote) and request.user.has_perm("contracts.negotiate_agreement")
        else "",
        "pushed": quote.proposals.select_related("agreement").first(),
    }
    return render(request, "contracts/quote_deal.html", context)


def _quote(request: HttpRequest, number: str, version: int) -> Quote:
    rows = Quote.objects.visible_to(workspace.person(request)).select_related("agreement", "basis")
    found: Quote = get_object_or_404(rows, number=number, version=version)
    return found
