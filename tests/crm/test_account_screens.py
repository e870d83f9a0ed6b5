"""The screens of customers: list, record, what belongs to it, sites and their import."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import accounts
from crm.models import Account, BillingProfile, Contact, Site
from kernel.models import Document, User
from tests.factories.crm import AccountFactory, BillingProfileFactory, ContactFactory, OpportunityFactory, SiteFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
HEAD = "code,name,street,postcode,city,country"


@pytest.fixture(autouse=True)
def elsewhere(settings: object, tmp_path: object) -> None:
    """Uploads of tests stay out of the product's media."""
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


def of(name: str, account: Account, *more: int) -> str:
    return reverse(f"crm:{name}", args=[account.number, *more])


def address(**changes: str) -> dict[str, str]:
    return {"street": "Waalhaven 81", "postcode": "3087 BM", "city": "Rotterdam", "country": "NL", **changes}


def file(*rows: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("sites.csv", "\n".join([HEAD, *rows]).encode())


@pytest.mark.slow
def test_the_list_when_empty_and_its_queries_at_10_and_100_rows(seller: Client) -> None:
    url, counts = reverse("crm:account_list"), []
    assert b"No customers yet" in seller.get(url).content
    for rows in (10, 90):
        for _ in range(rows):
            AccountFactory(by=None)
        with CaptureQueriesContext(connection) as queries:
            assert seller.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_page_rolls_the_tree_up_and_says_what_is_missing(seller: Client) -> None:
    entity = AccountFactory(name="Meridor")
    north, south = AccountFactory(parent=entity, name="Meridor Nord"), AccountFactory(parent=entity, name="Meridor Süd")
    for account in (north, north, south):
        SiteFactory(account=account)
    OpportunityFactory(account=south, name="Voice for Süd")
    ContactFactory(account=entity)
    BillingProfileFactory(account=entity)
    page = seller.get(entity.get_absolute_url()).content.decode()
    assert "Meridor Nord has no contact." in page
    assert "Voice for Süd" in page
    assert page.count('id="site-') == 3
    assert '<span class="big">3</span>' in page
    child = seller.get(south.get_absolute_url()).content.decode()
    assert child.count('id="site-') == 1
    assert entity.get_absolute_url() in child


@pytest.mark.slow
def test_the_page_takes_the_same_number_of_queries_whatever_the_size(seller: Client) -> None:
    entity, counts = AccountFactory(), []
    for rows in (2, 20):
        for _ in range(rows):
            child = AccountFactory(parent=entity)
            SiteFactory(account=child)
            ContactFactory(account=entity)
            OpportunityFactory(account=child)
        seller.get(entity.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            seller.get(entity.get_absolute_url())
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_every_workspace_role_reads_customers_and_only_some_write(at: Callable[[str], Client]) -> None:
    account = AccountFactory()
    technician = at("technician")
    page = technician.get(account.get_absolute_url())
    assert page.status_code == 200
    assert b"New opportunity" not in page.content
    for name in ("account_edit", "account_add_child", "account_add_contact", "account_add_site", "site_import"):
        assert technician.get(of(name, account)).status_code == 403
        assert technician.post(of(name, account)).status_code == 403
    assert technician.get(reverse("crm:account_new")).status_code == 403
    assert at("").get(account.get_absolute_url()).status_code == 403


def test_a_customer_stays_out_of_the_workspace(client: Client) -> None:
    contact = ContactFactory(portal_access=True)
    client.force_login(User.objects.get(pk=contact.user_id))
    other = AccountFactory()
    assert client.get(contact.account.get_absolute_url()).status_code == 403
    assert client.get(other.get_absolute_url()).status_code == 403
    label = "crm.account"
    assert client.get(reverse("documents", args=[label, other.pk])).status_code == 404


def test_a_customer_is_opened(seller: Client) -> None:
    sent = {"name": "Havel Glass", "kind": "legal_entity", "segment": "business", "tier": "gold", "currency": "CZK",
            "registration": "26168685"}  # fmt: skip
    answer = seller.post(reverse("crm:account_new"), {**sent, "credit_limit": "999999"})
    made = Account.objects.get()
    assert answer.headers["Location"] == made.get_absolute_url()
    assert (made.currency, made.tier, made.credit_limit, made.root_id) == ("CZK", "gold", 0, made.pk)
    again = seller.post(reverse("crm:account_new"), sent)
    assert again.status_code == 422
    assert b'id="id_registration_error"' in again.content or b"registration" in again.content
    assert Account.objects.count() == 1


def test_the_credit_limit_is_set_by_finance(at: Callable[[str], Client]) -> None:
    account = AccountFactory(name="Havel Glass")
    sent = {"name": "Havel Glass", "segment": "business", "tier": "standard", "edition": "1", "credit_limit": "5000"}
    assert at("sales_agent").post(of("account_edit", account), sent).status_code == 302
    assert Account.objects.get().credit_limit == 0
    assert at("finance").post(of("account_edit", account), sent).status_code == 302
    assert Account.objects.get().credit_limit == 5000


def test_what_belongs_to_an_account_is_added_in_a_side_panel(seller: Client) -> None:
    account = AccountFactory()
    person = {"first_name": "Julia", "last_name": "Brandt", "email": "julia@customer.example", "role": "signatory"}
    for name, sent in (
        ("account_add_child", {"name": "Havel Praha", "tier": "gold"}),
        ("account_add_contact", {**person, "portal_access": "on"}),
        ("account_add_site", {"code": "PRG-1", "name": "Praha", "region": "metro", **address()}),
        ("account_add_billing_profile",
         {"name": "Main", "invoice_email": "a@customer.example", "payment_days": "14", **address()}),
    ):  # fmt: skip
        panel = seller.get(of(name, account), headers=HTMX).content.decode()
        assert "<html" not in panel
        assert 'hx-target="#sheet"' in panel
        done = seller.post(of(name, account), sent, headers=HTMX)
        assert done.headers.get("HX-Redirect") == account.get_absolute_url(), done.content.decode()[:3000]
    assert account.children.get().name == "Havel Praha"
    assert Contact.objects.get().user is not None
    assert (Site.objects.get().code, BillingProfile.objects.get().payment_days) == ("PRG-1", 14)
    assert BillingProfile.objects.get().is_default


def test_the_manager_names_the_team(at: Callable[[str], Client], seller: Client) -> None:
    account, manager = AccountFactory(), at("sales_manager")
    mira = User.objects.filter(groups__name="sales_agent").latest("pk")
    julia = ContactFactory(portal_access=True).user_id
    url, sent = of("account_add_team_member", account), {"user": mira.pk, "role": "Account manager"}
    assert seller.post(url, sent).status_code == 403
    assert manager.post(url, {**sent, "user": julia}).status_code == 422
    assert manager.post(url, sent).status_code == 302
    assert manager.post(url, sent).status_code == 422
    assert account.team.get().user == mira
    assert b"Account manager" in seller.get(account.get_absolute_url()).content


def test_wrong_input_is_said_at_its_field(seller: Client) -> None:
    site = SiteFactory(code="RTM-1")
    sent = {"code": "RTM-1", "name": "Twice", "region": "metro", **address()}
    for changes, field in (
        ({}, "code"), ({"code": "X", "postcode": "12"}, "postcode"), ({"code": "X", "latitude": "91"}, "latitude"),
        ({"code": "X", "latitude": "51"}, "latitude"), ({"code": "X", "country": "XX"}, "country"),
        ({"code": "X", "latitude": "abc"}, "latitude"), ({"code": "X", "contact": "999999"}, "contact"),
    ):  # fmt: skip
        page = seller.post(of("account_add_site", site.account), {**sent, **changes}, headers=HTMX)
        assert page.status_code == 422, changes
        assert f'id="id_{field}_error"' in page.content.decode(), changes
        assert b'value="Twice"' in page.content
        if field != "country":
            assert b'<option value="NL" selected>Netherlands</option>' in page.content
    assert Site.objects.count() == 1


def test_our_own_address_gets_no_portal(seller: Client, at: Callable[[str], Client]) -> None:
    at("finance")
    ours = User.objects.exclude(email="").latest("pk")
    sent = {"first_name": "A", "last_name": "B", "email": ours.email, "role": "buyer", "portal_access": "on"}
    page = seller.post(of("account_add_contact", AccountFactory()), sent)
    assert page.status_code == 422
    assert b"one of our own people" in page.content
    assert not Contact.objects.exists()


def test_portal_access_is_given_and_taken(seller: Client) -> None:
    contact = ContactFactory()
    url = reverse("crm:contact_portal", args=[contact.pk])
    seller.post(url, {"access": "yes"})
    assert User.objects.filter(email=contact.email, is_active=True).exists()
    seller.post(url, {"access": "no"})
    assert not User.objects.get(email=contact.email).is_active
    assert seller.get(url).status_code == 405


def test_a_second_editor_of_a_site_gets_409(seller: Client) -> None:
    site = SiteFactory(name="Waalhaven")
    url = reverse("crm:site", args=[site.pk])
    sent = {"code": site.code, "region": "metro", "edition": "1", **address()}
    accounts.change_site(site_id=site.pk, edition=1, by=None, name="Waalhaven Zuid")
    late = seller.post(url, {**sent, "name": "Waalhaven Oost"}, headers=HTMX)
    assert late.status_code == 409
    assert b"Waalhaven Zuid" in late.content
    assert b'value="Waalhaven Oost"' in late.content
    assert seller.post(url, {**sent, "name": "Waalhaven Oost", "edition": "2"}, headers=HTMX).status_code == 200
    assert Site.objects.get().name == "Waalhaven Oost"


def test_the_default_billing_profile_cannot_be_unset(at: Callable[[str], Client]) -> None:
    profile = BillingProfileFactory()
    sent = {"name": "Main", "invoice_email": "a@b.example", "payment_days": "30", "edition": "1", **address()}
    page = at("finance").post(reverse("crm:billing_profile", args=[profile.pk]), sent)
    assert page.status_code == 422
    assert b"Make another profile the default" in page.content


def test_sites_of_the_tree_as_a_list(seller: Client) -> None:
    entity = AccountFactory()
    site, other = SiteFactory(account=AccountFactory(parent=entity), name="Waalhaven"), SiteFactory(name="Elsewhere")
    page = seller.get(of("site_list", entity)).content.decode()
    assert site.name in page
    assert other.name not in page
    assert b"Waalhaven" in seller.get(of("site_list", entity), {"country": "NL"}).content
    assert b"Nothing matches" in seller.get(of("site_list", entity), {"country": "DE"}).content


def test_a_file_is_checked_then_applied_and_the_rest_taken_home(seller: Client) -> None:
    account = AccountFactory()
    good, bad = "RTM-1,Waalhaven,Waalhaven 81,3087 BM,Rotterdam,NL", "RTM-2,=cmd,Waalhaven 82,3087,Rotterdam,NL"
    checked = seller.post(of("site_import", account), {"file": file(good, bad)})
    kept = Document.objects.get()
    assert checked.headers["Location"] == of("site_import_check", account, kept.pk)
    page = seller.get(checked.headers["Location"]).content.decode()
    assert "1 row needs mending" in page
    assert "runs as a formula" in page
    assert not Site.objects.exists()
    seller.post(checked.headers["Location"])
    assert list(Site.objects.values_list("code", flat=True)) == ["RTM-1"]
    assert "1 row needs mending" in seller.get(checked.headers["Location"]).content.decode()
    mend = seller.get(of("site_import_problems", account, kept.pk)).content.decode()
    assert "'=cmd" in mend
    assert "Waalhaven 81" not in mend
    seller.post(checked.headers["Location"])
    assert Site.objects.count() == 1


def test_known_sites_are_updated_only_when_asked(seller: Client) -> None:
    site = SiteFactory(code="RTM-1")
    row = f"RTM-1,{site.name},Waalhaven 99,3087 BM,Rotterdam,NL"
    url = seller.post(of("site_import", site.account), {"file": file(row)}).headers["Location"]
    assert b"Also update the one known site" in seller.get(url).content
    seller.post(url)
    assert Site.objects.get().street == site.street
    seller.post(url, {"update": "yes"})
    assert Site.objects.get().street == "Waalhaven 99"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"), (b"x" * 6_000_000, "the limit is 5 MB"),
        (f"{HEAD}\nK\xf6ln".encode("latin-1"), "Latin-1"),
        (b"PK\x03\x04", "workbook cannot be read"), (b"a,b\n1,2", "Unknown column"), (HEAD.encode(), "no rows"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_are_422_with_the_reason(seller: Client, content: bytes, sentence: str) -> None:
    sent = {"file": SimpleUploadedFile("sites.csv", content)}
    page = seller.post(of("site_import", AccountFactory()), sent)
    assert page.status_code == 422
    assert sentence in page.content.decode()
    assert not Document.objects.exists()


def test_no_file_and_somebody_elses_file(seller: Client) -> None:
    account, other = AccountFactory(), AccountFactory()
    assert b"Choose a file first" in seller.post(of("site_import", account), {"x": "1"}).content
    seller.post(of("site_import", account), {"file": file("A,B,C,3087 BM,D,NL")})
    kept = Document.objects.get()
    assert seller.get(of("site_import_check", other, kept.pk)).status_code == 404
    assert seller.post(of("site_import_check", other, kept.pk)).status_code == 404
    assert seller.get(reverse("crm:site_import_example")).status_code == 200
