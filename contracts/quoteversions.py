"""Versions of quotes: the next one is copied, two are compared line by line, older ones step back or expire."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone

from catalog import memory, valuetypes
from contracts import quotechecks, quotepricing, quoteramps
from contracts.models import LinePrice, Quote, QuoteLine, SignatureRequest
from contracts.models.quotes import OPEN
from kernel import approvals, audit, lifecycle, numbering
from kernel.models import ApprovalRequest, User
from kernel.money import ZERO
from kernel.refusal import Conflict

VALID_DAYS = 30
CHARGED = {"recurring": "monthly", "one_time": "once", "usage": "by use"}

COPIED = (
    "key", "position", "site_id", "offering_id", "quantity", "characteristics", "problems", "manual_discount",
    "feasibility_id", "ramp", "requested_on", "term_months",
)  # fmt: skip
HEAD = (
    "number", "title", "account_id", "opportunity_id", "agreement_id", "price_list_id", "currency", "term_months",
    "manual_discount", "alternative_of", "exchange_rate", "rate_on", "basis_id", "purpose",
)  # fmt: skip
BESIDE = {
    "quantity": "Quantity", "manual_discount": "Discount, %", "ramp": "Ramp", "requested_on": "Requested date",
    "term_months": "Term, months",
}  # fmt: skip
REPLACED = (Quote.State.APPROVED, Quote.State.PRESENTED)
AGREED = (Quote.State.ACCEPTED, Quote.State.COMPLETED)


class NoNewVersion(Conflict):
    """There is no room for a further version."""


@dataclass(frozen=True)
class LineChange:
    """How one line differs. `kind` is added, removed, changed or same; `fields` is name → (old, new).

    `charges` are (label, old, new) of the prices that differ, `told` are (name, old, new) of the fields in words.
    """

    kind: str
    line: QuoteLine
    before: QuoteLine | None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    monthly: Decimal = ZERO
    one_time: Decimal = ZERO
    charges: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)
    told: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side; differences are new minus old."""

    old: Quote
    new: Quote
    head: dict[str, tuple[Any, Any]]
    lines: list[LineChange]

    @property
    def changed(self) -> list[LineChange]:
        """Lines that differ."""
        return [line for line in self.lines if line.kind != "same"]

    @property
    def prices_changed(self) -> int:
        """How many lines have another price."""
        return sum(bool(line.monthly or line.one_time) for line in self.lines)


@transaction.atomic
def new_version(*, quote_id: int, by: User | None, wish: str = "") -> Quote:
    """Copy a submitted version into the next one, a draft with the same line keys; prices are worked out anew.

    Raises:
        NoNewVersion: it is a draft itself, another version is being drafted, or the customer has accepted one.
    """
    source: Quote = Quote.objects.locked(quote_id)
    family = Quote.objects.locked_all(Quote.objects.filter(number=source.number).values_list("pk", flat=True))
    states = {quote.state: quote for quote in family}
    if Quote.State.DRAFT in states:
        raise NoNewVersion(f"{states[Quote.State.DRAFT]} is being drafted already; change that one.")
    if Quote.State.IN_REVIEW in states:
        raise NoNewVersion(f"{states[Quote.State.IN_REVIEW]} is in review; recall it first.")
    if taken := next((states[state] for state in AGREED if state in states), None):
        raise NoNewVersion(f"{taken} was accepted. Reopen it on its order’s page, or quote a change from the contract.")
    newest = max(quote.version for quote in family)
    made = Quote(
        version=newest + 1, wish=wish.strip(), owner=by or source.owner, valid_until=_valid_until(source),
        **{name: getattr(source, name) for name in HEAD},
    )  # fmt: skip
    made.save()
    _copy_lines(source, made)
    lines = quotepricing.lines_of(made)
    quotechecks.answer(lines, by=by)
    quotepricing.price_lines(made, lines)
    audit.record("opened", made, by=by, changes={"version": [source.version, made.version]}, reason=wish)
    return made


