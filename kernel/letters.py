"""Letters: mail in the language of whoever gets it."""

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation

from kernel.saying import said


def send(subject: str, body: str, address: str, *, language: str = "") -> None:
    """Send a mail whose words code made in English; an empty language is the usual one."""
    with translation.override(language or settings.LANGUAGE_CODE):
        send_mail(said(subject), said(body), None, [address])
