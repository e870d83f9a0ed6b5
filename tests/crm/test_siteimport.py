"""Importing sites from CSV: what is good goes in, what is not comes back with its reason."""

from decimal import Decimal

import pytest
from django.test import override_settings

from crm import siteimport
from crm.models import Account, Contact, Site
from crm.uniqueness import Duplicate
from kernel.models.trail import AuditEntry
from tests.factories.crm import AccountFactory, ContactFactory, SiteFactory

pytestmark = pytest.mark.django_db

HEAD = (
    "account,code,name,street,postcode,city,country,latitude,longitude,region,contact_name,contact_email,contact_phone"
)
GOOD = (
    "RTM-1,Waalhaven DC,Waalhaven 81,3087 BM,Rotterdam,NL,51.8892,4.4615,metro,"
    "Sanne de Boer,sanne@meridor.example,+31 10 1"
)


@pytest.fixture
def entity() -> Account:
    account: Account = AccountFactory(name="Meridor Logistics")
    return account


def lines(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *rows]).encode()


def problems(content: bytes, account: Account) -> dict[str, list[str]]:
    rows = siteimport.read(content, account)
    assert not rows.good
    return rows.bad[0].problems


def test_a_whole_file_goes_in_with_contacts_and_child_accounts(entity: Account) -> None:
    child = AccountFactory(name="Meridor Sverige", parent=entity)
    rows = siteimport.read(
        lines(
            f"Meridor Logistics,{GOOD}",
            "meridor sverige,MMA-1,Fosie,Stenåldersgatan 19,213 76,Malmö,Sweden,,,regional,,,",
            f"{child.number},MMA-2,Hamn,Hamngatan 1,211 22,Malmö,SE,55.6,13.0,,Sanne de Boer,SANNE@meridor.example,",
        ),
        entity,
    )
    assert [row.verdict for row in rows.rows] == ["new", "new", "new"]
    done = siteimport.apply(entity, rows, by=None)
    assert (done.created, done.updated, done.refused) == (3, 0, 0)
    site = Site.objects.get(code="RTM-1")
    assert (site.account, site.latitude, site.country) == (entity, Decimal("51.88920"), "NL")
    assert (str(site.contact), site.contact.role, site.contact.phone) == ("Sanne de Boer", "site", "+31 10 1")
    assert Site.objects.get(code="MMA-1").account == child
    assert (Site.objects.get(code="MMA-1").region, Site.objects.get(code="MMA-2").region) == ("regional", "metro")
    assert Contact.objects.count() == 2
    assert done.sites[4] == Site.objects.get(code="MMA-2")
    assert AuditEntry.objects.get(action="sites imported").changes["sites created"] == [0, 3]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimiters_marks_line_ends_and_heads_as_people_type_them(entity: Account, delimiter: str, mark: bytes) -> None:
    head = delimiter.join(["Code", " NAME", "Street", "Post-code".replace("-", ""), "City", "Country"])
    row = delimiter.join(["GOT-1", '"Arendal, hub"', "Arendals allé 3", "418 79", "Göteborg", "se"])
    rows = siteimport.read(mark + f"\r\n{head}\r\n{row}\r\n\r\n".encode(), entity)
    assert rows.rows[0].values["name"] == "Arendal, hub"
    assert rows.rows[0].values["city"] == "Göteborg"
    assert rows.rows[0].line == 3


def test_a_comma_is_a_decimal_sign_between_semicolons(entity: Account) -> None:
    head = HEAD.replace(",", ";")
    rows = siteimport.read(lines(";C1;N;S 1;3087 BM;R;NL;51,8892;4,4615;;;;", head=head), entity)
    assert rows.rows[0].values["latitude"] == Decimal("51.88920")


