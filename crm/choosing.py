"""Choosing: customers, their people and places, and those of us who sell, for every form that names one."""

from typing import Any

from crm.models import Account, BillingProfile, Contact, LeadImport, Site
from kernel import choosing, colleagues
from kernel.models import User


def accounts(by: User, top: bool = False, kind: str = "") -> Any:
    """Customers that somebody sees; `top` leaves out what is below another, `kind` keeps one kind."""
    rows = Account.objects.visible_to(by).order_by("name", "pk")
    rows = rows.filter(parent=None) if top else rows
    return rows.filter(kind=kind) if kind else rows


def contacts(by: User, root: int = 0, signs: bool = False, but: tuple[int, ...] = ()) -> Any:
    """People of one customer's whole tree, or of all; `signs` keeps signatories, `but` leaves some out."""
    rows = Contact.objects.visible_to(by).select_related("account").order_by("last_name", "first_name", "pk")
    rows = rows.filter(account__root_id=root) if root else rows
    rows = rows.filter(role=Contact.Role.SIGNATORY) if signs else rows
    return rows.exclude(pk__in=but) if but else rows


def sites(by: User, below: str = "") -> Any:
    """Locations, or those of the account at a path and below it."""
    rows = Site.objects.visible_to(by).select_related("account").order_by("account__name", "country", "code")
    return rows.filter(account__path__startswith=below) if below else rows


def profiles(by: User, root: int) -> Any:
    """How the accounts of a tree pay."""
    return BillingProfile.objects.visible_to(by).filter(account__root_id=root).order_by("name", "pk")


def sellers(by: User | None = None) -> Any:
    """Our people who may own a customer or a deal."""
    found = User.objects.filter(groups__name__in=("sales_agent", "sales_manager"), is_active=True)
    return found.distinct().order_by("first_name", "last_name")


def helpers(by: User) -> Any:
    """Our people who solve cases."""
    return User.objects.filter(groups__name="service_agent").distinct().order_by("last_name", "first_name")


def imports(by: User) -> Any:
    """Files of leads that were taken in, the latest first."""
    return LeadImport.objects.filter(applied_at__isnull=False).order_by("-pk")


def ours(by: User) -> Any:
    """Our people, whatever they do."""
    found = User.objects.filter(is_active=True, groups__isnull=False).exclude(groups__name="customer")
    return found.distinct().order_by("last_name", "first_name")


PEOPLE: dict[str, Any] = {"search": colleagues.SEARCH, "label": colleagues.label}
WHO = ("last_name", "first_name", "email", "account__name")
choosing.register(
    "crm.account", rows=accounts, search=("name", "number", "registration"), detail=lambda account: account.number
)
choosing.register(
    "crm.contact", rows=contacts, search=WHO, label=lambda one: f"{one}, {one.account.name}",
    detail=lambda one: one.job_title or one.get_role_display(),
)  # fmt: skip
choosing.register("crm.signatory", rows=contacts, search=WHO, label=lambda one: f"{one}, {one.email}",
                  detail=lambda one: one.account.name)  # fmt: skip
choosing.register(
    "crm.site", rows=sites, search=("name", "code", "city", "account__name"),
    detail=lambda site: f"{site.city}, {site.country} · {site.account.name}",
)  # fmt: skip
choosing.register("crm.profile", rows=profiles, search=("name", "invoice_email"))
choosing.register("crm.helper", rows=helpers, **PEOPLE)
choosing.register("crm.leadimport", rows=imports, search=("name",))
choosing.register("crm.seller", rows=sellers, **PEOPLE)
choosing.register("crm.ours", rows=ours, **PEOPLE)
