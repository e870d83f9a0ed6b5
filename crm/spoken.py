"""The language of a customer: what the people who use the portal chose, whoever signs first."""

from django.conf import settings

from crm.models.accounts import Account, Contact


def by_customer(account: Account) -> str:
    """The language that papers for this customer are in; English until somebody there has chosen another."""
    rows = Contact.objects.filter(account=account, user__is_active=True).exclude(user__language="")
    chosen = {role: str(language) for role, language in rows.order_by("-pk").values_list("role", "user__language")}
    return chosen.get(Contact.Role.SIGNATORY) or next(iter(chosen.values()), settings.LANGUAGE_CODE)


def by_contact(contact: Contact | None) -> str:
    """The language of letters to this person."""
    user = contact.user if contact else None
    return (user.language if user else "") or settings.LANGUAGE_CODE
