"""The people of a customer: everybody at an account and at what is below it, as a list."""

from typing import Any

from django.http import HttpRequest
from django.views.decorators.http import require_safe

from crm.models import Contact
from crm.views import listedits
from crm.views.accounts import OfTree, of_tree
from kernel import tables
from kernel.workspace import allowed


class ContactTable(tables.Table):
    """Columns of a customer's people."""

    person = tables.Name(
        url=lambda one: one.account.get_absolute_url(), sub="account.name", verbose_name="Person",
        order_by=("last_name",),
    )  # fmt: skip
    job_title = tables.Text(verbose_name="Job title", optional=True)
    role = tables.Text(accessor="get_role_display", order_by=("role",), verbose_name="Role")
    email = tables.Text(verbose_name="E-mail")
    phone = tables.Text(optional=True)


class ContactFilter(tables.Filters):
    """Filters of a customer's people."""

    role = tables.Choices(choices=Contact.Role.choices)

    class Meta:
        model = Contact
        fields = ["role"]


class Contacts(OfTree):
    """Everybody at an account and at what is below it."""

    title = "People"
    model = Contact
    table = ContactTable
    filters = ContactFilter
    search = ("first_name", "last_name", "email", "job_title")
    search_label = "Name, e-mail, job"
    sort = "person"
    related = ("account",)
    edits = listedits.CONTACTS
    empty = tables.Empty(
        "users",
        "Nobody yet",
        "A quote is presented to a contact, and somebody signs it. Add one on the account’s page.",
    )


@allowed("crm.view_account", "crm.view_contact")
@require_safe
def people(request: HttpRequest, number: str) -> Any:
    """The people of an account's tree."""
    return of_tree(request, number, Contacts, "crm/contact_list.html")