def compare(old: Quote, new: Quote) -> Comparison:
    """Both versions line by line, matched by key; the order is that of the newer one, removed lines last."""
    before = {line.key: line for line in _full(old)}
    after = _full(new)
    prices = {quote.pk: _prices(quote) for quote in (old, new)}
    lines = [_change(before.pop(line.key, None), line) for line in after]
    lines += [LineChange("removed", line, line, {}, -line.monthly, -line.one_time) for line in before.values()]
    for change in lines:
        if change.kind != "same":
            key = change.line.key
            change.told.extend(_told(change.line, change.fields))
            change.charges.extend(_charges(prices[old.pk].get(key, {}), prices[new.pk].get(key, {})))
    head = {
        name: (getattr(old, name), getattr(new, name))
        for name in ("term_months", "manual_discount", "valid_until", "price_list", "agreement")
        if getattr(old, name) != getattr(new, name)
    }
    return Comparison(old, new, head, lines)


@transaction.atomic
def alternative(*, quote_id: int, title: str, by: User | None) -> Quote:
    """Copy a quote under a number of its own, to be offered beside it; when one is accepted the others step back.

    The lines keep their keys, so that alternatives can be compared line by line.

    Raises:
        NoNewVersion: the customer has accepted this quote or one of its alternatives.
    """
    source: Quote = Quote.objects.locked(quote_id)
    if taken := next((one for one in alternatives_of(source) if one.state in AGREED), None):
        raise NoNewVersion(f"{taken} was accepted; change the order instead.")
    head = {name: getattr(source, name) for name in HEAD}
    head |= {"number": numbering.take("QUO"), "alternative_of": source.alternative_of or source.number}
    head["title"] = (title.strip() or f"{source.title}, alternative")[:120]
    made = Quote(version=1, owner=by or source.owner, valid_until=_valid_until(source), **head)
    made.save()
    _copy_lines(source, made)
    lines = quotepricing.lines_of(made)
    quotechecks.answer(lines, by=by)
    quotepricing.price_lines(made, lines)
    audit.record("opened", made, by=by, changes={"alternative of": [None, str(source)]})
    return made


def alternatives_of(quote: Quote) -> list[Quote]:
    """The newest version of the quote and of each of its alternatives, in the order they were made."""
    root = quote.alternative_of or quote.number
    rows = Quote.objects.filter(Q(number=root) | Q(alternative_of=root)).order_by("number", "-version")
    return list(rows.distinct("number").select_related("price_list"))


@transaction.atomic
def supersede_older(*, quote_id: int, by: User | None) -> list[int]:
    """Step the older approved or presented versions of the same number back; which ones they were."""
    quote = Quote.objects.get(pk=quote_id)
    older = Quote.objects.filter(number=quote.number, version__lt=quote.version, state__in=REPLACED)
    return lifecycle.move_many(older, Quote.supersede, by=by)


@transaction.atomic
def expire(*, today: dt.date | None = None) -> list[int]:
    """Close open versions whose validity is over; their rounds of approval end."""
    signed = SignatureRequest.objects.filter(  # the customer was in time; what is open is our own signature
        subject_type="contracts.quote", subject_id=OuterRef("pk"), signed_at__isnull=False
    )
    late = Quote.objects.filter(~Exists(signed), state__in=OPEN, valid_until__lt=today or timezone.localdate())
    keys = list(late.values_list("pk", flat=True))
    ApprovalRequest.objects.filter(
        subject_type="contracts.quote", subject_id__in=keys, state=ApprovalRequest.State.OPEN
    ).update(state=ApprovalRequest.State.VOID, closed_at=timezone.now())
    return lifecycle.move_many(Quote.objects.filter(pk__in=keys), Quote.expire, by=None)


def versions_of(quote: Quote) -> list[Quote]:
    """All versions of the number, newest first."""
    return list(Quote.objects.filter(number=quote.number).order_by("-version"))


