"""Comments that name people, followed and recent records, and the choice of what one hears of."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.core import mail
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.models import Lead
from kernel import following, lifecycle, notifications, outbox
from kernel.models import Follow, Notification, NotificationChoice, User, Visit
from tests.factories.crm import AccountFactory, LeadFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
Committed = Callable[..., object]


@pytest.fixture
def mira(client: Client) -> User:
    user: User = UserFactory(role="sales_agent", username="mira")
    client.force_login(user)
    return user


@pytest.fixture
def petra() -> User:
    user: User = UserFactory(role="sales_manager", username="petra")
    return user


def write(client: Client, record: Lead, text: str) -> str:
    return client.post(reverse("activity", args=["crm.lead", record.pk]), {"text": text}, headers=HTMX).content.decode()


def test_who_is_named_hears_at_once_and_follows_from_then_on(
    client: Client, mira: User, petra: User, django_capture_on_commit_callbacks: Committed
) -> None:
    lead = LeadFactory(owner=mira)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        page = write(client, lead, "@petra can we give 20 %? <b>@nobody</b> mail@petra.example")
    assert '<b class="mention">@petra</b>' in page
    assert "&lt;b&gt;" in page
    told = Notification.objects.get(user=petra)
    assert told.event == "mention"
    assert told.url == lead.get_absolute_url()
    assert [sent.to for sent in mail.outbox] == [[petra.email]]
    assert following.follows(lead, petra)
    assert following.follows(lead, mira)
    assert not Notification.objects.filter(user=mira).exists()

    write(client, lead, "They say yes.")
    assert set(Notification.objects.filter(user=petra).values_list("event", "waits")) == {
        ("mention", False), ("comment", True),
    }  # fmt: skip


def test_who_may_not_see_the_record_is_not_told_and_the_author_hears_so(client: Client, mira: User) -> None:
    bram = UserFactory(role="technician", username="bram")
    page = write(client, LeadFactory(), "Ask @bram")
    assert "may not see this record and was not told" in page
    assert not bram.notifications.exists()
    assert not Follow.objects.filter(user=bram).exists()


def test_the_list_of_colleagues_has_those_who_may_see_such_records(client: Client, mira: User, petra: User) -> None:
    UserFactory(role="technician", username="petrus")
    url = reverse("mention", args=["crm.lead", LeadFactory().pk])
    page = client.get(url, {"q": "Petr"}).content.decode()
    assert 'data-name="petra"' in page
    assert "petrus" not in page
    assert client.get(reverse("mention", args=["crm.lead", 0])).status_code == 404


def test_followers_hear_of_moves_until_they_leave_or_may_no_longer_see_it(
    client: Client, mira: User, petra: User
) -> None:
    lead = LeadFactory(owner=mira)
    url = reverse("follow", args=["crm.lead", lead.pk])
    assert "Following" in client.post(url, headers=HTMX).content.decode()
    following.follow(lead, petra)
    lifecycle.move(lead, Lead.contact, by=petra)
    outbox.drain()
    assert mira.notifications.get().text == f"{lead} is now contacted"
    assert not petra.notifications.exists(), "nobody is told of their own act"
    assert "Follow" in client.post(url, {"leave": "1"}, headers=HTMX).content.decode()
    petra.groups.clear()
    lifecycle.move(Lead.objects.get(pk=lead.pk), Lead.nurture, by=mira)
    outbox.drain()
    assert mira.notifications.count() == 1
    assert not petra.notifications.exists()


def test_records_opened_last_are_found_on_the_home_page_and_in_the_palette(client: Client, mira: User) -> None:
    account, lead = AccountFactory(name="Meridian Logistics"), LeadFactory()
    for record in (lead, account, lead, account):
        client.get(reverse("activity", args=[record._meta.label_lower, record.pk]))
    assert Visit.objects.count() == 2
    Visit.objects.filter(subject_type="crm.lead").update(at=Now() - dt.timedelta(hours=1))
    assert [place.number for place in following.recent(mira)] == [account.number, lead.number]
    following.follow(lead, mira)
    page = client.get(reverse("recent")).content.decode()
    assert page.index("Meridian Logistics") < page.index("Followed") < page.rindex(lead.number)
    assert "Opened last" in client.get("/search/?palette=1&q=").content.decode()
    mira.groups.clear()
    assert following.recent(User.objects.get(pk=mira.pk)) == []
    following.forget()
    assert Visit.objects.count() == 2


def test_everybody_hears_as_they_chose(
    client: Client, mira: User, django_capture_on_commit_callbacks: Committed
) -> None:
    url = reverse("notification_choices")
    assert "Somebody names you" in client.get(url).content.decode()
    client.post(
        url, {"app-mention": "on", "mail-mention": "no", "mail-approval": "daily", "mail-deal": "now", "x": "y"}
    )
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        for event in ("mention", "approval", "deal"):
            notifications.tell([mira], event, "/inbox/", event=event, mail=True)
    assert [sent.subject for sent in mail.outbox] == ["deal"]
    assert list(notifications.shown(mira).values_list("text", flat=True)) == ["mention"]
    assert list(mira.notifications.filter(waits=True).values_list("text", flat=True)) == ["approval"]
    usual = {f"app-{key}": "on" for key in notifications.EVENTS}
    mails = {f"mail-{key}": event.mail for key, event in notifications.EVENTS.items()}
    kept = NotificationChoice.objects.filter(user=mira).count()
    assert client.post(url, usual | mails | {"mail-mention": "<script>"}).status_code == 400
    assert NotificationChoice.objects.filter(user=mira).count() == kept > 0, "a made-up choice changes nothing"
    client.post(url, usual | mails)
    assert NotificationChoice.objects.filter(user=mira).count() == 0, "what is as usual is not kept"
    client.post(url, mails)
    notifications.tell([mira], "quiet", event="task")
    assert not notifications.shown(mira).filter(text="quiet").exists()


def test_a_customer_chooses_among_what_customers_hear(client: Client) -> None:
    client.force_login(UserFactory(role="customer"))
    page = client.get(reverse("notification_choices")).content.decode()
    assert "Steps of your orders" in page
    assert "fallout" not in page


def test_the_summary_comes_in_the_morning_of_its_reader_and_once(mira: User) -> None:
    User.objects.filter(pk=mira.pk).update(time_zone="America/New_York")
    notifications.tell([mira], "Overnight", "/inbox/", event="comment")
    notifications.tell([UserFactory(email="")], "No address", event="comment")
    at = dt.datetime(2026, 3, 3, 6, 30, tzinfo=dt.UTC)
    Notification.objects.update(at=at)
    assert notifications.send_digests(at + dt.timedelta(hours=2)) == 0  # 3.30 in New York
    assert notifications.send_digests(at + dt.timedelta(hours=6)) == 1  # 7.30
    assert notifications.send_digests(at + dt.timedelta(hours=7)) == 0
    (sent,) = mail.outbox
    assert sent.to == [mira.email]
    assert sent.subject == "One thing since yesterday"
    assert "Overnight" in sent.body
    Notification.objects.update(waits=True, at=timezone.now())
    assert notifications.send_digests(timezone.now()) == 0, "what is new waits for the next morning"
