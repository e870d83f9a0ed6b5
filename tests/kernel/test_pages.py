"""Pages of the kernel: who may open them, what they send along, how they refuse."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from crm.models import Account
from kernel import approvals, finding, home, records
from kernel.approvals import Ask
from kernel.models import Comment, Notification, User
from tests.factories.crm import AccountFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
WORKSPACE = ["home", "notifications", "approvals", "search", "permissions", "profile", "design", "notifications_panel"]


@pytest.fixture
def agent(client: Client) -> User:
    user = UserFactory(role="sales_manager")
    client.force_login(user)
    return user


@pytest.mark.parametrize("name", WORKSPACE)
def test_pages_open_for_an_agent_with_nothing_inline(client: Client, agent: User, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 200
    page = response.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son[a-z]+=", page)
    assert not re.search(r"<[^>]+\sstyle=", page)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("name", WORKSPACE)
def test_pages_send_strangers_to_the_log_in(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("name", ["home", "approvals", "search", "permissions", "design"])
def test_without_a_role_the_workspace_is_refused_with_the_reason(client: Client, name: str) -> None:
    client.force_login(UserFactory())
    response = client.get(reverse(name))
    assert response.status_code == 403
    assert "role" in response.content.decode()


def test_an_htmx_request_of_an_ended_session_goes_to_the_log_in_as_a_page(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/orders/?q=1"}
    response = client.get(reverse("notifications_panel"), headers=headers)
    assert response["HX-Redirect"] == "/login/?next=/orders/%3Fq%3D1"


@pytest.mark.parametrize("typed", ["mira", "Mira@Trunkline.example"])
def test_log_in_by_name_or_address(client: Client, typed: str) -> None:
    user = UserFactory(username="mira", email="mira@trunkline.example", role="sales_agent")
    user.set_password("a long password")
    user.save()
    assert client.post(reverse("login"), {"username": typed, "password": "a long password"}).status_code == 302
    wrong = Client().post(reverse("login"), {"username": typed, "password": "wrong"}).content.decode()
    unknown = Client().post(reverse("login"), {"username": "nobody@x.example", "password": "wrong"}).content.decode()
    assert "That did not work" in wrong
    assert "That did not work" in unknown


def test_log_in_never_leads_elsewhere(client: Client) -> None:
    user = UserFactory(role="sales_agent")
    user.set_password("a long password")
    user.save()
    sent = {"username": user.username, "password": "a long password", "next": "https://evil.example/"}
    assert client.post(reverse("login"), sent)["Location"] == "/"


def test_a_forgotten_password_is_the_same_answer_for_everybody(client: Client) -> None:
    user = UserFactory(email="known@trunkline.example")
    user.set_password("a long password")
    user.save()
    answers = {
        client.post(reverse("password_reset"), {"email": f"{who}@trunkline.example"})["Location"]
        for who in ("known", "unknown")
    }
    assert len(answers) == 1
    assert [message.to for message in mail.outbox] == [["known@trunkline.example"]]


def test_the_profile_keeps_what_is_valid_and_refuses_the_rest(client: Client, agent: User) -> None:
    good = {"first_name": "Ada", "last_name": "L", "job_title": "", "time_zone": "Europe/Lisbon", "theme": "dark"}
    assert client.post(reverse("profile"), good).status_code == 302
    bad = client.post(reverse("profile"), {**good, "time_zone": "Mars/Olympus", "first_name": "Eve"})
    assert bad.status_code == 422
    assert "There is no time zone" in bad.content.decode()
    agent = User.objects.get(pk=agent.pk)
    assert (agent.first_name, agent.time_zone, agent.theme) == ("Ada", "Europe/Lisbon", "dark")


def test_the_theme_takes_only_what_exists(client: Client, agent: User) -> None:
    client.post(reverse("theme"), {"theme": "dark"})
    client.post(reverse("theme"), {"theme": "<script>"})
    assert User.objects.get(pk=agent.pk).theme == "dark"
    assert 'data-theme="dark"' in client.get(reverse("home")).content.decode()


def test_a_notification_is_read_once_opened_and_belongs_to_its_reader(client: Client, agent: User) -> None:
    mine = Notification.objects.create(user=agent, text="mine", url="/inbox/")
    other = Notification.objects.create(user=UserFactory(), text="not mine", url="/inbox/")
    outside = Notification.objects.create(user=agent, text="out", url="//evil.example/")
    assert client.get(reverse("notification", args=[mine.pk]))["Location"] == "/inbox/"
    assert Notification.objects.get(pk=mine.pk).read_at is not None
    assert client.get(reverse("notification", args=[other.pk])).status_code == 404
    assert client.get(reverse("notification", args=[outside.pk]))["Location"] == reverse("notifications")


def test_an_approval_is_decided_on_its_page(client: Client, agent: User) -> None:
    made = approvals.request(
        agent, [Ask("sales_manager", "Over 15 %")], by=UserFactory(), url="/inbox/", content_hash="x"
    )
    step = made.steps.get()
    assert "Over 15 %" in client.get(reverse("approvals")).content.decode()
    url = reverse("approval_decide", args=[step.pk])
    assert client.post(url, {"decision": "reject"}).status_code == 422
    assert client.post(url, {"decision": "approve", "back": "//evil.example"})["Location"] == reverse("approvals")
    assert client.post(url, {"decision": "approve"}).status_code == 409
    client.force_login(UserFactory(role="sales_agent"))
    made = approvals.request(agent, [Ask("sales_manager", "Again")], by=UserFactory(), url="/inbox/", content_hash="x")
    assert (
        client.post(reverse("approval_decide", args=[made.steps.get().pk]), {"decision": "approve"}).status_code == 403
    )


def test_comments_are_kept_and_escaped_and_an_empty_one_is_refused(client: Client, agent: User) -> None:
    url = reverse("activity", args=["crm.account", AccountFactory().pk])
    page = client.post(url, {"text": "<script>alert(1)</script>"}, headers={"HX-Request": "true"}).content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    refused = client.post(url, {"text": " "}, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert Comment.objects.count() == 1


@pytest.mark.parametrize(
    "label", ["crm.account", "kernel.user", "auth.permission", "no.such", "x", "kernel.auditentry"]
)
def test_activity_of_what_one_may_not_see_does_not_exist(client: Client, agent: User, label: str) -> None:
    assert client.get(f"/activity/{label}/999999/").status_code == 404
    assert client.get(f"/documents/{label}/1/").status_code == 404 or label == "crm.account"


def test_search_asks_only_kinds_one_may_see(client: Client, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(user: User) -> finding.Found:
        return finding.Found("Meri & Sons", "/inbox/", "Breda", "ACC0000001")

    way: dict[str, Any] = {
        "rows": lambda user: User.objects.order_by("pk"), "tell": tell,
        "ways": lambda rows, sought: [rows.filter(pk=agent.pk), rows.filter(sought.within("username"))],
    }  # fmt: skip
    monkeypatch.setattr(finding, "_kinds", [])
    finding.register("Accounts", "building", "crm.view_account", **way)
    way["tell"] = lambda user: finding.Found("Meri & Daughters", "/", "Breda", "ACC0000002")
    finding.register("Accounts", "building", "crm.view_account", **way)
    finding.register("Secrets", "lock", "kernel.never", **way)
    kinds = [kind.name for kind, _ in finding.find(agent, "meri")]
    assert kinds == ["Accounts"]
    assert [len(rows) for _, rows in finding.find(agent, "meri", limit=1)] == [1]
    assert finding.find(agent, "m") == []
    assert "&amp; Sons" in client.get("/search/?q=meri").content.decode()
    assert client.get("/search/?q=acc0000001")["Location"] == "/inbox/"
    assert "<mark>Meri</mark>" in client.get("/search/?palette=1&q=meri").content.decode()
    assert client.get("/search/?q=%00%27").status_code == 200


def test_home_names_the_worst_few_of_a_source_and_counts_the_rest(agent: User) -> None:
    everybody = User.objects.order_by("pk")
    UserFactory.create_batch(home.WORST)
    told = list(
        home.worst(
            everybody, lambda user: home.Action(str(user), "#"), lambda n: home.Action(f"{n} more", "#", stands_for=n)
        )
    )
    assert ([action.stands_for for action in told], told[-1].text) == ([1] * (home.WORST + 1), "1 more")


def test_home_tells_the_worst_first(client: Client, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_all", home._Registry())
    home.next_actions(
        "kernel.use_workspace",
        lambda user: [home.Action("Wait", "#", tone="wait"), home.Action("Burn", "#", tone="bad")],
    )
    home.next_actions("kernel.never", lambda user: [home.Action("Hidden", "#", tone="bad")])
    home.add(home.Block("mine", "My things", "kernel.use_workspace", rows=lambda user: [home.Action("Row", "#")]))
    home.add(home.Block("theirs", "Hidden block", "kernel.never", rows=lambda user: []))
    page = client.get("/").content.decode()
    assert "2 things need you" in page
    assert page.index("Burn") < page.index("Wait")
    assert "Hidden" not in page
    assert "Row" in client.get("/home/mine/").content.decode()
    assert client.get("/home/theirs/").status_code == 404
    assert client.get("/home/nothing/").status_code == 404


def test_errors_are_pages_with_a_way_on(client: Client, agent: User) -> None:
    missing = client.get("/no/such/page/")
    assert missing.status_code == 404
    assert "There is nothing here" in missing.content.decode()


def test_going_back_opens_a_page_and_not_a_fragment(client: Client, agent: User) -> None:
    client.force_login(agent)
    assert client.get("/inbox/", headers={"HX-Request": "true"})["Cache-Control"] == "no-store"
    assert "no-store" not in client.get("/inbox/").get("Cache-Control", "")


def test_the_sprite_is_kept_for_ever_under_its_hash(client: Client) -> None:
    response = client.get("/icons.svg?v=1")
    assert response["Content-Type"] == "image/svg+xml"
    assert "immutable" in response["Cache-Control"]
    assert b'<symbol id="search"' in response.content


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-12-04", "4 Dec 2026"),
        ("2026-12-04 09:14:00+00:00", "4 Dec 2026 10:14"),
        ("2026-99-99", "2026-99-99"),
        ("a" * 64, "aaaaaaaaaa…"),
        (True, "yes"),
        ([1, 2], "2 values"),
        ([1], "1 value"),
        (None, "empty"),
    ],
)
def test_the_journal_tells_values_in_words(value: object, text: str) -> None:
    assert records._plain(value) == text


def test_the_journal_tells_choices_by_their_words() -> None:
    assert records._change("kind", [None, "legal_entity"], Account()).new == "Legal entity"
    assert records._change("kind", [None, "elsewhere"], Account()).new == "elsewhere"
    assert records._change("no such field", [None, "legal_entity"], Account()).new == "legal_entity"
