"""How a state looks: one table from its name to icon, word and tone; apps add theirs with `add`."""

from typing import Any, NamedTuple


class Look(NamedTuple):
    """Icon (Tabler name), word and tone (ok, run, wait, risk, bad, idle) of a state."""

    icon: str
    word: str
    tone: str


_done, _run, _wait, _stop, _bad, _dashed = (
    ("circle-check", "ok"),
    ("progress", "run"),
    ("hourglass", "wait"),
    ("circle-x", "idle"),
    ("alert-triangle", "bad"),
    ("circle-dashed", "idle"),
)
_LOOKS: dict[str, Look] = {}


def add(looks: dict[str, Look]) -> None:
    """Add looks by state name, or by `app.model.state` where one model words a state differently."""
    _LOOKS.update(looks)


def _family(look: tuple[str, str], **words: str) -> None:
    add({name: Look(look[0], word, look[1]) for name, word in words.items()})


_family(
    _done,
    done="Done", completed="Completed", closed="Closed", closed_complete="Closed complete", resolved="Resolved",
    qualified="Qualified", converted="Converted", closed_won="Won", won="Won", approved="Approved",
    granted="Granted", accepted="Accepted", signed="Signed", active="Active", live="Live",
    in_service="In service", installed="Installed", acknowledged="Acknowledged", applied="Applied",
    delivered="Delivered", on_net="On-net", published="Published", succeeded="Succeeded", none="None",
    paid="Paid", met="Met",
)  # fmt: skip
_family(
    _run,
    in_progress="In progress", contacted="Contacted", nurturing="Nurturing", develop="Develop",
    propose="Propose", negotiate="Negotiate", negotiation="In negotiation", submitted="Submitted",
    enrichment_in_progress="Enrichment", cancellation_in_progress="Cancelling", checking="Checking",
    running="Running", amending="Amending", ready="Ready", travelling="On the way", issued="Issued",
    dispatched="Dispatched", scheduled="Scheduled", sent="Sent", attempting="Trying",
)  # fmt: skip
_family(
    _wait,
    waiting="Waiting", waiting_data="Waiting for data", pending="Pending",
    awaiting_information="Awaiting information", awaiting_approval="Awaiting approval", in_review="In review",
    presented="Presented", pending_signature="Awaiting signature", pending_active="Being set up",
    pending_terminate="Ending", assessing_cancellation="Assessing cancellation",
    revision_in_progress="Revision in progress", awaiting_customer="Waiting for the customer", manual="By hand",
)  # fmt: skip
_family(
    _stop,
    cancelled="Cancelled", disqualified="Disqualified", discarded="Discarded", withdrawn="Withdrawn",
    void="Void", recalled="Recalled", terminated="Terminated", retired="Retired", ended="Ended",
    superseded="Superseded", skipped="Skipped", aborted="Aborted", obsolete="Obsolete", inactive="Inactive",
    expired="Expired", countered="Answered otherwise",
)  # fmt: skip
_family(
    _bad, failed="Failed", fallout="In fallout", error="Error", critical="Critical", missed="Missed",
    overdue="Overdue", off_net="Off-net",
)  # fmt: skip
_family(
    _dashed,
    planned="Planned", open="Open", new="New", qualify="Qualify", created="Created", not_started="Not started",
    requested="Requested", reserved="Reserved", designed="Designed", feasibility_checked="Feasibility checked",
    low="Low", free="Free", unassigned="Unassigned",
)  # fmt: skip
add(
    {
        "draft": Look("pencil", "Draft", "idle"),
        "in_design": Look("pencil", "In design", "idle"),
        "testing": Look("progress", "Testing", "run"),
        "rejected": Look("circle-x", "Rejected", "bad"),
        "impossible": Look("circle-x", "Not possible", "bad"),
        "refused": Look("circle-x", "Refused", "bad"),
        "declined": Look("circle-x", "Declined", "bad"),
        "closed_lost": Look("circle-x", "Lost", "bad"),
        "lost": Look("circle-x", "Lost", "bad"),
        "on_hold": Look("player-pause", "On hold", "wait"),
        "held": Look("player-pause", "Held", "wait"),
        "enrichment_on_hold": Look("player-pause", "Enrichment on hold", "wait"),
        "suspended": Look("player-pause", "Suspended", "wait"),
        "paused": Look("player-pause", "Paused", "wait"),
        "partial": Look("circle-half-2", "Partly completed", "risk"),
        "near_net": Look("circle-half-2", "Near-net", "wait"),
        "medium": Look("alert-triangle", "Medium", "idle"),
        "high": Look("flag", "High", "risk"),
        "jeopardy": Look("flag", "Jeopardy", "risk"),
        "unknown": Look("help-circle", "Unknown", "idle"),
    }
)


def look(state: str, record: Any = None) -> Look:
    """The look of a state; one that nobody described is shown by its own name, never as an error."""
    name = str(state or "")
    if record is not None and hasattr(record, "_meta"):
        found = _LOOKS.get(f"{record._meta.label_lower}.{name}")
        if found:
            return found
    return _LOOKS.get(name) or Look("circle-dashed", name.replace("_", " ").capitalize() or "–", "idle")


def icons() -> set[str]:
    """Icons that states use."""
    return {entry.icon for entry in _LOOKS.values()}
