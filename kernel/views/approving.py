"""Approving: decide one or several, hand one over, name a deputy, remind."""

from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import approvals, deputies, htmx, judging, workspace
from kernel.forms import AwayForm, DelegateForm
from kernel.models.approvals import Absence, ApprovalRequest, ApprovalStep
from kernel.refusal import Refusal

PAGE = 100
MINE = 20
REASON = 2000


@workspace.allowed("kernel.use_workspace")
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """Approvals that this person could decide now, those they wait for, and who stands in for whom."""
    return _page(request, AwayForm(person=workspace.person(request)))


@workspace.allowed("kernel.use_workspace")
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or reject one step; a rejection needs its reason."""
    step = get_object_or_404(ApprovalStep.objects.select_related("request"), pk=pk)
    approve = request.POST.get("decision") == "approve"
    reason = _reason(request)
    if not approve and not reason:
        wrong = {"reason": ["Say why you reject it; whoever asked has to act on it."]}
        return _refused(request, step, Refusal(problems=wrong))
    made = approvals.decide(step.pk, by=workspace.person(request), approve=approve, reason=reason)
    return _back(request, f"{made.subject_name} {'approved' if approve else 'rejected'}.")


@workspace.allowed("kernel.use_workspace")
@require_POST
def approve_many(request: HttpRequest) -> HttpResponse:
    """Approve the chosen ones of those that the rules let be approved together; each stands for itself."""
    user = workspace.person(request)
    keys = [int(key) for key in request.POST.getlist("step")[:PAGE] if key.isdecimal() and len(key) < 18]
    if not keys:
        raise Refusal("Choose at least one approval.")
    allowed = set(approvals.waiting_for(user).filter(pk__in=keys, in_bulk=True).values_list("pk", flat=True))
    left = []
    for key in sorted(set(keys)):
        try:
            if key not in allowed:
                raise Refusal("It is decided one by one, or not by you.")
            approvals.decide(key, by=user, approve=True, reason=_reason(request))
        except Refusal as error:
            left.append(str(error))
    done = len(set(keys)) - len(left)
    said = f"{done} approved." + (f" {len(left)} left: {left[0]}" if left else "")
    return _back(request, said)


@workspace.allowed("kernel.use_workspace")
@require_POST
def delegate(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a colleague decide one step."""
    step = get_object_or_404(ApprovalStep, pk=pk)
    form = DelegateForm(request.POST, person=workspace.person(request))
    if not form.is_valid():
        return _refused(request, step, Refusal(problems={"to": ["Choose a colleague."]}))
    to = form.cleaned_data["to"]
    try:
        deputies.delegate(step_id=step.pk, to=to, by=workspace.person(request), reason=_reason(request))
    except Refusal as error:
        return _refused(request, step, error)
    return _back(request, f"{to} decides instead.")


@workspace.allowed("kernel.use_workspace")
@require_POST
def remind(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell the approvers once more."""
    get_object_or_404(ApprovalRequest, pk=pk, requested_by=workspace.person(request))
    made = deputies.remind(request_id=pk, by=workspace.person(request))
    return _back(request, f"Reminded of {made.subject_name}.")


@workspace.allowed("kernel.use_workspace")
@require_POST
def away(request: HttpRequest) -> HttpResponse:
    """Name a deputy for some days, or come back."""
    user = workspace.person(request)
    if back := request.POST.get("back_again", ""):
        absence = get_object_or_404(Absence, pk=int(back) if back.isdecimal() and len(back) < 18 else 0, person=user)
        deputies.be_back(absence_id=absence.pk, person=user)
        return _back(request, "Your approvals come to you again.")
    form = AwayForm(request.POST, person=user)
    form.is_valid()
    given = form.cleaned_data
    try:
        made = deputies.be_away(
            person=user, deputy=given.get("deputy"), starts_on=given.get("starts_on"), ends_on=given.get("ends_on")
        )
    except Refusal as error:
        for name, texts in error.problems.items():
            if name not in form.errors:
                form.add_error(name, texts[0])
        return _page(request, form, status=422)
    return _back(request, f"{made.deputy} decides for you on those days.")


def _refused(request: HttpRequest, step: ApprovalStep, error: Refusal) -> HttpResponse:
    """Say at its field what was wrong with one approval; a panel on another page says it there.

    Raises the refusal where the page of approvals does not show this one, or it is about no field.
    """
    person = workspace.person(request)
    elsewhere = request.headers.get("HX-Request") or request.POST.get("back")
    if elsewhere or not error.problems or not approvals.waiting_for(person).filter(pk=step.pk).exists():
        raise error
    name, texts = next(iter(error.problems.items()))
    wrong = {"step": step.pk, "field": name, "why": texts[0], "to": request.POST.get("to", "")}
    return _page(request, AwayForm(person=person), status=422, wrong=wrong)


def _page(
    request: HttpRequest, form: AwayForm, *, status: int = 200, wrong: dict[str, Any] | None = None
) -> HttpResponse:
    user = workspace.person(request)
    steps = list(approvals.waiting_for(user)[:PAGE])
    mine = ApprovalRequest.objects.filter(requested_by=user, state=ApprovalRequest.State.OPEN)
    context = {
        "steps": judging.abouts(user, steps),
        "bulk": sum(step.in_bulk for step in steps),
        "decided": ApprovalStep.objects.filter(decided_by=user)
        .select_related("request__requested_by")
        .order_by("-decided_at")[:10],
        "asked": mine.prefetch_related("steps__person").order_by("-id")[:MINE],
        "away": Absence.objects.filter(person=user).select_related("deputy").order_by("-starts_on")[:5],
        "away_for": approvals.away_for(user),
        "form": form,
        "wrong": wrong,
        "colleagues": list(DelegateForm(person=user).fields["to"].choices),  # type: ignore[attr-defined]
    }
    return render(request, "approvals.html", context, status=status)


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "").strip()[:REASON]


def _back(request: HttpRequest, said: str) -> HttpResponse:
    cache.delete(f"nav:approvals:{workspace.person(request).pk}")
    return htmx.go(request, htmx.way_back(request, reverse("approvals")), toast=said)
