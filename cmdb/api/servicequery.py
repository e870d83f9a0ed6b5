"""TMF645 queryServiceQualification: which services can be delivered at a site."""

from typing import Any

from cmdb import qualification
from cmdb.api import asking
from cmdb.api.servicequalification import CHECK, availability, service
from cmdb.models import Qualification, QualificationItem
from cmdb.qualification import Asked, Wanted
from crm.api import naming
from kernel.models import User
from kernel.rest import notices, shapes
from kernel.rest.errors import invalid
from kernel.rest.filters import MOMENT, Filter
from kernel.rest.rendering import Json, Rendering, moment
from kernel.rest.resource import Api, Resource

FIELDS = {"what": "service.serviceSpecification.id", "site": "service.place[0].id"}
CRITERIA = "$.searchCriteria"


def create(body: Json, user: User) -> int:
    """Look for services at a site; a specification among the criteria narrows it to that one."""
    criteria = body["searchCriteria"]
    wanted = criteria.get("service") or {}
    site, values = asking.site_of(wanted.get("place")), asking.values_of(wanted.get("serviceCharacteristic"))
    if criteria.get("category"):
        raise invalid(f"{CRITERIA}.category", "Services have no categories here; name a service, or none.")
    if not site:
        raise invalid(f"{CRITERIA}.service.place", "Say at which site.")
    key = str((wanted.get("serviceSpecification") or {}).get("id") or "")
    items = [Wanted(CRITERIA, "1", service=key, site=site, values=values)] if key else []
    asked = Asked(
        kind=Qualification.Kind.QUERY, account=naming.account_of(body, user),
        items=items or qualification.services_at(user, site, values), title=str(body.get("description") or ""),
        reference=str(body.get("externalId") or ""), wanted_by=asking.wanted_by(body, "expectedQualificationDate"),
        only_available=True, criteria=criteria,
    )  # fmt: skip
    return qualification.qualify(asked, by=user).pk


def path_of(name: str, body: Json) -> str:
    """Where in a body a field of a refusal stands: there is one place for all items."""
    _, _, rest = name.rpartition(":")
    return f"{CRITERIA}.{FIELDS[rest]}" if rest in FIELDS else CRITERIA if rest else "$"


def shown(row: Any, page: Rendering) -> Json:
    """One query with what was found; a service that turns out to be out of reach is none of it."""
    found = asking.head(row, page)
    wanted = ("description", "state", "effectiveQualificationDate", "expirationDate", "relatedParty")
    return {
        **{name: found[name] for name in wanted}, "externalId": row.their_reference or None,
        "queryServiceQualificationDate": moment(row.created_at), "expectedQualificationDate": moment(row.wanted_by),
        "searchCriteria": row.criteria, "@type": "QueryServiceQualification",
        "serviceQualificationItem": [
            _item(one, page) for one in row.items.all() if not one.reasons and not one.is_open
        ],
    }  # fmt: skip


def _item(item: QualificationItem, page: Rendering) -> Json:
    return {"id": item.their_item, **availability(item, page), "service": service(item),
            "@type": "ServiceQualificationItem"}  # fmt: skip


QUERY = Resource(
    name="queryServiceQualification", type="QueryServiceQualification", key="key", read_key=shapes.key,
    rows=asking.rows_of(Qualification.Kind.QUERY), render=shown, ready=asking.ready, create=create, path_of=path_of,
    refused=asking.KEPT, filters={
        **asking.HEAD, "externalId": Filter("their_reference"),
        "queryServiceQualificationDate": Filter("created_at", MOMENT),
        "serviceQualificationItem.service.serviceSpecification.id": Filter("items__specification__key", many=True),
    },
)  # fmt: skip
API = Api("tmf645", "Service qualification", "serviceQualificationManagement", (CHECK, QUERY))
notices.announce(
    Qualification._meta.label_lower,
    notices.Announced("tmf645", "queryServiceQualification", born=frozenset({"asked"}),
                      states={"open": "inProgress", "done": "done"}),
)  # fmt: skip
