"""Casework: what a customer reports becomes a case, somebody takes it, and it is worked on until it is solved."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import references
from crm.models import Account, Case, Contact
from kernel import audit, editing, lifecycle
from kernel.models import User
from kernel.refusal import Conflict, NotPermitted, Refusal

HOURS = {Case.Severity.CRITICAL: 4, Case.Severity.MAJOR: 24, Case.Severity.MINOR: 72}
MOVES = ("start", "wait", "hold", "resume", "resolve", "reopen", "close", "reject", "cancel")
DECIDES = frozenset({"cancel", "close", "reopen"})
TEXTS = {
    "title": ("Say in a few words what it is.", 160),
    "description": ("What happened, since when, and what is the effect?", 20_000),
}
CHECKED = (*TEXTS, "contact", "about", "severity", "kind")
ABOUT = {"PRD": "product", "SRV": "service", "ORD": "order"}
PAGES = {"PRD": "cmdb:product", "SRV": "cmdb:service", "ORD": "orders:order"}


class NotTold(Refusal):
    """Something is missing before it can be worked on; every problem stands at its field."""


@transaction.atomic
def report(*, account: Account, by: User | None, **told: Any) -> Case:
    """Write down a case. `told` are fields of Case.

    Raises:
        NotTold: with every problem at its field.
        NotPermitted: neither one's own customer account nor the right to report for others.
    """
    if (
        by is not None
        and not by.has_perm("crm.add_case")
        and not (by.has_perm("crm.report_case") and Account.objects.visible_to(by).filter(pk=account.pk).exists())
    ):
        raise NotPermitted("Your roles do not include the right to report cases.")
    with references.asked_by(by):
        _require(account, told)
    told["about"] = str(told.get("about") or "").strip().upper()
    severity = told.get("severity", Case.Severity.MINOR)
    case = Case(account=account, due_at=_due(timezone.now(), severity), **told)
    case.save()
    audit.record("reported", case, by=by, changes={"severity": [None, severity], "channel": [None, case.channel]})
    return case


def change(*, case_id: int, edition: int, by: User, **told: Any) -> Case:
    """Correct what is known of an open case.

    Raises:
        NotTold: with every problem at its field.
        Conflict: it is solved or ended.
        Changed: somebody else was faster.
    """
    case: Case = Case.objects.get(pk=case_id)
    require_open(case)
    with references.asked_by(by):
        _require(case.account, {name: told.get(name, getattr(case, name)) for name in CHECKED})
    if "severity" in told and told["severity"] != case.severity:
        told["due_at"] = _due(case.created_at, told["severity"])
    found: Case = editing.edit(Case, case_id, edition=edition, values=told, by=by)
    return found


@transaction.atomic
def take(*, case_id: int, by: User) -> Case:
    """It is mine now; a new one is started. Raises NotPermitted, Conflict when it has ended."""
    if not by.has_perm("crm.work_case"):
        raise NotPermitted("Your roles do not include the right to work on cases.")
    case: Case = Case.objects.locked(case_id)
    if not case.is_open:
        raise Conflict(f"{case.number} is {case.get_state_display().lower()} already.")
    before, case.owner = case.owner, by
    case.save(update_fields=["owner", "updated_at"])
    audit.record("taken", case, by=by, changes={"owner": [str(before) if before else None, str(by)]})
    if case.state == Case.State.ACKNOWLEDGED:
        lifecycle.move(case, Case.start, by=by)
    return case


@transaction.atomic
def move(*, case_id: int, name: str, by: User, because: str = "") -> Case:
    """One move by its name. Raises IllegalMove, NotPermitted; Refusal without the reason that it wants."""
    method: Callable[..., Any] = lifecycle.transition_named(Case, name)
    because = because.strip()
    if not because and any(t.custom.get("needs_reason") for t in method._django_fsm.transitions.values()):  # type: ignore[attr-defined]
        raise Refusal(problems={"reason": ["Say why; the customer reads it."]})
    case: Case = lifecycle.move(Case.objects.locked(case_id), method, by=by, reason=because, because=because)
    return case


@transaction.atomic
def decide(*, case_id: int, name: str, by: User, because: str = "") -> Case:
    """What the customer decides of an own case: take it back, agree that it is solved, or say that it is not.

    Raises as `move` does; NotPermitted for another customer's case.
    """
    case: Case = Case.objects.locked(case_id)
    if name not in DECIDES or not Case.objects.visible_to(by).filter(pk=case_id).exists():
        raise NotPermitted("This is decided by whoever works on the case.")
    reason = because.strip() or f"Said by {by}"
    moved: Case = lifecycle.move(case, lifecycle.transition_named(Case, name), by=None, reason=reason, because=reason)
    return moved


def require_open(case: Case) -> None:
    """Raises Conflict for a case that is solved or ended."""
    if why := why_not(case):
        raise Conflict(why)


def why_not(case: Case) -> str:
    """Why a case is not changed any more, if it is not."""
    if case.is_open:
        return ""
    return f"{case.number} is {case.get_state_display().lower()}; it is not changed any more."


def _due(since: dt.datetime, severity: str) -> dt.datetime:
    return since + dt.timedelta(hours=HOURS[Case.Severity(severity)])


def _require(account: Account, told: dict[str, Any]) -> None:
    problems: dict[str, list[str]] = {}
    for name, (question, most) in TEXTS.items():
        text = str(told.get(name) or "").strip()
        if not text or len(text) > most:
            problems[name] = [question if not text else f"At most {most} characters."]
    for name, words in (("severity", Case.Severity), ("kind", Case.Kind)):
        if name in told and told[name] not in words.values:
            problems[name] = [f"One of {', '.join(words.values)}."]
    contact: Contact | None = told.get("contact")
    if contact is not None and contact.account.root_id != account.root_id:
        problems["contact"] = ["There is no such person at this customer."]
    about = str(told.get("about") or "").strip().upper()
    if about and about[:3] not in PAGES:
        problems["about"] = ["The number of an order, a product or a service, such as PRD0000123."]
    elif about and (problem := references.problem(ABOUT[about[:3]], account.pk, about)):
        problems["about"] = [problem]
    if problems:
        raise NotTold(problems=problems)
