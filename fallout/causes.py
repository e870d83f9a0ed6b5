"""Causes: the same mark for the same cause, whatever ids, numbers and names stand in its words."""

import hashlib
import re
from typing import Any

from fulfillment.models import Task

_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12,}|[A-Z]{2,4}[-_]?\d{3,}\w*)\b", re.I)
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|‘[^’]*’|'[^']*'")
_NUMBER = re.compile(r"(?<![a-z])\d+(?:[.,:/-]\d+)*", re.I)
GAP = "…"


def plain(cause: str) -> str:
    """The words of a cause without ids, numbers and quoted names: “VLAN 2114 is in use” → “VLAN … is in use”."""
    text = _NUMBER.sub(GAP, _ID.sub(GAP, _QUOTED.sub(GAP, cause)))
    return re.sub(rf"{GAP}(?:[\s,;]*{GAP})+", GAP, " ".join(text.split()))


def fingerprint(operation: str, code: str, cause: str) -> str:
    """The mark that groups records of the same cause: system and operation, the system's code, the plain words."""
    return hashlib.sha256(f"{operation}\n{code}\n{plain(cause).casefold()}".encode()).hexdigest()[:12]


def operation(task: Task) -> str:
    """System and operation that a task calls, else its step."""
    return ".".join(filter(None, (task.item.adapter, task.item.operation))) or task.item.key


def code(task: Task) -> str:
    """What the system called the problem in its last answer, empty when it said nothing."""
    last: Any = task.tries.order_by("-number").values_list("response", flat=True).first()
    return str(last.get("code") or "")[:60] if isinstance(last, dict) else ""
