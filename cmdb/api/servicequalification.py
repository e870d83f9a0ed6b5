"""TMF645 service qualification: whether a service can be delivered at a site, by when, and what else could."""

from typing import Any

from django.utils import timezone

from cmdb import qualification
from cmdb.api import asking
from cmdb.api.serviceinventory import specification
from cmdb.models import Qualification, QualificationItem
from cmdb.qualification import Asked, Wanted
from crm.api import naming
from kernel.models import User
from kernel.rest import notices, shapes
from kernel.rest.filters import MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json, Rendering, characteristics, moment
from kernel.rest.resource import Resource

FIELDS = {"id": "id", "what": "service.serviceSpecification.id", "site": "service.place[0].id"}


def create(body: Json, user: User) -> int:
    """Ask for services, each named by its specification, at sites of a customer."""
    items = []
    for at, row in enumerate(body["serviceQualificationItem"]):
        service = row.get("service") or {}
        items.append(Wanted(
            place=f"$.serviceQualificationItem[{at}]", id=str(row.get("id") or at + 1),
            service=str((service.get("serviceSpecification") or {}).get("id") or ""),
            site=asking.site_of(service.get("place")), values=asking.values_of(service.get("serviceCharacteristic")),
        ))  # fmt: skip
    asked = Asked(
        kind=Qualification.Kind.SERVICE, account=naming.account_of(body, user), items=items,
        title=str(body.get("description") or ""), reference=str(body.get("externalId") or ""),
        wanted_by=asking.wanted_by(body, "expectedQualificationDate"),
        with_alternatives=bool(body.get("provideAlternative")),
        with_reasons=body.get("provideUnavailabilityReason") is not False,
    )  # fmt: skip
    return qualification.qualify(asked, by=user).pk


def shown(row: Any, page: Rendering) -> Json:
    """One request with its answer."""
    return {
        **asking.head(row, page), "externalId": row.their_reference or None,
        "checkServiceQualificationDate": moment(row.created_at), "expectedQualificationDate": moment(row.wanted_by),
        "serviceQualificationItem": [_item(one, page) for one in row.items.all()],
        "@type": "CheckServiceQualification",
    }  # fmt: skip


def _item(item: QualificationItem, page: Rendering) -> Json:
    found: Json = {**asking.of_item(item), "@type": "CheckServiceQualificationItem", "service": service(item)}
    found |= availability(item, page)
    if item.result:
        found["qualificationResult"] = item.result
    if why := asking.reasons(item, "ServiceEligibilityUnavailabilityReason"):
        found["eligibilityUnavailabilityReason"] = why
    if offered := asking.speeds(item):
        found["alternateServiceProposal"] = [
            {"id": str(number), "alternateService": {"serviceCharacteristic": one["characteristics"],
                                                     "@type": "Service"}}
            for number, one in enumerate(offered, 1)
        ]  # fmt: skip
    return found


def availability(item: QualificationItem, page: Rendering) -> Json:
    """Until when the answer holds, and by when the service could be there."""
    check = item.check_made
    found: Json = {}
    if check is not None and check.valid_until and not item.is_open:
        found["expirationDate"] = moment(check.valid_until)
    if check is not None and check.lead_days and not item.reasons:
        calendar = page.calendars.of(country=item.site.country if item.site else "")
        ready_on = calendar.add(timezone.localdate(check.created_at), check.lead_days)
        found["expectedServiceAvailabilityDate"] = moment(ready_on)
    return found


def service(item: QualificationItem) -> Json:
    """The service that an item is about, at its site."""
    return {
        "serviceSpecification": specification(item.specification),
        "place": asking.where(item), "serviceCharacteristic": characteristics(item.asked), "@type": "Service",
    }  # fmt: skip


CHECK = Resource(
    name="checkServiceQualification", type="CheckServiceQualification", key="key", read_key=shapes.key,
    rows=asking.rows_of(Qualification.Kind.SERVICE), render=shown, ready=asking.ready, create=create,
    path_of=asking.path_of(FIELDS, "serviceQualificationItem"), refused=asking.KEPT, filters={
        **asking.FILTERS, "externalId": Filter("their_reference"),
        "checkServiceQualificationDate": Filter("created_at", MOMENT),
        "serviceQualificationItem.service.serviceSpecification.id": Filter("items__specification__key", many=True),
        "serviceQualificationItem.service.place.id": Filter("items__site", NUMBER, many=True),
    },
)  # fmt: skip
notices.announce(
    Qualification._meta.label_lower,
    notices.Announced("tmf645", "checkServiceQualification", born=frozenset({"asked"}),
                      states={"open": "inProgress", "done": "done"}),
)  # fmt: skip