def ended_approval(quote: Quote) -> Quote | None:
    """The older version whose approval does not hold for this draft, if there was one."""
    if quote.version == 1:
        return None
    older = Quote.objects.filter(number=quote.number, version__lt=quote.version, state__in=REPLACED).order_by(
        "-version"
    )
    previous: Quote | None = older.first()
    if previous is None or approvals.current(previous) is None:
        return None
    return previous


def _valid_until(source: Quote) -> dt.date:
    return max(source.valid_until, timezone.localdate() + dt.timedelta(days=VALID_DAYS))


def _copy_lines(source: Quote, made: Quote) -> None:
    lines = list(QuoteLine.objects.filter(quote=source).order_by("position", "id"))
    copies = [QuoteLine(quote=made, **{name: getattr(line, name) for name in COPIED}) for line in lines]
    QuoteLine.objects.bulk_create(copies)
    by_old = {line.pk: copy for line, copy in zip(lines, copies, strict=True)}
    children = []
    for line in lines:
        if line.parent_id:
            by_old[line.pk].parent = by_old[line.parent_id]
            children.append(by_old[line.pk])
    if children:
        QuoteLine.objects.bulk_update(children, ["parent"])


def _prices(quote: Quote) -> dict[Any, dict[str, Decimal]]:
    """Line key → label of the charge → amount."""
    found: dict[Any, dict[str, Decimal]] = defaultdict(dict)
    rows = (
        LinePrice.objects.filter(line__quote=quote).order_by("id").values_list("line__key", "label", "charge", "amount")
    )
    for key, label, charge, amount in rows:
        said = CHARGED.get(charge, charge)
        found[key][label if label.lower() == said else f"{label}, {said}"] = amount
    return found


def _charges(old: dict[str, Decimal], new: dict[str, Decimal]) -> list[tuple[str, Decimal, Decimal]]:
    labels = dict.fromkeys([*new, *old])
    pairs = [(label, old.get(label, ZERO), new.get(label, ZERO)) for label in labels]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _full(quote: Quote) -> Sequence[QuoteLine]:
    rows = QuoteLine.objects.filter(quote=quote).select_related("site", "offering", "feasibility")
    lines = list(rows.order_by("position", "id"))
    for line in lines:
        line.quote = quote
    return lines


def _change(before: QuoteLine | None, after: QuoteLine) -> LineChange:
    if before is None:
        return LineChange("added", after, None, {}, after.monthly, after.one_time)
    names = sorted({*before.characteristics, *after.characteristics})
    fields = {
        name: (before.characteristics.get(name), after.characteristics.get(name))
        for name in names
        if before.characteristics.get(name) != after.characteristics.get(name)
    }
    for name in BESIDE:
        was, now = _of(before, name), _of(after, name)
        if was != now:
            fields[name] = (was, now)
    monthly, one_time = after.monthly - before.monthly, after.one_time - before.one_time
    kind = "changed" if fields or monthly or one_time else "same"
    return LineChange(kind, after, before, fields, monthly, one_time)


def _of(line: QuoteLine, name: str) -> Any:
    return quoteramps.worded(line, line.quote) if name == "ramp" else getattr(line, name)


def _told(line: QuoteLine, fields: Mapping[str, tuple[Any, Any]]) -> list[tuple[str, str, str]]:
    """What differs as people read it: labels instead of keys."""
    specification = line.offering.specification_id
    known = memory.specifications([specification])[specification].characteristics.all() if specification else ()
    asked = {one.key: one for one in known}
    found = []
    for name, pair in fields.items():
        one = None if name in BESIDE else asked.get(name)
        was, now = (
            "–" if valuetypes.is_empty(value) else valuetypes.told(one, value) if one else str(value) for value in pair
        )
        found.append((one.name if one else BESIDE.get(name, name), was, now))
    return found


def newest(number: str) -> int:
    """The highest version of a number."""
    return int(Quote.objects.filter(number=number).aggregate(last=Max("version"))["last"] or 0)
