"""TMF632 parties: organisations are accounts, individuals are the people at them."""

from typing import Any

from crm import accounts
from crm.models import Account, Contact
from kernel.editing import Changed
from kernel.models import User
from kernel.refusal import NotPermitted
from kernel.rest import notices
from kernel.rest.errors import ApiError, invalid
from kernel.rest.filters import CHOICE, MOMENT, Filter
from kernel.rest.rendering import Json, Rendering, moment
from kernel.rest.resource import Api, Change, Resource

KEPT = {"DELETE": "parties are kept, because orders and contracts name them."}
PLACES = {
    "name": "tradingName", "registration": "organizationIdentification", "first_name": "givenName",
    "parent": "organizationParentRelationship", "last_name": "familyName", "email": "contactMedium",
    "account": "relatedParty",
}  # fmt: skip
LENGTHS = {"name": 120, "registration": 40, "first_name": 60, "last_name": 60, "phone": 30, "email": 254}


def _organizations(user: User) -> Any:
    return Account.objects.visible_to(user).exclude(kind=Account.Kind.CONSUMER)


def _individuals(user: User) -> Any:
    return Contact.objects.visible_to(user)


def organization(row: Account, page: Rendering) -> Json:
    """One company."""
    found: Json = {
        "name": row.name, "tradingName": row.name, "status": "validated", "organizationType": row.kind,
        "isLegalEntity": row.kind != Account.Kind.CHILD, "isHeadOffice": row.parent_id is None,
        "existsDuring": {"startDateTime": moment(row.created_at)},
        "organizationChildRelationship": [
            {"relationshipType": "child", "organization": page.ref("organization", one.number, one.name)}
            for one in row.children.all()
        ] if page.wants("organizationChildRelationship") else None,
    }  # fmt: skip
    if row.registration:
        found["organizationIdentification"] = [
            {"identificationId": row.registration, "identificationType": "trade register"}
        ]
    if row.parent is not None:
        found["organizationParentRelationship"] = {
            "relationshipType": "parent", "organization": page.ref("organization", row.parent.number, row.parent.name),
        }  # fmt: skip
    return found


def individual(row: Contact, page: Rendering) -> Json:
    """One person."""
    return {
        "givenName": row.first_name, "familyName": row.last_name, "fullName": str(row), "status": "validated",
        "title": row.job_title or None, "contactMedium": media(row.email, row.phone),
        "relatedParty": [page.ref("organization", row.account.number, row.account.name, role=row.role)],
    }  # fmt: skip


def media(email: str, phone: str = "") -> list[Json]:
    """How somebody is reached."""
    found: list[Json] = [{"mediumType": "email", "preferred": True, "characteristic": {"emailAddress": email}}]
    if phone:
        found.append({"mediumType": "phone", "preferred": False, "characteristic": {"phoneNumber": phone}})
    return found


def _reached(body: Json) -> dict[str, str]:
    found: dict[str, str] = {}
    for medium in body.get("contactMedium") or ():
        said = medium.get("characteristic") or {}
        found |= {"email": said["emailAddress"]} if said.get("emailAddress") else {}
        found |= {"phone": said["phoneNumber"]} if said.get("phoneNumber") else {}
    return found


def _require(user: User, permission: str) -> None:
    if not user.has_perm(permission):
        word = permission.split(".")[-1].replace("_", " ")
        raise NotPermitted(f"The roles of this client do not include the right “{word}”.")


