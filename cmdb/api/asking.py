"""Requests of other systems what can be had where: what TMF645 and TMF679 have in common."""

from typing import Any

from django.db.models import Prefetch

from cmdb.api.productinventory import place
from cmdb.models import Qualification, QualificationItem
from kernel.rest import shapes
from kernel.rest.filters import FLAG, MOMENT, Filter
from kernel.rest.rendering import Json, Rendering, characteristics, moment

KEPT = {
    "PATCH": "an answer stays as it was given. Ask again.", "DELETE": "an answer is kept as it was given.",
}  # fmt: skip


def rows_of(kind: str) -> Any:
    """What a caller may see of one kind."""
    return lambda user: Qualification.objects.visible_to(user).filter(kind=kind)


def ready(rows: Any, page: Rendering) -> Any:
    """With items and what they name; a constant number of queries."""
    items = QualificationItem.objects.select_related("offering", "specification", "site", "check_made", "qualification")
    return rows.select_related("account").prefetch_related(Prefetch("items", items.order_by("position", "id")))


def wanted_by(body: Json, name: str) -> Any:
    """The moment by which an answer is wanted, or None."""
    return shapes.moment(str(body[name])) if body.get(name) else None


def values_of(rows: Any) -> dict[str, Any]:
    """Characteristics of a body by name."""
    return {str(one["name"]): one["value"] for one in rows or ()}


def site_of(places: Any) -> str:
    """The id of the first place."""
    return str((places or [{}])[0].get("id") or "")


def state_of(row: Qualification) -> str:
    """As both interfaces call it."""
    return "inProgress" if any(one.is_open for one in row.items.all()) else "done"


def result_of(row: Qualification) -> str | None:
    """The result of all items together, None while one is open."""
    found = {one.result for one in row.items.all()}
    if "" in found:
        return None
    return next((word for word in ("unqualified", "alternate") if word in found), "qualified")


def head(row: Qualification, page: Rendering) -> Json:
    """What both write of a request."""
    until = [one.check_made.valid_until for one in row.items.all() if one.check_made and one.check_made.valid_until]
    done = state_of(row) == "done"
    return {
        "description": row.title, "state": state_of(row), "qualificationResult": result_of(row),
        "provideAlternative": row.with_alternatives, "provideUnavailabilityReason": row.with_reasons,
        "effectiveQualificationDate": moment(row.updated_at) if done else None,
        "expirationDate": moment(min(until)) if until and done else None,
        "relatedParty": [page.ref("customer", row.account.number, row.account.name, role="customer")],
    }  # fmt: skip


def reasons(item: QualificationItem, kind: str) -> list[Json]:
    """Why an item cannot be had, if that was asked for."""
    if not item.qualification.with_reasons:
        return []
    code = "notEligible" if item.problems else "notReachable"
    return [{"code": code, "label": text, "@type": kind} for text in item.reasons]


def speeds(item: QualificationItem) -> list[Json]:
    """Bandwidths that can be had instead, as characteristics, if that was asked for."""
    found = item.check_made
    if found is None or item.problems or not item.qualification.with_alternatives:
        return []
    offered = [one for one in found.alternatives if one.get("result")]
    return [{"characteristics": characteristics({"bandwidth": one["bandwidth"]}), "days": one.get("lead_days")}
            for one in offered]  # fmt: skip


def of_item(item: QualificationItem) -> Json:
    """What both write of an item."""
    return {"id": item.their_item, "state": "inProgress" if item.is_open else "done"}


def where(item: QualificationItem) -> list[Json]:
    """The site of an item."""
    return place(item.site)


HEAD = {
    "description": Filter("title"), "relatedParty.id": Filter("account__number"),
    "relatedParty.name": Filter("account__name"), "effectiveQualificationDate": Filter("updated_at", MOMENT),
}  # fmt: skip
FILTERS = HEAD | {
    "provideAlternative": Filter("with_alternatives", FLAG),
    "provideUnavailabilityReason": Filter("with_reasons", FLAG),
}


def path_of(fields: dict[str, str], items: str) -> Any:
    """Where in a body a field of a refusal stands; `fields` are those of an item, `items` the name of their list."""

    def found(name: str, body: Json) -> str:
        place, _, rest = name.rpartition(":")
        if place:
            return f"{place}.{fields.get(rest, rest)}" if place != "place" else "$.place"
        return f"$.{items}" if name == "items" else f"$.{name}" if name else "$"

    return found
