"""Approval of quotes: a complete draft is frozen, the rules say who has to agree, their answer moves it on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from contracts import quotecompleteness, quotepricing, quotesnapshot
from contracts.models import Quote, QuoteLine
from contracts.quotecompleteness import Problem
from kernel import approvals, decisions, lifecycle
from kernel.approvals import Ask
from kernel.models import ApprovalRequest, ApprovalStep, User
from kernel.money import ZERO
from kernel.refusal import Conflict, Refusal

TABLE = "quote_approval"
LABEL = "contracts.quote"
TOLD = 5  # differences in a refusal
HEALTHY = Decimal(100)  # a margin that no rule minds


class Incomplete(Refusal):
    """The quote cannot be submitted; `found` holds every problem with its place."""

    def __init__(self, found: list[Problem]) -> None:
        self.found = found
        problems: dict[str, list[str]] = {}
        for problem in found:
            problems.setdefault(problem.place or problem.field, []).append(problem.text)
        super().__init__("", problems)


class Changed(Conflict):
    """The quote is not the one that was shown to the approvers."""


@dataclass(frozen=True)
class Figures:
    """What approvers judge: percents, and the value over the term."""

    discount: Decimal
    margin: Decimal
    value: Decimal
    term: int

    def facts(self) -> dict[str, Any]:
        """As the decision table reads them."""
        return {
            "discount": float(self.discount),
            "margin": float(self.margin),
            "value": float(self.value),
            "term": self.term,
        }


@dataclass(frozen=True)
class Reason:
    """One step that the rules ask for; `secret` when only the margin leads to it.

    A row names a role, a team, or a person by log-in; `in_bulk` when it says that such ones may be approved together.
    """

    role: str
    because: str
    sequence: int
    secret: bool = False
    team: str = ""
    person: str = ""
    in_bulk: bool = False


@transaction.atomic
def submit(*, quote_id: int, by: User | None, note: str = "") -> Quote:
    """Price once more, check everything, freeze the version and ask for approval; without need of any it is approved.

    Raises:
        Incomplete: with every problem at its place.
        IllegalMove: it is no draft.
        BrokenRule: there are no rules that say who has to agree; nothing is approved by default.
    """
    quote: Quote = Quote.objects.locked(quote_id)
    if decisions.reader(TABLE) is None:
        raise decisions.BrokenRule(f"Nobody has said who approves quotes: the decision table “{TABLE}” is missing.")
    if quote.state == Quote.State.DRAFT:
        lines = quotepricing.lines_of(quote)
        quotepricing.price_lines(quote, lines)
        if found := quotecompleteness.problems(quote, lines):
            raise Incomplete(found)
        quote.content_hash = fingerprint(quote)
        quote.note_for_approver = note.strip() or quote.note_for_approver
    lifecycle.move(quote, Quote.submit, by=by, reason=quote.note_for_approver)
    needed = [] if _agreed_before(quote) else reasons(quote)
    if not needed:
        return _approved(quote, _why_none(quote))
    approvals.request(
        quote, [_ask(reason) for reason in needed], by=by, url=quote.get_absolute_url(),
        content_hash=quote.content_hash, note=quote.note_for_approver, content=quotesnapshot.take(quote),
    )  # fmt: skip
    return quote


def decide(*, step_id: int, by: User, approve: bool, reason: str = "") -> Quote:
    """Take one decision; the last approval moves the quote on, the first rejection back.

    Raises:
        Refusal: a rejection without a reason.
        NotPermitted, Conflict: see `kernel.approvals.decide`.
    """
    if not approve and not reason.strip():
        raise Refusal(problems={"reason": ["Say why you reject it; whoever asked has to act on it."]})
    made = approvals.decide(step_id, by=by, approve=approve, reason=reason.strip())
    quote: Quote = Quote.objects.get(pk=made.subject_id)
    return quote


@approvals.closed(LABEL)
def follow(made: ApprovalRequest) -> None:
    """Move the quote when its round ended. Raises Changed if it is not what the approvers saw."""
    quote: Quote = Quote.objects.locked(made.subject_id)
    if made.content_hash != quote.content_hash or fingerprint(quote) != quote.content_hash:
        changed = quotesnapshot.difference(made.content, quotesnapshot.take(quote))
        said = f" Changed since: {'; '.join(changed[:TOLD])}." if changed else ""
        raise Changed(f"{quote} is not what was submitted any more; recall it and submit it again.{said}")
    last = made.steps.exclude(decided_by=None).order_by("-decided_at").first()
    if made.state == ApprovalRequest.State.GRANTED:
        _approved(quote, "Every approver agreed.")
    elif made.state == ApprovalRequest.State.REFUSED:
        lifecycle.move(quote, Quote.reject, by=None, reason=last.reason if last else "")


@transaction.atomic
def recall(*, quote_id: int, by: User) -> Quote:
    """Take the quote back from the approvers. Raises IllegalMove unless it is in review."""
    approvals.end(Quote.objects.get(pk=quote_id), ApprovalRequest.State.RECALLED)
    quote: Quote = Quote.objects.locked(quote_id)
    return lifecycle.move(quote, Quote.recall, by=by)  # type: ignore[no-any-return]


@transaction.atomic
def rework(*, quote_id: int, by: User) -> Quote:
    """Make a rejected quote a draft again. Raises IllegalMove unless it was rejected."""
    quote: Quote = Quote.objects.locked(quote_id)
    return lifecycle.move(quote, Quote.rework, by=by)  # type: ignore[no-any-return]


def figures(quote: Quote) -> Figures:
    """Discount is what is taken off by hand and by ramps; all figures are over the whole term."""
    value = quote.value
    cost = quote.over_term_cost + quote.one_time_cost
    return Figures(
        discount=_percent(
            quote.over_term_agreed - quote.over_term + quote.ramp_off,
            quote.over_term_agreed,
        ),
        margin=_percent(value - cost, value) if value else (HEALTHY if not cost else ZERO),
        value=value,
        term=quote.term_months,
    )


def reasons(quote: Quote) -> list[Reason]:
    """The steps that the rules ask for with the present figures, in order; [] when nobody needs to agree."""
    ask = decisions.reader(TABLE)
    if ask is None:
        return []
    facts = figures(quote).facts()
    open_to_all = {(row.get("role"), row.get("because")) for row in ask({**facts, "margin": float(HEALTHY)})}
    merged: dict[str, Reason] = {}
    for row in ask(facts):
        role, because = str(row.get("role") or ""), str(row.get("because") or "")
        team, person = str(row.get("team") or ""), str(row.get("person") or "")
        secret = (row.get("role"), row.get("because")) not in open_to_all
        who, bulk = person or team or role, bool(row.get("in_bulk"))
        if not who:
            continue
        if who in merged:
            before = merged[who]
            bulk = bulk and before.in_bulk
            because = f"{before.because}; {because[:1].lower()}{because[1:]}"
            secret = secret or before.secret
        merged[who] = Reason(role, because, int(row.get("sequence") or 1), secret, team, person, bulk)
    return sorted(merged.values(), key=lambda reason: reason.sequence)


def fingerprint(quote: Quote) -> str:
    """The hash of everything that has a price or leads to one."""
    lines = (
        QuoteLine.objects.filter(quote=quote)
        .order_by("key")
        .values_list(
            "key", "site_id", "offering_id", "quantity", "characteristics", "monthly", "one_time", "ramp", "term_months"
        )
    )
    head: dict[str, Any] = {
        "account": quote.account_id, "agreement": quote.agreement_id, "price_list": quote.price_list_id,
        "currency": quote.currency, "term": quote.term_months,
    }  # fmt: skip
    if quote.exchange_rate is not None:
        head |= {"exchange_rate": quote.exchange_rate, "rate_on": quote.rate_on}
    told = [[*line, *([ramp] if ramp else []), *([{"term": term}] if term else [])] for *line, ramp, term in lines]
    return approvals.fingerprint({**head, "lines": told})


def _ask(reason: Reason) -> Ask:
    """The step. Raises BrokenRule when the rules name a person who is not here any more."""
    person = None
    if reason.person:
        person = User.objects.filter(username=reason.person, is_active=True).first()
        if person is None:
            raise decisions.BrokenRule(f"The rules ask for “{reason.person}”, who has no log-in. Change “{TABLE}”.")
    return Ask(reason.role, reason.because[:200], reason.sequence, reason.team, person, reason.in_bulk)


def steps_of(quote: Quote) -> list[ApprovalStep]:
    """The steps of the latest round."""
    made = approvals.current(quote)
    return list(made.steps.all()) if made else []


def _approved(quote: Quote, reason: str) -> Quote:
    """Move it on, and have a long one printed, so that nobody waits for that when it is presented."""
    from contracts import printruns

    lifecycle.move(quote, Quote.approve, by=None, reason=reason)
    printruns.prepare(quote)
    return quote


def _agreed_before(quote: Quote) -> bool:
    """Whether another version of the same content was approved by people."""
    siblings = Quote.objects.filter(number=quote.number, content_hash=quote.content_hash).exclude(pk=quote.pk)
    return ApprovalRequest.objects.filter(
        subject_type=LABEL, subject_id__in=siblings.values("pk"), state=ApprovalRequest.State.GRANTED,
        content_hash=quote.content_hash,
    ).exists()  # fmt: skip


def _why_none(quote: Quote) -> str:
    if _agreed_before(quote):
        return "An earlier version with the same content was approved."
    return "No rule asks for an approval."


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return round(part * 100 / whole, 2) if whole else ZERO
