"""TMF621 trouble tickets: the cases of customers, reported and followed by other systems."""

from typing import Any

from crm import casework
from crm.api import naming
from crm.models import Case, Contact
from kernel import commenting
from kernel.models import User
from kernel.rest import filters, notices, shapes
from kernel.rest.errors import ApiError, invalid
from kernel.rest.filters import CHOICE, MOMENT, Filter
from kernel.rest.rendering import Json, Rendering, moment
from kernel.rest.resource import Api, Change, Resource

HEAD = {
    "title": "name", "description": "description", "severity": "severity", "kind": "ticketType", "contact":
    "relatedParty", "about": "relatedEntity[0].id", "reason": "statusChangeReason",
}  # fmt: skip
PRIORITY = {"critical": "1", "major": "2", "minor": "3"}
REFERRED = {"PRD": "Product", "SRV": "Service", "ORD": "ProductOrder"}
PATHS = {"PRD": "product", "SRV": "service", "ORD": "productOrder"}
BY_STATE = {
    ("acknowledged", "inProgress"): "start", ("acknowledged", "rejected"): "reject", ("inProgress", "pending"): "wait",
    ("inProgress", "held"): "hold", ("pending", "inProgress"): "resume", ("held", "inProgress"): "resume",
    ("inProgress", "resolved"): "resolve", ("resolved", "inProgress"): "reopen", ("resolved", "closed"): "close",
    **{(state, "cancelled"): "cancel" for state in ("acknowledged", "inProgress", "pending", "held")},
}  # fmt: skip


def create(body: Json, user: User) -> int:
    """A case of the customer that the body names."""
    account = naming.account_of(body, user)
    entities = body.get("relatedEntity") or [{}]
    if body.get("status") not in (None, "acknowledged"):
        raise invalid("$.status", "A ticket begins as acknowledged.")
    text = str(body["description"])
    title = str(body.get("name") or text.strip().partition("\n")[0][:100] or body["ticketType"])
    case = casework.report(
        account=account, by=user, title=title,
        description=text, severity=str(body["severity"]).lower(), kind=str(body["ticketType"]).lower(),
        contact=_contact(body, user), about=str(entities[0].get("id") or "")[:20], channel=Case.Channel.API,
        their_reference=_short(body.get("externalId")),
        wanted_by=shapes.moment(str(body.get("requestedResolutionDate") or "")),
    )  # fmt: skip
    for note in body.get("note") or ():
        commenting.note(case, note.get("text"), by=user)
    return case.pk


def _short(value: Any) -> str:
    if len(str(value or "")) > 60:
        raise invalid("$.externalId", "An external id has at most 60 characters.")
    return str(value or "")


def _contact(body: Json, user: User) -> Contact | None:
    key = naming.party(body, "contact")
    if not key:
        return None
    found: Contact | None = None
    if key.isdecimal() and len(key) < 16:
        found = Contact.objects.visible_to(user).filter(pk=int(key)).select_related("account").first()
    if found is None:
        raise ApiError(400, "There is no such person at this customer.", [("$.relatedParty", "Unknown contact.")])
    return found


def change(pk: int, asked: Change, user: User) -> None:
    """Facts of an open case, notes added, and a status that follows from the present one."""
    case: Case = Case.objects.get(pk=pk)
    said = dict(asked.differing)
    status, because = said.pop("status", None), str(said.pop("statusChangeReason", None) or "")
    _add_notes(case, said.pop("note", None) or (), asked.before.get("note") or (), user)
    told: dict[str, Any] = {}
    for name, value in said.items():
        if name not in PATCHES:
            raise ApiError(409, f"“{name}” of a ticket cannot be changed.", [(f"$.{name}", "Fixed.")])
        told[PATCHES[name]] = _short(value) if name == "externalId" else str(value or "")
    for name in ("severity", "kind"):
        if name in told:
            told[name] = told[name].lower()
    if told:
        casework.change(case_id=pk, edition=case.edition, by=user, **told)
    if status is not None:
        _move(case, str(status).strip(), because, user)


