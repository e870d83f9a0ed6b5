"""Talking: what a customer and we tell each other about a quote, over all its versions; internal notes stay inside."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from contracts import requesting
from contracts.models import Quote, SignatureRequest
from kernel import commenting, following
from kernel.models import User
from kernel.models.activity import Comment
from kernel.refusal import NotPermitted, Refusal
from portal import belongings

LABEL = Quote._meta.label_lower


def said(quote: Quote, user: User) -> list[Comment]:
    """What both sides wrote about any version that this customer may see, the oldest first."""
    rows = _open(Quote.objects.visible_to(user).filter(number=quote.number).values("pk"))
    return list(rows.select_related("author").order_by("pk"))


@transaction.atomic
def say(*, quote: Quote, text: str, by: User) -> Comment:
    """Write to those who look after the quote; its owner gets a mail.

    Raises:
        NotPermitted: the person may not ask for quotes of their company.
        Refusal: nothing was written, or too much.
    """
    if not by.has_perm(requesting.RIGHT):
        raise NotPermitted("Your role lets you read quotes, not write about them. Ask your signatory.")
    text = text.replace("\x00", "").strip()
    if not text:
        raise Refusal(problems={"text": ["Write something first."]})
    if len(text) > commenting.LONGEST:
        raise Refusal(problems={"text": [f"Write at most {commenting.LONGEST} characters at once."]})
    owner = quote.owner or quote.account.owner
    url = quote.get_absolute_url()
    return commenting.write(
        record=quote, text=text, by=by, url=url, internal=False, first=[owner] if owner else []
    ).comment


def readers(quote: Quote) -> list[User]:
    """People of the customer who take part: who asked for it, who is to sign it, who wrote about it."""
    number = Quote.objects.filter(number=quote.number).values("pk")
    asked = SignatureRequest.objects.filter(subject_type=LABEL, subject_id__in=number, contact__user__isnull=False)
    wanted = (
        Q(pk__in=asked.values("contact__user")) | Q(pk__in=_open(number).values("author")) | Q(pk=quote.asked_by_id)
    )
    people = User.objects.filter(wanted, is_active=True, groups__name="customer").distinct()
    return [person for person in people if following.may_see(quote, person)]


def is_shown(quote: Quote) -> bool:
    """Whether the customer has a page of this version: it was given to them, or they asked for it."""
    return belongings.is_given(quote) or quote.asked_at is not None


def url_of(quote: Quote) -> str:
    """The customer's page of a version."""
    return reverse("portal:quote", args=[quote.number, quote.version])


def _open(quotes: Any) -> Any:
    return Comment.objects.filter(subject_type=LABEL, subject_id__in=quotes, internal=False)


commenting.share(LABEL, commenting.Sharing(is_shown, readers, url_of))