def test_product_columns_are_handed_on_as_typed(entity: Account) -> None:
    head = f"{HEAD},bandwidth,size,firewall"
    rows = siteimport.read(lines(f",{GOOD},500M,L,plus", f",{GOOD.replace('RTM-1', 'RTM-2')},,,", head=head), entity)
    assert [row.product for row in rows.rows] == [{"bandwidth": "500M", "size": "L", "firewall": "plus"}, {}]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name;Köln".encode("latin-1"), "Latin-1 or Windows-1252"),
        ("code,name".encode("utf-16"), "no rows"),
        (b"PK\x03\x04rest", "workbook cannot be read"),
        (b"code,na\x00me", "binary data"),
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (HEAD.encode(), "no rows"),
        (b'code,name,street,postcode,city,country\n"open', "quotation mark"),
    ],
)
def test_files_that_cannot_be_read_say_what_to_do(entity: Account, content: bytes, sentence: str) -> None:
    with pytest.raises(siteimport.Unreadable) as refused:
        siteimport.read(content, entity)
    assert list(refused.value.problems) == ["file"]
    assert sentence in str(refused.value)


def test_a_wrong_encoding_names_the_line_and_how_to_save(entity: Account) -> None:
    content = lines(f",{GOOD}") + "\n,C,Köln".encode("cp1252")
    with pytest.raises(siteimport.Unreadable, match="Line 3") as refused:
        siteimport.read(content, entity)
    assert "CSV UTF-8" in refused.value.problems["file"][1]


def test_unknown_missing_and_double_columns_are_named_together(entity: Account) -> None:
    with pytest.raises(siteimport.Unreadable) as refused:
        siteimport.read(b"code,name,name,street,post_code,town\n1,2,3,4,5,6", entity)
    said = refused.value.problems["file"]
    assert "Unknown column “post_code”; did you mean “postcode”?" in said
    assert "Unknown column “town”." in said
    assert "Missing columns: postcode, city, country." in said
    assert "Column twice: name." in said


def test_ten_megabytes_and_too_many_rows_are_refused(entity: Account) -> None:
    with pytest.raises(siteimport.Unreadable, match=r"10.0 MB; the limit is 5 MB"):
        siteimport.read(b"x" * 10 * 1024 * 1024, entity)
    with override_settings(MAX_UPLOAD_BYTES=100), pytest.raises(siteimport.Unreadable, match="limit"):
        siteimport.read(b"x" * 101, entity)
    with pytest.raises(siteimport.Unreadable, match="more than 5,000 rows"):
        siteimport.read(lines(*["x"] * 5001), entity)


@pytest.mark.parametrize(
    ("row", "column", "sentence"),
    [
        ("Nobody Ltd," + GOOD, "account", "“Nobody Ltd” is not an account"),
        ("," + GOOD.replace("NL", "Atlantis"), "country", "no country"),
        ("," + GOOD.replace("3087 BM", "30870"), "postcode", "looks like 3087 BM"),
        ("," + GOOD.replace("Rotterdam", ""), "city", "“city” is empty"),
        ("," + GOOD.replace("RTM-1", "R" * 21), "code", "at most 20"),
        ("," + GOOD.replace("51.8892", "91"), "latitude", "between −90 and 90"),
        ("," + GOOD.replace("51.8892", "NaN"), "latitude", "not “NaN”"),
        ("," + GOOD.replace("51.8892", "1e400"), "latitude", "not “1e400”"),
        ("," + GOOD.replace("4.4615", ""), "latitude", "both latitude and longitude"),
        ("," + GOOD.replace("metro", "lunar"), "region", "no region"),
        ("," + GOOD.replace("sanne@meridor.example", "sanne"), "contact_email", "no e-mail address"),
        ("," + GOOD.replace("sanne@meridor.example", ""), "contact_email", "both a name and an e-mail"),
        ("," + GOOD.replace("Waalhaven DC", "=HYPERLINK(1)"), "name", "formula"),
        ("," + GOOD.replace("Rotterdam", "@SUM(1)"), "city", "formula"),
        ("," + GOOD + ",surplus", "", "1 cells more than the head"),
    ],
)
def test_a_bad_row_says_why_at_its_column(entity: Account, row: str, column: str, sentence: str) -> None:
    found = problems(lines(row), entity)
    assert list(found) == [column]
    assert sentence in found[column][0]


def test_all_problems_of_a_row_are_said_at_once(entity: Account) -> None:
    found = problems(lines("Nobody,,,,,,Atlantis,,,,,,"), entity)
    assert set(found) == {"account", "code", "name", "street", "postcode", "city", "country"}


