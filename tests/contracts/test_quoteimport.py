"""Import: good rows become sites and lines, bad rows come back with their reason, a second run changes what differs."""

import pytest

from contracts import quoteapproval, quoteimport
from contracts.models import Quote, QuoteLine
from contracts.quoting import Frozen
from crm.siteimport import Unreadable
from tests.factories import contracts_quotes as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
HEAD = "code,name,street,postcode,city,country,latitude,longitude,bandwidth,size,firewall"


def file(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows]).encode()


GOOD = "NL-01,Waalhaven,Waalhaven 19,3089 JH,Rotterdam,NL,51.90,4.43,1G,L,plus"
MORE = "NL-02,Venlo,Columbusweg 12,5928 LC,Venlo,NL,51.91,4.44,500M,M,"
BAD = "NL-03,Breda,Takkebijsters 17,4817 BL,Breda,NL,95.1,4.7,1G,L,"


def test_a_file_fills_the_quote_and_shows_the_bad_row() -> None:
    account, _ = make.customer(1)
    quote = make.quote(account)
    done = quoteimport.import_sites(quote_id=quote.pk, content=file(GOOD, BAD, MORE), by=make.seller())
    assert (done.sites.created, done.made) == (2, 5)
    (bad,) = done.bad
    assert (bad.line, list(bad.problems)) == (3, ["latitude"])
    lines = {
        (line.site.code, line.offering.key): line
        for line in QuoteLine.objects.select_related("site", "offering")
        if line.site
    }
    assert set(lines) == {("NL-01", k) for k in ("dia", "sdwan", "firewall")} | {("NL-02", k) for k in ("dia", "sdwan")}
    assert lines["NL-01", "firewall"].characteristics == {"tier": "plus"}
    assert lines["NL-02", "dia"].characteristics == {"bandwidth": "500M", "routing": "static", "diversity": False}
    assert lines["NL-02", "dia"].feasibility_id
    assert Quote.objects.get(pk=quote.pk).monthly == sum(line.monthly for line in lines.values())


def test_the_same_file_again_adds_nothing_and_a_changed_cell_changes_the_line() -> None:
    account, _ = make.customer(1)
    quote = make.quote(account)
    quoteimport.import_sites(quote_id=quote.pk, content=file(GOOD), by=None)
    again = quoteimport.import_sites(quote_id=quote.pk, content=file(GOOD), by=None)
    assert (again.made, again.changed, again.sites.created) == (0, 0, 0)
    other = quoteimport.import_sites(quote_id=quote.pk, content=file(GOOD.replace("1G", "10G")), by=None)
    assert (other.made, other.changed) == (0, 1)
    assert QuoteLine.objects.get(offering__key="dia").characteristics["bandwidth"] == "10G"


def test_a_value_that_is_not_offered_stays_as_a_problem_of_its_line() -> None:
    account, _ = make.customer(1)
    quote = make.quote(account)
    quoteimport.import_sites(quote_id=quote.pk, content=file(GOOD.replace("1G", "3G")), by=None)
    line = QuoteLine.objects.get(offering__key="dia")
    assert line.problems == {"bandwidth": ["“3G” is not offered. Choose 100M, 500M, 1G or 10G."]}


def test_a_file_that_cannot_be_read_changes_nothing() -> None:
    account, _ = make.customer(1)
    quote = make.quote(account)
    with pytest.raises(Unreadable):
        quoteimport.import_sites(quote_id=quote.pk, content=b"\xff\xfe\x00garbage", by=None)
    assert not QuoteLine.objects.filter(quote=quote).exists()


def test_a_submitted_quote_takes_no_file() -> None:
    by = make.seller()
    quote, _ = make.filled(by=by)
    quoteapproval.submit(quote_id=quote.pk, by=by)
    with pytest.raises(Frozen):
        quoteimport.import_sites(quote_id=quote.pk, content=file(GOOD), by=by)