def _add_notes(case: Case, notes: Any, before: Any, user: User) -> None:
    known = {note.get("text") for note in before}
    for note in notes:
        if note.get("text") not in known:
            commenting.note(case, note.get("text"), by=user)


def _move(case: Case, wanted: str, because: str, user: User) -> None:
    name = BY_STATE.get((Case.TMF[case.state], wanted))
    if name is None:
        raise ApiError(409, f"A ticket that is {Case.TMF[case.state]} does not become {wanted}.",
                       [("$.status", "This does not follow.")])  # fmt: skip
    own = name in casework.DECIDES and user.has_perm("crm.report_case")
    if own:
        casework.decide(case_id=case.pk, name=name, by=user, because=because)
    else:
        casework.move(case_id=case.pk, name=name, by=user, because=because)


PATCHES = {
    "name": "title", "description": "description", "severity": "severity", "ticketType": "kind", "externalId":
    "their_reference",
}  # fmt: skip


def shown(row: Case, page: Rendering) -> Json:
    """One case. Comments of people are shown by a face of their own kind only: as notes."""
    parties = [page.ref("customer", row.account.number, row.account.name, role="customer")]
    if row.contact:
        parties.append(page.ref("individual", row.contact.pk, str(row.contact), role="contact"))
    return {
        "name": row.title, "description": row.description, "externalId": row.their_reference or None,
        "ticketType": row.kind, "severity": row.severity, "priority": PRIORITY[row.severity],
        "status": Case.TMF[row.state], "statusChangeDate": moment(row.moved_at),
        "statusChangeReason": row.moved_because or None, "creationDate": moment(row.created_at),
        "lastUpdate": moment(row.updated_at), "expectedResolutionDate": moment(row.due_at),
        "requestedResolutionDate": moment(row.wanted_by), "resolutionDate": moment(row.resolved_at),
        "channel": {"id": row.channel, "name": row.get_channel_display(), "@referredType": "Channel"},
        "relatedParty": parties, "relatedEntity": _about(row, page),
        "note": [{"id": "solution", "text": row.solution, "date": moment(row.resolved_at)}] if row.solution else [],
    }  # fmt: skip


def _about(row: Case, page: Rendering) -> list[Json]:
    if not row.about:
        return []
    kind = row.about[:3]
    return [page.ref(PATHS[kind], row.about, "", REFERRED[kind], role="affected")]


TICKET = Resource(
    name="troubleTicket", type="TroubleTicket", rows=Case.objects.visible_to, render=shown,
    ready=lambda rows, page: rows.select_related("account", "contact"), create=create, change=change,
    path_of=lambda name, body: f"$.{HEAD.get(name, name)}" if name else "$",
    refused={"DELETE": "a ticket stays on record. Set its status to cancelled."},
    frozen=Resource.frozen | {"creationDate", "lastUpdate", "statusChangeDate", "resolutionDate", "statusChange"},
    filters={
        "name": Filter("title"), "externalId": Filter("their_reference"), "relatedEntity.id": Filter("about"),
        "status": Filter("state", CHOICE, filters.words(Case.TMF)), "creationDate": Filter("created_at", MOMENT),
        "severity": Filter("severity", CHOICE, {one: (one,) for one in Case.Severity.values}),
        "ticketType": Filter("kind", CHOICE, {one: (one,) for one in Case.Kind.values}),
        "lastUpdate": Filter("updated_at", MOMENT), "resolutionDate": Filter("resolved_at", MOMENT),
        "expectedResolutionDate": Filter("due_at", MOMENT), "statusChangeDate": Filter("moved_at", MOMENT),
        "relatedParty.id": Filter("account__number"), "relatedParty.name": Filter("account__name"),
        "channel.id": Filter("channel", CHOICE, {one: (one,) for one in Case.Channel.values}),
    },
)  # fmt: skip
API = Api("tmf621", "Trouble tickets", "troubleTicket", (TICKET,))
notices.announce(
    Case._meta.label_lower,
    notices.Announced("tmf621", "troubleTicket", states=Case.TMF, attribute="status", born=frozenset({"reported"}),
                      state_event="StatusChangeEvent"),
)  # fmt: skip