def test_what_a_spreadsheet_was_told_to_take_as_text_is_text(entity: Account) -> None:
    row = GOOD.replace("Waalhaven DC", "'-Noord-").replace("+31 10 1", "'+31 10 1")
    rows = siteimport.read(lines(f",{row}"), entity)
    assert rows.rows[0].values["name"] == "-Noord-"
    assert rows.rows[0].contact["phone"] == "+31 10 1"


def test_the_same_code_twice_in_a_file_is_refused_but_not_in_two_accounts(entity: Account) -> None:
    AccountFactory(name="Meridor Sverige", parent=entity)
    double = GOOD.replace("RTM-1", "rtm-1")
    rows = siteimport.read(lines(f",{GOOD}", f"Meridor Sverige,{GOOD}", f",{double}"), entity)
    assert [row.verdict for row in rows.rows] == ["new", "new", "bad"]
    assert rows.bad[0].problems == {"code": ["Line 2 has the code rtm-1 too."]}


def test_an_account_of_another_customer_is_not_found(entity: Account) -> None:
    AccountFactory(name="Havel Glass")
    assert "account" in problems(lines(f"Havel Glass,{GOOD}"), entity)


def test_the_good_rows_go_in_without_the_bad(entity: Account) -> None:
    rows = siteimport.read(lines(f",{GOOD}", ",RTM-2,,,,,,,,,,,"), entity)
    done = siteimport.apply(entity, rows, by=None)
    assert (done.created, done.refused) == (1, 1)
    assert list(Site.objects.values_list("code", flat=True)) == ["RTM-1"]


def test_known_sites_are_left_alone_or_updated_as_chosen(entity: Account) -> None:
    site = SiteFactory(account=entity, code="RTM-1", region="remote", contact=ContactFactory(account=entity))
    head = "code,name,street,postcode,city,country"
    content = lines(f"RTM-1,{site.name},Waalhaven 99,3087 BM,Rotterdam,NL", head=head)
    rows = siteimport.read(content, entity)
    assert (rows.rows[0].verdict, rows.rows[0].changes) == ("update", {"street": [site.street, "Waalhaven 99"]})
    left = siteimport.apply(entity, rows, by=None)
    assert (left.created, left.updated, left.unchanged, left.sites[2]) == (0, 0, 1, site)
    assert Site.objects.get().street == site.street
    assert siteimport.apply(entity, rows, by=None, update=True).updated == 1
    stored = Site.objects.get()
    assert (stored.street, stored.region, stored.contact, stored.edition) == ("Waalhaven 99", "remote", site.contact, 2)
    assert siteimport.read(content, entity).rows[0].verdict == "same"


def test_a_code_that_appeared_meanwhile_refuses_the_whole_import(entity: Account) -> None:
    rows = siteimport.read(lines(f",{GOOD}", f",{GOOD.replace('RTM-1', 'RTM-2')}"), entity)
    SiteFactory(account=entity, code="RTM-2")
    with pytest.raises(Duplicate):
        siteimport.apply(entity, rows, by=None)
    assert Site.objects.count() == 1


def test_the_error_file_can_be_mended_and_sent_again(entity: Account) -> None:
    rows = siteimport.read(
        lines(f",{GOOD.replace('3087 BM', '3087')}", f",{GOOD.replace('Rotterdam', '=1+1')}"), entity
    )
    file = siteimport.error_file(rows)
    assert file.startswith("\ufeff")
    assert "'=1+1" in file
    assert "looks like 3087 BM" in file
    again = siteimport.read(file.replace(",3087,", ",3087 BM,").encode(), entity)
    assert [row.verdict for row in again.rows] == ["new", "bad"]
    assert again.bad[0].problems == {"code": ["Line 2 has the code RTM-1 too."]}


@pytest.mark.slow
def test_a_thousand_rows_take_few_statements(entity: Account, django_assert_max_num_queries: object) -> None:
    content = lines(*[f",{GOOD.replace('RTM-1', f'S{n}').replace('sanne', f'sanne{n}')}" for n in range(1000)])
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        assert siteimport.apply(entity, siteimport.read(content, entity), by=None).created == 1000
