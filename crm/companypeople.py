"""Company people: a customer's signatory says who else of the own company can log in, and as what."""

from typing import Any

from django.db import transaction

from crm import accounts
from crm.models import Account, Contact
from kernel.models import User
from kernel.refusal import NotPermitted, Refusal

ROLES = [choice for choice in Contact.Role.choices if choice[0] != Contact.Role.SIGNATORY]


class NotSignatory(NotPermitted):
    """Somebody who may not sign for the company decides about its people."""


class NotChangedHere(Refusal):
    """A person whom the company cannot change by itself."""


def manager(by: User) -> Contact | None:
    """Who somebody is at their company, if they may decide about its people: a signatory."""
    found: Contact | None = (
        Contact.objects.filter(user=by, role=Contact.Role.SIGNATORY).select_related("account").first()
    )
    return found


def require(by: User) -> Contact:
    """Who somebody is at their company. Raises NotSignatory when they may not decide about its people."""
    own = manager(by)
    if own is None:
        raise NotSignatory("Only a signatory of your company decides who can log in.")
    return own


def companies(by: User) -> Any:
    """Companies about whose people somebody decides: the own one and those below it."""
    own = manager(by)
    return _below(own, by) if own else Account.objects.none()


def without(by: User) -> Any:
    """People of those companies who cannot log in, and whose address nobody logs in with."""
    known = Contact.objects.filter(account__in=companies(by).values("pk"))
    taken = known.filter(user__isnull=False).values("email")
    return (
        known.filter(user=None).exclude(email__in=taken).select_related("account").order_by("last_name", "first_name")
    )


@transaction.atomic
def invite(*, account_id: int, role: str, by: User, **person: Any) -> Contact:
    """Add a colleague who can log in; a mail with a link to choose a password goes out.

    Raises:
        NotSignatory: `by` may not decide.
        Refusal: another company, a role that only we give, or an address that cannot log in.
    """
    own = require(by)
    if role not in dict(ROLES):
        raise Refusal(problems={"role": ["Choose one of the roles offered."]})
    if not _below(own, by).filter(pk=account_id).exists():
        raise Refusal(problems={"account": ["Choose one of your companies."]})
    return accounts.add_contact(account_id=account_id, role=role, by=by, portal_access=True, **person)


@transaction.atomic
def change_role(*, contact_id: int, role: str, by: User) -> Contact:
    """Another role of a colleague. Raises NotSignatory, Contact.DoesNotExist, NotChangedHere, Duplicate."""
    contact = _colleague(contact_id, by)
    if role not in dict(ROLES):
        raise Refusal(problems={"role": ["Choose one of the roles offered."]})
    return accounts.change_contact(contact_id=contact.pk, edition=contact.edition, by=by, role=role)


@transaction.atomic
def let_in(*, contact_id: int, by: User) -> None:
    """Give a colleague whom we know a log-in. Raises NotSignatory, Contact.DoesNotExist, NoPortalAccess."""
    accounts.let_in(contact_id=_of_company(contact_id, by).pk, by=by)


@transaction.atomic
def shut_out(*, contact_id: int, by: User) -> None:
    """Close a colleague's log-in. Raises NotSignatory, Contact.DoesNotExist, NotChangedHere."""
    accounts.shut_out(contact_id=_colleague(contact_id, by).pk, by=by)


def _below(own: Contact, by: User) -> Any:
    return Account.objects.visible_to(by).filter(path__startswith=own.account.path).order_by("path")


def _of_company(contact_id: int, by: User) -> Contact:
    known = _below(require(by), by)
    found: Contact = Contact.objects.get(pk=contact_id, account__in=known.values("pk"))
    return found


def _colleague(contact_id: int, by: User) -> Contact:
    contact = _of_company(contact_id, by)
    if contact.user_id == by.pk:
        raise NotChangedHere("This is you. Another signatory or your contact with us changes it.")
    if contact.role == Contact.Role.SIGNATORY:
        raise NotChangedHere(f"{contact} may sign for your company. Your contact with us changes that.")
    return contact
