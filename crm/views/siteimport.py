"""Importing sites: upload, see what would happen row by row, apply the good rows, take the bad ones home."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from crm import siteimport
from crm.forms import UploadForm, refuse
from crm.models import Account
from crm.sitefile import KNOWN, PRODUCT_COLUMNS, REQUIRED
from crm.views.accounts import crumbs, visible
from kernel import documents, htmx, sheets
from kernel.models import Document
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

KIND = "site_import"


@allowed("crm.view_account", "crm.add_site")
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, number: str) -> HttpResponse:
    """Take a file; it is kept with the account and checked on the next page."""
    account = visible(person(request), number)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        content: bytes = form.cleaned_data["file"]
        try:
            siteimport.read(content, account)
        except Refusal as error:
            refuse(form, error)
        else:
            name = str(getattr(request.FILES["file"], "name", "") or "sites.csv")
            kept = documents.store(
                account, kind=KIND, name=name, content=content, content_type=sheets.media_type(content),
                by=person(request),
            )  # fmt: skip
            return htmx.go(request, "crm:site_import_check", number, kept.pk)
    context = {
        "account": account, "form": form, "known": KNOWN, "required": REQUIRED, "product": PRODUCT_COLUMNS,
        "crumbs": [*crumbs(account), (account.name, account.get_absolute_url())],
    }  # fmt: skip
    return htmx.respond(request, "crm/site_import.html", context, status=422 if form.errors else 200)


@allowed("crm.view_account", "crm.add_site")
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """What an import would do, row by row; a POST does it for the good rows."""
    account = visible(person(request), number)
    kept = _kept(account, pk)
    rows = _read(kept, account)
    if request.method == "POST":
        update = request.POST.get("update") == "yes" and person(request).has_perm("crm.change_site")
        done = siteimport.apply(account, rows, by=person(request), update=update)
        said = (
            f"{done.created} sites added, {done.updated} updated, {done.unchanged} unchanged, {done.refused} refused."
        )
        if done.refused:
            return htmx.go(request, "crm:site_import_check", number, pk, toast=said)
        return htmx.go(request, account, toast=said)
    counts = {verdict: len(rows.of(verdict)) for verdict in ("new", "update", "same", "bad")}
    context = {
        "account": account, "kept": kept, "rows": rows, "counts": counts, "bad": rows.bad, "good": rows.good[:200],
        "more": max(0, len(rows.good) - 200), "may_update": person(request).has_perm("crm.change_site"),
        "crumbs": [
            *crumbs(account), (account.name, account.get_absolute_url()),
            ("Import sites", reverse("crm:site_import", args=[number])),
        ],
    }  # fmt: skip
    return htmx.respond(request, "crm/site_import_check.html", context)


@allowed("crm.view_account", "crm.add_site")
@require_safe
def problems(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """The refused rows as CSV, to be mended and sent again."""
    account = visible(person(request), number)
    rows = _read(_kept(account, pk), account)
    return htmx.download(siteimport.error_file(rows), "sites-to-mend.csv")


@allowed("crm.view_account", "crm.add_site")
@require_safe
def example(request: HttpRequest) -> HttpResponse:
    """A file to start from."""
    site = "RTM-01,Rotterdam Waalhaven,Waalhaven Oostzijde 81,3087 BM,Rotterdam,NL,51.88920,4.46150,metro"
    row = f",{site},Sanne de Boer,sanne@example.com,+31 10 700 1000,500M,M,plus"
    return htmx.download("\r\n".join(["\ufeff" + ",".join(KNOWN), row, ""]), "sites-example.csv")


def _kept(account: Account, pk: int) -> Document:
    return get_object_or_404(documents.of(account), pk=pk, kind=KIND)


def _read(kept: Document, account: Account) -> siteimport.Rows:
    with kept.file.open("rb") as file:
        return siteimport.read(file.read(), account)
