"""Agreement: from the agreed draft through approval and signature into force, and on to its next version or its end."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.db import models, transaction
from django.utils import timezone

from contracts import agreedprices, clauses, differences, documents, events, signature
from contracts.models import (
    Agreement,
    AgreementDiscount,
    AgreementPrice,
    AgreementSla,
    AgreementTerm,
    PartnerTerm,
    Proposal,
    SignatureRequest,
)
from crm.models import Contact
from kernel import approvals, audit, lifecycle, notifications, outbox
from kernel.models import ApprovalRequest, ApprovalStep, User
from kernel.money import plain
from kernel.refusal import Conflict, NotPermitted, Refusal

LABEL = "contracts.agreement"
UNAPPROVED = (
    Agreement.State.DRAFT, Agreement.State.NEGOTIATION, Agreement.State.IN_REVIEW, Agreement.State.REJECTED,
)  # fmt: skip
FINANCE_ABOVE = Decimal(25)  # percent of discount from which finance approves as well


class Incomplete(Refusal):
    """The agreement cannot go to review; every problem at its field."""


class Changed(Conflict):
    """The agreement is not the one that was approved."""


@transaction.atomic
def submit(*, agreement_id: int, by: User, note: str = "") -> ApprovalRequest:
    """Ask our approvers for what both sides agreed on.

    Raises:
        Incomplete: with every problem found.
        IllegalMove: it is not under negotiation.
    """
    agreement = Agreement.objects.locked(agreement_id)
    if problems := _problems(agreement):
        raise Incomplete(problems=problems)
    lifecycle.move(agreement, Agreement.submit, by=by, reason=note)
    return approvals.request(
        agreement, _asks(agreement), by=by, url=url(agreement), content_hash=fingerprint(agreement), note=note
    )


@transaction.atomic
def decide(*, agreement_id: int, by: User, approve: bool, reason: str = "") -> Agreement:
    """Take this person's step of the open round, as from the record page.

    Raises:
        IllegalMove: it is not in review.
        NotPermitted: none of the open steps is this person's.
        Refusal: a rejection without a reason.
    """
    agreement: Agreement = Agreement.objects.locked(agreement_id)
    if agreement.state != Agreement.State.IN_REVIEW:
        raise lifecycle.IllegalMove(
            f"This agreement is {agreement.get_state_display().lower()}; nothing waits for approval."
        )
    if not approve and not reason.strip():
        raise Refusal(problems={"reason": ["Say why you reject it; whoever asked has to act on it."]})
    step = (
        approvals.waiting_for(by).filter(request__subject_type=LABEL, request__subject_id=agreement.pk).first()
        if by.has_perm("contracts.approve_agreement")
        else None
    )
    if step is None:
        raise NotPermitted("None of the open steps is yours: it needs another role, or somebody other than who asked.")
    approvals.decide(step.pk, by=by, approve=approve, reason=reason)
    return Agreement.objects.get(pk=agreement_id)


@approvals.closed(LABEL)
def decided(made: ApprovalRequest) -> None:
    """The round ended: approve or reject. Raises Changed when the content is not what was approved."""
    agreement = Agreement.objects.locked(made.subject_id)
    last = made.steps.exclude(decision=ApprovalStep.Decision.PENDING).order_by("-decided_at").first()
    by = last.decided_by if last else None
    if made.state == ApprovalRequest.State.GRANTED:
        if fingerprint(agreement) != made.content_hash:
            raise Changed("The agreement was changed after it was submitted; it has to be submitted again.")
        lifecycle.move(agreement, Agreement.approve, by=by)
    else:
        lifecycle.move(agreement, Agreement.reject, by=by, reason=last.reason if last else "")


def send(
    *, agreement_id: int, contact_id: int | None, by: User | None, then: Sequence[Contact | User] = ()
) -> SignatureRequest:
    """Make the PDF of an approved agreement and a one-time link for its signatory; the link's `token` is told once.

    `then` sign after them, one after the other.

    Raises:
        IllegalMove: it is not approved.
        Unfit (signature): the contact is another customer's.
        NotPermitted: the person may not negotiate.
    """
    if by is not None and not by.has_perm("contracts.negotiate_agreement"):
        raise NotPermitted("Your roles do not include the right to send agreements.")
    agreement: Agreement = Agreement.objects.get(pk=agreement_id)
    _require_approved(agreement)
    document = documents.agreement_pdf(agreement, by=by)
    with transaction.atomic():
        _require_approved(Agreement.objects.locked(agreement_id))
        contact = Contact.objects.select_related("account").get(pk=contact_id) if contact_id else None
        made, token = signature.ask(subject=agreement, contact=contact, document=document, by=by, then=then)
        made.token = token
        return made


def _require_approved(agreement: Agreement) -> None:
    if agreement.state != Agreement.State.APPROVED:
        word = agreement.get_state_display().lower()
        raise lifecycle.IllegalMove(f"This agreement is {word}; only an approved one is sent for signature.")


def conclude(made: SignatureRequest) -> None:
    """It was signed; it comes into force at once if its period has begun. The caller holds its locks."""
    agreement: Agreement = Agreement.objects.get(pk=made.subject_id)
    lifecycle.move(agreement, Agreement.sign, by=None, reason=f"Signed by {made.signed_name}")
    if agreement.starts_on <= timezone.localdate():
        _activate(agreement)
    if agreement.owner:
        notifications.tell(
            [agreement.owner], f"{agreement} was signed by {made.signed_name}", url(agreement), event="deal", mail=True
        )


def declined(made: SignatureRequest) -> None:
    """The customer said no; it stays approved until somebody sends it again or ends it."""
    agreement: Agreement = Agreement.objects.get(pk=made.subject_id)
    if agreement.owner:
        text = f"{agreement} was declined by {made.signatory}: {made.declined_because}"[:240]
        notifications.tell([agreement.owner], text, url(agreement), event="deal", mail=True)


def lock(agreement_id: int) -> Agreement:
    """The agreement, locked together with its other versions in key order."""
    number = Agreement.objects.values_list("number", flat=True).get(pk=agreement_id)
    rows = Agreement.objects.locked_all(Agreement.objects.filter(number=number).values_list("pk", flat=True))
    found: Agreement = next(row for row in rows if row.pk == agreement_id)
    return found


@transaction.atomic
def activate_due(on: dt.date) -> int:
    """Bring signed agreements into force whose period has begun, end those whose period is over. Returns how many."""
    due = Agreement.objects.filter(state=Agreement.State.SIGNED, starts_on__lte=on).values_list("pk", flat=True)
    begun = Agreement.objects.locked_all(due)
    for agreement in begun:
        if agreement.state == Agreement.State.SIGNED:
            _activate(agreement)
    over = Agreement.objects.filter(state=Agreement.State.ACTIVE, ends_on__lt=on)
    ended = lifecycle.move_many(over, Agreement.expire, by=None)
    return len(begun) + len(ended)


def _activate(agreement: Agreement) -> None:
    older = Agreement.objects.filter(number=agreement.number, state=Agreement.State.ACTIVE).exclude(pk=agreement.pk)
    for replaced in Agreement.objects.locked_all(older.values_list("pk", flat=True)):
        lifecycle.move(replaced, Agreement.terminate, by=None, reason=f"Replaced by version {agreement.version}")
    lifecycle.move(agreement, Agreement.activate, by=None)
    outbox.publish(events.AgreementActivated(agreement_id=agreement.pk))


@transaction.atomic
def new_version(*, agreement_id: int, by: User | None) -> Agreement:
    """Draft the amendment of an agreement in force: version n+1 with everything copied.

    Raises:
        Conflict: it is not active, or a newer version is under way.
        NotPermitted: the person may not negotiate.
    """
    if by is not None and not by.has_perm("contracts.negotiate_agreement"):
        raise NotPermitted("Your roles do not include the right to negotiate agreements.")
    old: Agreement = Agreement.objects.locked(agreement_id)
    if old.state != Agreement.State.ACTIVE:
        raise Conflict(f"Only an agreement in force is amended; this one is {old.get_state_display().lower()}.")
    newer = Agreement.objects.filter(number=old.number, version__gt=old.version).order_by("-version").first()
    if newer:
        raise Conflict(f"Version {newer.version} is under way already.")
    made = Agreement.objects.create(
        number=old.number, version=old.version + 1, account=old.account, opportunity=old.opportunity, title=old.title,
        price_list=old.price_list, currency=old.currency, starts_on=max(old.starts_on, timezone.localdate()),
        ends_on=old.ends_on, term_months=old.term_months, notes=old.notes, owner=by or old.owner,
    )  # fmt: skip
    _copy(old, made)
    audit.record("amendment drafted", made, by=by, changes={"version": [old.version, made.version]})
    return made


def _copy(old: Agreement, made: Agreement) -> None:
    parts: tuple[type[models.Model], ...] = (
        AgreementTerm, AgreementDiscount, AgreementPrice, AgreementSla, PartnerTerm,
    )  # fmt: skip
    for model in parts:
        names = [f.attname for f in model._meta.concrete_fields if f.name not in ("id", "agreement")]
        model._default_manager.bulk_create(
            [
                model(agreement=made, **{name: getattr(row, name) for name in names})
                for row in model._default_manager.filter(agreement=old).order_by("pk")
            ]
        )


def fingerprint(agreement: Agreement) -> str:
    """The hash of everything that is signed."""
    return approvals.fingerprint(differences.content(agreement))


def url(agreement: Agreement) -> str:
    """Its record page."""
    return str(agreement.get_absolute_url())


def _problems(agreement: Agreement) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if not agreement.terms.exists():
        problems["terms"] = ["An agreement without terms cannot be signed; add clauses from the library."]
    if not agreement.slas.exists():
        problems["slas"] = ["Add at least one service level: the contracts of the sites inherit from here."]
    if agreement.ends_on <= timezone.localdate():
        problems["ends_on"] = ["The period is over already."]
    if waiting := agreement.proposals.filter(state=Proposal.State.OPEN).count():
        problems["proposals"] = [f"{waiting} proposals are open; accept, refuse or withdraw each first."]
    left = sorted({name for term in agreement.terms.all() for name in clauses.unfilled(term.text)})
    if left:
        problems.setdefault("terms", []).append(f"Terms still contain {', '.join(left)}.")
    return problems


def _asks(agreement: Agreement) -> list[approvals.Ask]:
    highest = agreement.discounts.aggregate(most=models.Max("percent"))["most"] or Decimal(0)
    highest = max(highest, agreedprices.steepest(agreement).quantize(Decimal("0.1")))
    asks = [approvals.Ask("sales_manager", f"Terms and discounts up to {plain(highest)} %")]
    if changed := len(clauses.deviations(agreement)) + len(clauses.left_out(agreement)):
        asks.append(approvals.Ask("legal", f"{changed} of the terms differ from the clause library"))
    if highest > FINANCE_ABOVE:
        asks.append(approvals.Ask("finance", f"A discount over {FINANCE_ABOVE} %", sequence=2))
    return asks


def submitted(*, agreement_id: int, by: User, note: str = "") -> Agreement:
    """Submit, and the agreement as it is then; for the move buttons."""
    submit(agreement_id=agreement_id, by=by, note=note)
    found: Agreement = Agreement.objects.get(pk=agreement_id)
    return found


def _valid_until(agreement: Agreement) -> dt.date:
    return agreement.ends_on


def _why_closed(agreement: Agreement) -> str:
    waits = agreement.state == Agreement.State.APPROVED
    return "" if waits else "This agreement no longer waits for a signature. Ask your contact."


signature.register(
    LABEL, signature.Subject("agreement", "agreement", lock, conclude, declined, _valid_until, _why_closed)
)
