"""The clause library: the list, one version with its differences and where it is used, and writing the next."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from contracts import clauses, differences
from contracts.forms.deals import told
from contracts.models import Clause
from kernel import htmx, tables, workspace
from kernel.refusal import Refusal

SHOWN = 20  # agreements named on a clause's page


class ClauseTable(tables.Table):
    """Columns of the list."""

    title = tables.Name(sub=lambda record: f"{record.key}, version {record.version}", verbose_name="Clause")
    state = tables.State()
    language = tables.Text(accessor="get_language_display", orderable=False, verbose_name="Language")
    standard = tables.Text(accessor="standard_word", orderable=False, verbose_name="In new agreements")
    updated_at = tables.Date(verbose_name="Changed", optional=True)


class ClauseFilter(tables.Filters):
    """Chips of the list."""

    state = tables.States(Clause)
    language = tables.Choices(choices=Clause._meta.get_field("language").choices)

    class Meta:
        model = Clause
        fields: tuple[str, ...] = ()


class Clauses(tables.ListPage):
    """All versions of all clauses."""

    title = "Clause library"
    model = Clause
    table = ClauseTable
    filters = ClauseFilter
    search = ("title", "key", "text")
    sort = "title"
    empty = tables.Empty(
        "book",
        "No clauses yet",
        "A clause is a term in words that legal approved once, for every new agreement.",
    )
    new = tables.New("New clause", "contracts:clause_new", "contracts.add_clause")


class ClauseForm(forms.Form):
    """The words of a clause."""

    key = forms.CharField(max_length=60, help_text="Small letters and underscores, such as service_levels.")
    language = forms.ChoiceField(choices=Clause._meta.get_field("language").choices or ())
    title = forms.CharField(max_length=120)
    text = forms.CharField(
        max_length=20_000, widget=forms.Textarea(attrs={"rows": 12}),
        help_text="{customer}, {term_months} and {currency} are filled in by each agreement.",
    )  # fmt: skip
    standard = forms.BooleanField(required=False, label="Part of every new agreement", initial=True)


@workspace.allowed("contracts.view_clause")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The list."""
    return tables.show(request, Clauses)


@workspace.allowed("contracts.view_clause")
@require_safe
def record(request: HttpRequest, key: str, language: str, version: int) -> HttpResponse:
    """One version: its words against the version before, and where it is used."""
    clause = get_object_or_404(Clause, key=key, language=language, version=version)
    others = list(Clause.objects.filter(key=key).exclude(pk=clause.pk).order_by("language", "-version"))
    before = next((one for one in others if one.language == language and one.version == version - 1), None)
    used = clauses.used_in(clause).select_related("account")
    context: dict[str, Any] = {
        "record": clause,
        "title": clause.title,
        "crumbs": [("Clause library", reverse("contracts:clause_list"))],
        "before": before,
        "pieces": differences.words(before.text, clause.text) if before else [],
        "others": others,
        "used": used[:SHOWN],
        "used_count": used.count(),
        "can_write": request.user.has_perm(clauses.RIGHT),
    }
    return render(request, "contracts/clause.html", context)


@workspace.allowed("contracts.view_clause", "contracts.add_clause")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write a clause that the library does not have, or its translation: `?key=` fills the form."""
    form = ClauseForm(request.POST or None, initial={"key": request.GET.get("key", "")})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        if Clause.objects.filter(key=values["key"], language=values["language"]).exists():
            form.add_error("key", "The library has this clause already. Open it and write its next version.")
        elif made := _written(request, form):
            return htmx.go(request, made.get_absolute_url(), toast="Drafted. Legal approves it before it is used.")
    return _form_page(request, form, "New clause", reverse("contracts:clause_list"))


@workspace.allowed("contracts.view_clause", "contracts.change_clause")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str, language: str, version: int) -> HttpResponse:
    """Change a draft, or write the next version of what is approved; agreements keep the version they have."""
    clause = get_object_or_404(Clause, key=key, language=language, version=version)
    start = {name: getattr(clause, name) for name in ("key", "language", "title", "text", "standard")}
    data = {**request.POST.dict(), "key": key, "language": language} if request.method == "POST" else None
    form = ClauseForm(data, initial=start)
    for name in ("key", "language"):
        form.fields[name].widget = forms.HiddenInput()
    if data is not None and form.is_valid() and (made := _written(request, form)):
        return htmx.go(request, made.get_absolute_url(), toast="Kept as a draft. Legal approves it before it is used.")
    title = f"Edit {clause}" if clause.state == Clause.State.DRAFT else f"Next version of “{clause.title}”"
    return _form_page(request, form, title, clause.get_absolute_url())


def _written(request: HttpRequest, form: ClauseForm) -> Clause | None:
    try:
        return clauses.write(by=workspace.person(request), **form.cleaned_data)
    except Refusal as error:
        if error.status != 422:
            raise
        told(form, error.problems)
        return None


def _form_page(request: HttpRequest, form: ClauseForm, title: str, back: str) -> HttpResponse:
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "contracts/clause_form.html", {"form": form, "title": title, "back": back}, status=status)
