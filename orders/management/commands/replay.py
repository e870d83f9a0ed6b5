"""Tell how an order came to its tree: `replay ORD0000123 --dry-run [--json]`."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.configuration import plain_value
from kernel.refusal import Refusal
from orders import explanation
from orders.explanation import Explained, Reason
from orders.models import Order
from orders.rehearsal import Difference

SAME, DIFFERS, IMPOSSIBLE = 0, 1, 2
SIGNS = {"added": "+", "gone": "-", "changed": "~"}


class Command(BaseCommand):
    """Exit code 0: grown again, the tree is the same, or there is none yet. 1: it differs. 2: it cannot be told."""

    help = (
        "Explain how an order came to its tree, and compare it with the tree grown again. Nothing is changed. "
        "Exit code 0: it is the same, or there is none yet. 1: it differs. 2: no such order, or a broken rule."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", help="number of the order")
        parser.add_argument("--dry-run", action="store_true", help="always so: this command changes nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        order = Order.objects.select_related("account").filter(number=options["order"].upper()).first()
        if order is None:
            raise CommandError(f"There is no order {options['order']}.", returncode=IMPOSSIBLE)
        try:
            found = explanation.explain(order)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=IMPOSSIBLE) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(_document(order, found), default=str, ensure_ascii=False))
        else:
            self._tell(order, found)
        if found.reasons and found.again.steps:
            raise SystemExit(DIFFERS)

    def _tell(self, order: Order, found: Explained) -> None:
        if not found.reasons:
            self._not_yet(order, found)
            return
        self.stdout.write(f"{order.number} {order.title}: {_counted(len(found.reasons), 'domain order')}")
        if found.moment:
            self.stdout.write(f"Rules as in force on {found.moment:%Y-%m-%d %H:%M %Z}, when it was first decomposed.")
        for reason in found.reasons:
            self._reason(reason)
        self._difference("Grown again by its own rules", found.again)
        self._difference("Grown by today’s rules", found.today)

    def _not_yet(self, order: Order, found: Explained) -> None:
        grown = found.again
        self.stdout.write(
            f"{order.number} {order.title} has not been decomposed yet; it is {order.state.replace('_', ' ')}. "
            f"As it stands, today’s rules make {_counted(grown.after, 'domain order')} of it:"
        )
        for step in grown.steps:
            self.stdout.write(f"  line {step.line}: {step.name}{f', {step.site}' if step.site else ''}")

    def _reason(self, reason: Reason) -> None:
        node = reason.node
        pad = "  " * (node.depth + 1)
        place = f", {node.site.name}" if node.site and node.depth == 0 else ""
        self.stdout.write(f"{pad}{node.number} {node.name}{place} [{node.action}, {node.state}]")
        self.stdout.write(f"{pad}  {reason.text}")
        if reason.rule and reason.rule.condition:
            self.stdout.write(f"{pad}  if {reason.rule.condition}")
        if reason.seen:
            self.stdout.write(f"{pad}  saw {_pairs(reason.seen)}")
        for one in reason.values:
            origin = {"kept": "kept from before", "supplied": "supplied"}.get(one.how, f"{one.how}, {one.where}")
            seen = f" ({_pairs(one.seen)})" if one.seen and one.how != "supplied" else ""
            self.stdout.write(f"{pad}  {one.to} = {plain_value(one.value)} – {origin}{seen}")
        for wait in reason.waits:
            self.stdout.write(f"{pad}  waits for {wait.name}: {wait.who}")

    def _difference(self, title: str, found: Difference) -> None:
        if not found.steps:
            self.stdout.write(f"{title}: the same tree.")
            return
        counted = _counted(len(found.steps), "difference")
        self.stdout.write(f"{title}: {counted}, {found.before} nodes before, {found.after} after.")
        for step in found.steps:
            changes = ", ".join(f"{name}: {old or '–'} → {new or '–'}" for name, (old, new) in step.changes.items())
            self.stdout.write(f"  {SIGNS[step.what]} {step.path} {changes}".rstrip())


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {plain_value(value)}" for name, value in values.items())


def _document(order: Order, found: Explained) -> dict[str, Any]:
    return {
        "order": order.number, "decomposed": bool(found.reasons), "first_decomposed": found.moment,
        "nodes": [
            {
                "number": r.node.number, "path": r.node.path, "name": r.node.name, "action": r.node.action,
                "state": r.node.state, "rule": r.rule.key if r.rule else None, "rule_version": r.node.rule_version,
                "because": r.text, "condition": r.rule.condition if r.rule else "", "saw": r.seen,
                "values": [asdict(one) for one in r.values], "waits_for": [asdict(one) for one in r.waits],
            }
            for r in found.reasons
        ],
        "same_again": not found.again.steps if found.reasons else None,
        "differs_again": [asdict(step) for step in found.again.steps],
        "same_today": not found.today.steps, "differs_today": [asdict(step) for step in found.today.steps],
    }  # fmt: skip
