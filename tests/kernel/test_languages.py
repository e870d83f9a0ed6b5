"""Languages: sentences of the code, days, numbers and money in the reader's language; nothing lacks its German."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.template import engines
from django.test import Client
from django.utils import translation

from config.words import bareness, catalogues
from kernel import money, naming, notifications, roles, writing
from kernel.saying import said
from kernel.templatetags import trunkline as tags
from tests.factories import people


def test_sentences_are_said_in_the_language_of_the_reader() -> None:
    assert said("Choose a file first.") == "Choose a file first."
    with translation.override("de"):
        assert said("Choose a file first.") == "Wählen Sie zuerst eine Datei."
        many = said("A file holds 50,000 rows at most. Filter the list first.")
        assert many == "Eine Datei enthält höchstens 50.000 Zeilen. Filtern Sie zuerst die Liste."
        assert said("This offer was valid until 3 May 2027. Ask your contact for a new one.").startswith(
            "Dieses Angebot galt bis 3. Mai 2027."
        )
        assert said("draft") == "Entwurf"
        assert said("On Hold") == "Angehalten"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("DOM0000033, made by rule a-b version 12.", "DOM0000033, gemacht durch Regel a-b Version 12."),  # no condition
        ("resource, shared by 11", "Ressource, geteilt von 11"),
        ("TSK0000160, attempt 1 of 3", "TSK0000160, Versuch 1 von 3"),
        ("99.9 % of every month", "99,9 % jedes Monats"),
        ("Every approver agreed, or none was needed", "Alle Genehmigungen liegen vor, oder es war keine nötig"),
        ("A device is replaced on the next working day.", "A device is replaced on the next working day."),  # data
        ("Haven 12, 9130 Kallo, BE", "Haven 12, 9130 Kallo, BE"),
    ],
)
def test_parts_that_are_left_out_and_lists_of_parts_are_said(text: str, told: str) -> None:
    with translation.override("de"):
        assert said(text) == told


def test_what_people_typed_is_not_translated() -> None:
    typed = "Prices of signed quotes stay fixed for their minimum term. After that, months may follow the index."
    with translation.override("de"):
        assert said(typed) == typed
        assert said("Halden Retail for Venlo") == "Halden Retail for Venlo"
        assert said("") == ""
        assert said(7) == 7
        assert engines["django"].from_string("{{ site.name }}").render({"site": {"name": "Draft"}}) == "Draft"


class Wish(forms.Form):
    """A field whose words come from code."""

    state = forms.ChoiceField(choices=[("draft", "Draft"), ("halden", "Halden Retail")])


def test_templates_say_what_code_put_into_them() -> None:
    shown = engines["django"].from_string("{{ row.problem|said }}, {{ word|lowered }}, {{ form.state }}")
    values = {"row": {"problem": "Choose a file first."}, "word": "Auftrag", "form": Wish()}
    assert shown.render(values).startswith("Choose a file first., auftrag, <select")
    with translation.override("de"):
        told = shown.render(values)
        assert told.startswith("Wählen Sie zuerst eine Datei., Auftrag, <select")
        assert ">Entwurf</option>" in told
        assert ">Halden Retail</option>" in told


def test_numbers_days_and_money_are_written_as_the_reader_writes_them() -> None:
    day = dt.date(2026, 11, 22)
    assert tags.money_text(Decimal("1234.5")) == "€\u00a01,234.50"
    assert writing.day(day, "j M Y") == "22 Nov 2026"
    with translation.override("de"):
        assert tags.money_text(Decimal("1234.5")) == "1.234,50\u00a0€"
        assert tags.money_text(Decimal("-7"), "CHF", whole=True) == "−7\u00a0CHF"
        assert tags.number_text(1234567) == "1.234.567"
        assert writing.day(day, "j M Y") == "22.11.2026"
        assert writing.day(day, "l j F Y") == "Sonntag, 22. November 2026"
        assert writing.kept(day) == "22 November 2026"  # what is stored has one wording
        width = engines["django"].from_string("{{ n }}|{{ n|plain }}")
        assert width.render({"n": 12.5}) == "12,5|12.5"


@pytest.mark.parametrize(
    ("language", "text", "meant"),
    [
        ("de", "12,5", "12.5"), ("de", "1.234,50", "1234.50"), ("de", "1.234.567", "1234567"), ("de", "12.5", "12.5"),
        ("de", "−3,25", "-3.25"), ("de", "BGP", "BGP"), ("en-gb", "12.5", "12.5"), ("en-gb", "12,5", "12,5"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_the_person_types_them(language: str, text: str, meant: str) -> None:
    with translation.override(language):
        assert writing.typed(text) == meant


@pytest.mark.django_db
def test_each_person_has_a_language_and_the_browser_is_asked_first() -> None:
    person: Any = people.UserFactory(role="order_agent")
    client = Client(headers={"Accept-Language": "de-AT,de;q=0.9"})
    assert 'lang="de"' in client.get("/login/").content.decode()
    assert "Accept-Language" in client.get("/login/").headers["Vary"]
    assert 'lang="en-gb"' in Client().get("/login/").content.decode()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert "Profil und Einstellungen" in client.get("/profile/").content.decode()
    given = {"first_name": "Ada", "last_name": "Klein", "time_zone": "Europe/Berlin", "theme": "auto"}
    assert client.post("/profile/", {**given, "language": "xx"}).status_code == 422
    assert client.post("/profile/", {**given, "language": "en-gb"}).status_code == 302
    assert "Profile and settings" in client.get("/profile/").content.decode()
    client.post("/profile/", {**given, "language": "de", "time_zone": "nowhere"})
    client.post("/profile/", {**given, "language": "de"})
    saved = client.get("/profile/").content.decode()
    assert "Ihre Einstellungen sind gespeichert." in saved, "also messages are said"
    palette = client.get("/search/?palette=1&q=auftr").content.decode()
    assert "<mark>Auftr</mark>äge" in palette
    assert "<mark>Auftr</mark>" in client.get("/search/?palette=1&q=Auftr").content.decode()
    plain = Client()
    plain.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    home = plain.get("/").content.decode()
    assert "Nächste Schritte" in home
    assert "Next actions" not in home
    wrong = plain.post("/profile/", {**given, "language": "de", "time_zone": "nowhere"})
    assert "Eine Zeitzone dieses Namens gibt es nicht." in wrong.content.decode()
    refused = plain.get("/tmf-api/productOrderingManagement/v4/productOrder").content.decode()
    assert "Sie" not in refused  # machines are answered in English


@pytest.mark.django_db
def test_news_reach_each_person_in_their_own_language(
    mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    german: Any = people.UserFactory(role="sales_agent", language="de")
    british: Any = people.UserFactory(role="sales_agent")
    with django_capture_on_commit_callbacks(execute=True):
        notifications.tell([german, british], "The PDF of QUO0000001 is ready", "/quotes/", mail=True)
    subjects = {mail.to[0]: mail.subject for mail in mailoutbox}
    assert subjects == {
        german.email: "Das PDF von QUO0000001 ist fertig", british.email: "The PDF of QUO0000001 is ready"
    }  # fmt: skip
    assert german.notifications.get().text == "The PDF of QUO0000001 is ready"  # stored once, said at each reading


@pytest.mark.slow
def test_nothing_lacks_its_german() -> None:
    """Run `make messages`, then write what is missing; docs/translating.md."""
    assert catalogues.problems() == []
    assert list(bareness.bare()) == []
    assert list(bareness.unsaid()) == []


def shown(page: Any) -> Iterator[Any]:
    """Every name that a page of the administration shows, or a part of one."""
    options = page.model._meta
    yield from (options.app_config.verbose_name, options.verbose_name, options.verbose_name_plural)
    for field in (*options.concrete_fields, *options.many_to_many):
        yield from (field.verbose_name, field.help_text)
        yield from (label for _, label in field.flatchoices if len(field.flatchoices) < naming.CHOSEN)
    columns = (*getattr(page, "list_display", ()), *page.readonly_fields)
    yield from (label_for_field(name, page.model, page) for name in columns if name != "__str__")
    for field in getattr(page.form, "declared_fields", {}).values():
        yield from (field.label, field.help_text)
    yield from (title for title, _ in page.fieldsets or ())
    if isinstance(page, admin.ModelAdmin):
        yield from (text for _, name, text in page._get_base_actions() if name in (page.actions or ()))


def test_no_name_of_the_administration_is_left_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these say in German is judged with all other texts below."""
    monkeypatch.setattr(naming, "said", lambda text: f"«{text}»")
    pages: list[Any] = [*admin.site._registry.values()]
    pages += [part(page.model, admin.site) for page in pages for part in page.inlines]
    with translation.override("de"):
        with naming.spoken(True):
            assert {str(name) for page in pages for name in shown(page) if name and "«" not in str(name)} == set()
        assert not any("«" in str(name) for page in pages for name in shown(page))  # data stays what it is


@pytest.mark.django_db
def test_a_page_of_the_administration_is_german() -> None:
    client = Client()
    client.force_login(people.UserFactory(is_superuser=True, is_staff=True, language="de"))
    page = client.get("/admin/crm/stage/add/").content.decode()
    for text in ("Wahrscheinlichkeit", "Regeln und Kalender", "Abrechnungsprofile", "Phase hinzufügen"):
        assert text in page
    with translation.override("de"):
        assert roles.sentence("crm.view_opportunity") == "Kann Verkaufschancen ansehen"


def test_amounts_of_a_currency_keep_their_digits() -> None:
    with translation.override("de"):
        assert money.plain(Decimal("12.50")) == "12.5"  # what forms and files hold is not the reader's
