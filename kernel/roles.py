"""Roles: named sets of permissions, each app adding its own; kept as Django groups."""

from collections import defaultdict

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.translation import gettext

from kernel.saying import said

ROLES: dict[str, str] = {
    "customer": "Customer",
    "order_agent": "Order agent",
    "sales_agent": "Sales agent",
    "sales_manager": "Sales manager",
    "order_fulfilment_agent": "Order fulfilment agent",
    "order_manager": "Order manager",
    "order_approver": "Order approver",
    "fulfilment_manager": "Fulfilment manager",
    "fallout_agent": "Fallout agent",
    "fallout_manager": "Fallout manager",
    "process_admin": "Process admin",
    "product_manager": "Product manager",
    "service_agent": "Service agent",
    "technician": "Technician",
    "finance": "Finance",
    "legal": "Legal counsel",
}

_grants: dict[str, set[str]] = defaultdict(set)


def grant(role: str, *permissions: str) -> None:
    """Give a role permissions written as app.codename. Raises KeyError for an unknown role."""
    if role not in ROLES:
        raise KeyError(role)
    _grants[role].update(permissions)


def granted() -> dict[str, set[str]]:
    """Role → permissions, for the page of who may do what."""
    return {role: set(_grants[role]) for role in ROLES}


def words(permission: str) -> str:
    """What a permission, written as app.codename, lets people do: “view decision tables”."""
    label, _, code = permission.partition(".")
    verb, _, noun = code.partition("_")
    for model in apps.get_app_config(label).get_models():
        named = {str(one): str(name) for one, name in model._meta.permissions}
        if code in named:
            return named[code].removeprefix("Can ")
        if noun == model._meta.model_name and verb in model._meta.default_permissions:
            return f"{verb} {model._meta.verbose_name_plural}"
    return code.replace("_", " ")


def sentence(permission: str) -> str:
    """The same in the reader's language, for a list of rights: “Can view decision tables”."""
    verb, _, things = words(permission).partition(" ")
    if verb == "add":
        return gettext("Can add %(things)s") % {"things": said(things)}
    if verb == "change":
        return gettext("Can change %(things)s") % {"things": said(things)}
    if verb == "delete":
        return gettext("Can delete %(things)s") % {"things": said(things)}
    if verb == "view":
        return gettext("Can view %(things)s") % {"things": said(things)}
    return str(said(f"Can {verb} {things}"))


@transaction.atomic
def synchronise() -> None:
    """Bring the groups to what the code grants; safe to run again. Raises ValueError for unknown permissions."""
    known = {f"{p.content_type.app_label}.{p.codename}": p for p in Permission.objects.select_related("content_type")}
    if unknown := {name for names in _grants.values() for name in names} - set(known):
        raise ValueError(f"Unknown permissions: {', '.join(sorted(unknown))}")
    for role in ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([known[name] for name in _grants[role]])


for _role in ROLES:
    if _role != "customer":
        grant(_role, "kernel.use_workspace", "kernel.add_comment", "kernel.view_document", "kernel.add_document")
grant("process_admin", "kernel.view_auditentry")
grant("process_admin", "kernel.view_decisiontable", "kernel.change_decisiontable", "kernel.add_decisiontable")
grant("process_admin", "kernel.publish_decisiontable")
grant("process_admin", "kernel.view_businesscalendar", "kernel.add_businesscalendar", "kernel.change_businesscalendar")
grant("fulfilment_manager", "kernel.view_businesscalendar")
