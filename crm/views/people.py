"""The people of a customer: everybody at an account and at what is below it, as a list."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.views.decorators.http import require_safe

from crm.models import Contact
from crm.views import listedits
from crm.views.accounts import crumbs, visible
from kernel import tables
from kernel.workspace import allowed, person


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


class Contacts(tables.ListPage):
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

    def rows(self) -> QuerySet[Contact]:
        found: QuerySet[Contact] = super().rows().filter(account__path__startswith=self.scope["account"].path)
        return found


@allowed("crm.view_account", "crm.view_contact")
@require_safe
def people(request: HttpRequest, number: str) -> Any:
    """The people of an account's tree."""
    record = visible(person(request), number)
    context = {"record": record, "crumbs": [*crumbs(record), (record.name, record.get_absolute_url())]}
    return tables.show(request, Contacts, template="crm/contact_list.html", context=context, account=record)
