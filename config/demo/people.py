"""The demo provider's people, one per role, and their log-ins."""

from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from kernel import roles
from kernel.models import User

PASSWORD = "trunkline-demo"  # noqa: S105  the demo's only; nobody is told to keep it
DOMAIN = "trunkline.example"


@dataclass(frozen=True)
class Person:
    """Who they are and what they do."""

    username: str
    first_name: str
    last_name: str
    role: str
    job_title: str
    teams: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


PEOPLE = (
    Person("mira", "Mira", "Havlik", "sales_agent", "Account manager"),
    Person("petra", "Petra", "Dvorak", "sales_manager", "Head of business sales"),
    Person("jonas", "Jonas", "Weber", "finance", "Commercial controller"),
    Person("tom", "Tom", "Aerts", "order_agent", "Order desk", ("Order Desk",)),
    Person("ingrid", "Ingrid", "Solheim", "order_manager", "Order manager", ("Order Desk",)),
    Person("anke", "Anke", "Vos", "order_approver", "Order approver"),
    Person("ravi", "Ravi", "Iyer", "order_fulfilment_agent", "Delivery engineer",
           ("SD-WAN Design", "Security Design", "IP Provisioning", "Access Orders", "Voice", "Porting"), ("sdwan",)),
    Person("lena", "Lena", "Koch", "fulfilment_manager", "Head of delivery", ("Access Build", "SD-WAN Design")),
    Person("michael", "Michael", "Okafor", "fallout_agent", "Fallout desk",
           ("IP Provisioning", "Access Orders", "Logistics")),
    Person("sofia", "Sofia", "Lund", "fallout_manager", "Head of the fallout desk", ("IP Provisioning",)),
    Person("bram", "Bram", "de Wit", "technician", "Field technician", ("Field Service",), ("cpe", "fibre")),
    Person("nils", "Nils", "Berg", "process_admin", "Process designer"),
    Person("paula", "Paula", "Winter", "product_manager", "Product manager"),
    Person("vera", "Vera", "Lindqvist", "legal", "Legal counsel"),
    Person("clara", "Clara", "Roos", "service_agent", "Service desk"),
)  # fmt: skip


@cache
def _hash() -> str:
    return make_password(PASSWORD)


@transaction.atomic
def seed() -> dict[str, User]:
    """Make the people and the administrator; safe to run again. Role → user, the administrator as "admin"."""
    roles.synchronise()
    groups = {group.name: group for group in Group.objects.all()}
    found: dict[str, User] = {}
    for person in PEOPLE:
        user, _ = User.objects.update_or_create(
            username=person.username,
            defaults={
                "first_name": person.first_name, "last_name": person.last_name, "job_title": person.job_title,
                "email": f"{person.username}@{DOMAIN}", "teams": list(person.teams), "skills": list(person.skills),
                "password": _hash(),
            },
        )  # fmt: skip
        user.groups.set([groups[person.role]])
        found[person.role] = user
    found["admin"], _ = User.objects.update_or_create(
        username="admin",
        defaults={
            "first_name": "Ada", "last_name": "Admin", "email": f"admin@{DOMAIN}", "is_staff": True,
            "is_superuser": True, "password": _hash(), "job_title": "Administrator",
        },
    )  # fmt: skip
    return found


def present() -> dict[str, User]:
    """Role → user of the demo's people who are there already; those that are not are left out."""
    by_name = {user.username: user for user in User.objects.filter(email__endswith=f"@{DOMAIN}")}
    return {person.role: by_name[person.username] for person in PEOPLE if person.username in by_name}


def let_in(user: User) -> None:
    """Give a portal user the demo password."""
    User.objects.filter(pk=user.pk).update(password=_hash())
