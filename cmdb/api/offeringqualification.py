"""TMF679 product offering qualification: what of the catalogue a customer may have at which site."""

from typing import Any

from cmdb import qualification
from cmdb.api import asking
from cmdb.models import Qualification, QualificationItem
from cmdb.qualification import Asked, Wanted
from crm.api import naming
from kernel.models import User
from kernel.rest import notices, shapes
from kernel.rest.errors import ApiError
from kernel.rest.filters import MOMENT, NUMBER, Filter
from kernel.rest.rendering import Json, Rendering, characteristics, moment
from kernel.rest.resource import Api, Resource

FIELDS = {"id": "id", "what": "productOffering.id", "site": "product.place[0].id"}
ITEMS = "productOfferingQualificationItem"


def create(body: Json, user: User) -> int:
    """Ask for offerings at sites; without items, for everything that is sold, at the places of the request."""
    account = naming.account_of(body, user)
    items = [_wanted(row, at) for at, row in enumerate(body.get(ITEMS) or ())]
    if not items:
        places = [str(one.get("id") or "") for one in body.get("place") or ()]
        items = qualification.everywhere(user, places, str((body.get("category") or {}).get("id") or ""))
    asked = Asked(
        kind=Qualification.Kind.OFFERING, account=account, items=items, title=str(body.get("description") or ""),
        wanted_by=asking.wanted_by(body, "requestedPOQCompletionDate"),
        with_alternatives=bool(body.get("provideAlternative")), only_available=bool(body.get("provideOnlyAvailable")),
        with_reasons=body.get("provideUnavailabilityReason") is not False,
    )  # fmt: skip
    return qualification.qualify(asked, by=user).pk


def _wanted(row: Json, at: int) -> Wanted:
    product = row.get("product") or {}
    if (row.get("action") or "add") != "add":
        raise ApiError(501, "Only what is new is qualified; a change is checked when it is ordered.",
                       [(f"$.{ITEMS}[{at}].action", "Not offered.")])  # fmt: skip
    offering = row.get("productOffering") or product.get("productOffering") or {}
    return Wanted(
        place=f"$.{ITEMS}[{at}]", id=str(row["id"]), offering=str(offering.get("id") or ""),
        site=asking.site_of(product.get("place")), values=asking.values_of(product.get("productCharacteristic")),
    )  # fmt: skip


def shown(row: Any, page: Rendering) -> Json:
    """One request with its answer."""
    return {
        **asking.head(row, page), "productOfferingQualificationDate": moment(row.created_at),
        "requestedPOQCompletionDate": moment(row.wanted_by), ITEMS: [_item(one, page) for one in row.items.all()],
    }  # fmt: skip


def _item(item: QualificationItem, page: Rendering) -> Json:
    offering = page.ref("productOffering", item.offering.key, item.offering.name)
    product = {
        "place": asking.where(item), "productCharacteristic": characteristics(item.asked), "@type": "Product",
    }  # fmt: skip
    found: Json = {
        **asking.of_item(item), "action": "add", "productOffering": offering, "product": product,
        "@type": "ProductOfferingQualificationItem",
    }  # fmt: skip
    if item.result:
        found["qualificationItemResult"] = item.result
    if why := asking.reasons(item, "EligibilityUnavailabilityReason"):
        found["eligibilityUnavailabilityReason"] = why
    if offered := asking.speeds(item):
        found["alternateProductOfferingProposal"] = [
            {"id": str(number), "alternateProductOffering": offering,
             "alternateProduct": {"productCharacteristic": one["characteristics"], "@type": "Product"}}
            for number, one in enumerate(offered, 1)
        ]  # fmt: skip
    return found


CHECK = Resource(
    name="productOfferingQualification", type="ProductOfferingQualification", key="key", read_key=shapes.key,
    rows=asking.rows_of(Qualification.Kind.OFFERING), render=shown, ready=asking.ready, create=create,
    path_of=asking.path_of(FIELDS, ITEMS), refused=asking.KEPT, filters={
        **asking.FILTERS, "productOfferingQualificationDate": Filter("created_at", MOMENT),
        f"{ITEMS}.productOffering.id": Filter("items__offering__key", many=True),
        f"{ITEMS}.productOffering.name": Filter("items__offering__name", many=True),
        f"{ITEMS}.product.place.id": Filter("items__site", NUMBER, many=True),
    },
)  # fmt: skip
API = Api("tmf679", "Product offering qualification", "productOfferingQualification", (CHECK,))
notices.announce(
    Qualification._meta.label_lower,
    notices.Announced("tmf679", "productOfferingQualification", born=frozenset({"asked"}),
                      states={"open": "inProgress", "done": "done"}),
)  # fmt: skip
