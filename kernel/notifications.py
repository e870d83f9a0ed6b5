"""Notifications: tell people, in the app and by mail after the commit."""

from collections.abc import Iterable

from django.core.mail import send_mail
from django.db import transaction

from kernel.models.activity import Notification
from kernel.models.people import User


def tell(people: Iterable[User], text: str, url: str = "", *, mail: bool = False) -> None:
    """Write one notification per person; with `mail`, send the text by mail once the transaction has committed."""
    people = list(people)
    Notification.objects.bulk_create(Notification(user=person, text=text[:240], url=url) for person in people)
    if mail:
        addresses = [person.email for person in people if person.email]
        transaction.on_commit(lambda: _mail(addresses, text, url), robust=True)


def _mail(addresses: list[str], text: str, url: str) -> None:
    from django.conf import settings

    for address in addresses:
        send_mail(text, f"{text}\n\n{settings.BASE_URL}{url}\n", None, [address])