def fitting(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, none longer than it may be. Raises ApiError."""
    for name, value in fields.items():
        if isinstance(value, str) and len(value) > LENGTHS.get(name, 80):
            raise invalid(f"$.{PLACES.get(name, name)}", f"This has at most {LENGTHS.get(name, 80)} characters.")
    return fields


def create_organization(body: Json, user: User) -> int:
    """A legal entity, or a child of one."""
    _require(user, "crm.add_account")
    above = ((body.get("organizationParentRelationship") or {}).get("organization") or {}).get("id")
    parent = Account.objects.visible_to(user).filter(number=str(above)).first() if above else None
    if above and parent is None:
        raise ApiError(400, "There is no such organisation above.", [("$.organizationParentRelationship", "Unknown.")])
    known = [one.get("identificationId") for one in body.get("organizationIdentification") or ()]
    fields = fitting({"name": str(body["tradingName"]).strip(), "registration": str(known[0] or "") if known else ""})
    kind = Account.Kind.CHILD if parent else Account.Kind.LEGAL_ENTITY
    made = accounts.open_account(by=user, kind=kind, parent_id=parent.pk if parent else None, **fields)
    return int(made.pk)


def change_organization(pk: int, asked: Change, user: User) -> None:
    """Its name."""
    _require(user, "crm.change_account")
    wanted = {"tradingName": "name", "name": "name"}
    fields = {wanted[name]: str(value or "").strip() for name, value in asked.differing.items() if name in wanted}
    _require_only(asked, wanted)
    if fields.get("name") == "":
        raise invalid("$.name", "An organisation has a name.")
    if fields:
        edition = Account.objects.get(pk=pk).edition
        accounts.change_account(account_id=pk, edition=edition, by=user, **fitting(fields))


def _require_only(asked: Change, wanted: Any) -> None:
    for name in asked.differing:
        if name not in wanted:
            raise ApiError(409, f"“{name}” cannot be changed here.", [(f"$.{name}", "This cannot be changed.")])


def create_individual(body: Json, user: User) -> int:
    """A person at an account."""
    _require(user, "crm.add_contact")
    numbers = [str(one["id"]) for one in body.get("relatedParty") or ()]
    account = Account.objects.visible_to(user).filter(number__in=numbers).first()
    if account is None:
        raise ApiError(400, "Say where this person works: a related party with the id of a customer or organisation.",
                       [("$.relatedParty", "No customer of ours is named.")])  # fmt: skip
    reached = _reached(body)
    if "email" not in reached:
        raise ApiError(400, "A person has an address for mail.", [("$.contactMedium", "Add an emailAddress.")])
    fields = fitting({"first_name": body["givenName"], "last_name": body["familyName"], **reached})
    return int(accounts.add_contact(account_id=account.pk, by=user, **fields).pk)


def change_individual(pk: int, asked: Change, user: User) -> None:
    """Name and how the person is reached."""
    _require(user, "crm.change_contact")
    _require_only(asked, ("givenName", "familyName", "title", "contactMedium"))
    names = {"givenName": "first_name", "familyName": "last_name", "title": "job_title"}
    fields: dict[str, Any] = {names[k]: str(v or "") for k, v in asked.differing.items() if k in names}
    fields |= _reached(asked.differing)
    if fields:
        try:
            edition = Contact.objects.get(pk=pk).edition
            accounts.change_contact(contact_id=pk, edition=edition, by=user, **fitting(fields))
        except Changed as refusal:
            raise ApiError(412, str(refusal)) from refusal


def path_of(name: str, body: Json) -> str:
    """Where in a body a field of a refusal stands."""
    return f"$.{PLACES.get(name, name)}" if name else "$"


ORGANIZATION = Resource(
    name="organization", type="Organization", rows=_organizations, render=organization, create=create_organization,
    change=change_organization, path_of=path_of, refused=KEPT,
    ready=lambda rows, page: rows.select_related("parent").prefetch_related("children"), filters={
        "name": Filter("name"), "tradingName": Filter("name"),
        "existsDuring.startDateTime": Filter("created_at", MOMENT),
        "organizationType": Filter("kind", CHOICE, {kind: (kind,) for kind in Account.Kind.values}),
        "organizationIdentification.identificationId": Filter("registration"),
        "organizationParentRelationship.organization.id": Filter("parent__number"),
    },
)  # fmt: skip
INDIVIDUAL = Resource(
    name="individual", type="Individual", rows=_individuals, render=individual, key="pk", read_key=int,
    create=create_individual, change=change_individual, path_of=path_of, refused=KEPT,
    ready=lambda rows, page: rows.select_related("account"), filters={
        "givenName": Filter("first_name"), "familyName": Filter("last_name"),
        "contactMedium.characteristic.emailAddress": Filter("email"), "relatedParty.id": Filter("account__number"),
    },
)  # fmt: skip
API = Api("tmf632", "Parties", "party", (INDIVIDUAL, ORGANIZATION))
notices.announce("crm.contact", notices.Announced("tmf632", "individual", born=frozenset({"added"})))
notices.announce("crm.account", notices.Announced(
    "tmf632", "organization", born=frozenset({"opened"}), silent=frozenset({"merged into another", "told apart"})
))  # fmt: skip
