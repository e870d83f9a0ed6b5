"""Signing: the page behind a one-time link, without log-in, and the agents' panel about it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts import (
    agreement,
    consent,
    documents,
    papercopy,
    presenting,
    printruns,
    signature,
    signingname,
    signingorder,
    signingsummary,
)
from contracts.forms import deals as dealforms
from contracts.models import PrintRun, SignatureRequest
from kernel import htmx, records, workspace
from kernel.refusal import Refusal

PAGE = "contracts/sign.html"
EMBEDS = (
    "default-src 'self'; img-src 'self' data:; object-src 'self'; frame-src 'self'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
LABELS = {"contracts.quote": "contracts.present_quote", "contracts.agreement": "contracts.negotiate_agreement"}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Read the document and sign it."""
    try:
        made = signature.open(token)
    except signature.UnknownLink:
        raise Http404("There is no such page.") from None
    except signature.LinkClosed as error:
        return _closed(request, token, error)
    form = dealforms.SignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            signature.sign(
                token=token, address=request.META.get("REMOTE_ADDR"), agent=request.headers.get("User-Agent", ""),
                **typed(form.cleaned_data),
            )  # fmt: skip
        except signature.LinkClosed as error:
            return _closed(request, token, error)
        except Refusal as error:
            dealforms.told(form, error.problems)
            return _open(request, token, made, form, error.status)
        return htmx.go(request, "contracts:sign", token)
    return _open(request, token, made, form, 422 if form.is_bound else 200)


@never_cache
@require_POST
def decline(request: HttpRequest, token: str) -> HttpResponse:
    """Say no, with the reason."""
    try:
        made = signature.open(token)
        signature.decline(token=token, reason=request.POST.get("reason", ""))
    except signature.UnknownLink:
        raise Http404("There is no such page.") from None
    except signature.LinkClosed as error:
        return _closed(request, token, error)
    except Refusal as error:
        form = dealforms.DeclineForm(request.POST)
        form.is_valid()
        dealforms.told(form, error.problems)
        return _open(request, token, made, dealforms.SignForm(), error.status, declining=form)
    return htmx.go(request, "contracts:sign", token)


@never_cache
@require_safe
def document(request: HttpRequest, token: str) -> HttpResponse:
    """The file to sign, or once signed the signed one; nothing after a link is closed otherwise."""
    try:
        made = signature.find(token)
    except signature.UnknownLink:
        raise Http404("There is no such page.") from None
    kind = "application/pdf"
    if made.state == "signed" and (copy := signingorder.newest_copy(made)):
        with copy.file.open("rb") as file:
            content, name, kind = file.read(), copy.name, copy.content_type
    elif made.state == "open":
        content, name = signature.shown(made), made.document.name
    else:
        raise Http404("There is no such page.")
    how = "attachment" if "download" in request.GET else "inline"
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'{how}; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    response["Referrer-Policy"] = "same-origin"
    return response


def _open(
    request: HttpRequest,
    token: str,
    made: SignatureRequest,
    form: dealforms.SignForm,
    status: int,
    *,
    declining: dealforms.DeclineForm | None = None,
) -> HttpResponse:
    context = {
        "made": made,
        "token": token,
        "form": form,
        "declining": declining or dealforms.DeclineForm(),
        "declining_open": declining is not None,
        "consent": consent.shown(made),
        "authority": signingname.authority(made) if form.errors.get("authority") or form["authority"].value() else "",
        "before": signingorder.signed_before(made),
        "after": signingorder.waiting(signature.record_of(made)),
        "summary": signingsummary.summary(made),
        "word": signature.subject_of(made).word,
    }
    response = render(request, PAGE, context, status=status)
    response["Content-Security-Policy"] = EMBEDS
    response["Referrer-Policy"] = "same-origin"
    return response


def _closed(request: HttpRequest, token: str, error: signature.LinkClosed) -> HttpResponse:
    made = signature.find(token)
    record = signature.record_of(made)
    status = 200 if request.method in ("GET", "HEAD") and error.state in ("signed", "declined") else error.status
    context = {
        "made": made, "token": token, "closed": error, "again": status != 200, "word": signature.subject_of(made).word,
        "next": signature.open_of(record), "owner": getattr(record, "owner", None),
    }  # fmt: skip
    response = render(request, "contracts/sign_closed.html", context, status=status)
    response["Referrer-Policy"] = "same-origin"
    return response


@workspace.allowed("kernel.use_workspace")
@require_safe
def panel(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Who was asked to sign a record and what came of it, with what an agent can do next."""
    return _panel(request, label, pk)


@workspace.allowed("kernel.use_workspace")
@require_POST
def present(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Send the link to a signatory; the answer shows it once."""
    user = workspace.person(request)
    record = _subject(request, label, pk)
    if not user.has_perm(LABELS[label]):
        raise PermissionDenied("Your roles do not include the right to send this for signature.")
    form = dealforms.PresentForm(request.POST, record=record, by=user)
    if form.is_valid():
        first, then = form.cleaned_data["contact"], form.others()
        contact_id = first.pk if first else None
        try:
            made = (
                presenting.present(quote_id=pk, contact_id=contact_id, by=user, then=then)
                if label == presenting.LABEL
                else agreement.send(agreement_id=pk, contact_id=contact_id, by=user, then=then)
            )
        except Refusal as error:
            if error.status == 409 and not isinstance(error, documents.DocumentPending):
                raise
            dealforms.told(form, error.problems)
        else:
            shown = _panel(request, label, pk, link=signature.link(made.token), status=201)
            shown["HX-Trigger"] = "presented"  # the head of the quote's page shows the new state
            return shown
    return _panel(request, label, pk, form=form, status=422)


@workspace.allowed("kernel.use_workspace")
@require_POST
def remind(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Write to the signatory once more."""
    made = _open_request(request, label, pk)
    signature.remind(made, by=workspace.person(request))
    return htmx.go(request, records_url(label, _subject(request, label, pk)), toast=f"{made.signatory} is reminded.")


@workspace.allowed("kernel.use_workspace")
@require_POST
def revoke(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Take every link of the open request back."""
    _open_request(request, label, pk)
    record = _subject(request, label, pk)
    signature.revoke(record, by=workspace.person(request))
    return htmx.go(request, records_url(label, record), toast="The link is withdrawn.")


@workspace.allowed("kernel.use_workspace", "contracts.sign_agreement")
@require_POST
def paper(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Record a copy that was signed on paper."""
    record = _subject(request, label, pk)
    made = get_object_or_404(signature.of(record), signed_at=None, declined_at=None, void_at=None)
    form = dealforms.PaperForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            papercopy.upload(
                request_id=made.pk, name=form.cleaned_data["name"], signed_on=form.cleaned_data["signed_on"],
                filename=file.name, content=file.read(), by=workspace.person(request),
            )  # fmt: skip
        except signature.Unsigned as error:
            dealforms.told(form, error.problems)
        else:
            return htmx.go(request, records_url(label, record), toast="The copy is kept. A colleague confirms it.")
    return _panel(request, label, pk, paper=form, status=422)


@workspace.allowed("kernel.use_workspace", "contracts.sign_agreement")
@require_POST
def copy(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Confirm the copy that was signed on paper, or refuse it."""
    record = _subject(request, label, pk)
    waiting = papercopy.of(record)
    if waiting is None:
        raise Http404("There is no copy to decide on.")
    form = dealforms.CopyForm(request.POST)
    form.is_valid()
    user = workspace.person(request)
    if form.cleaned_data.get("decision") == "confirm":
        papercopy.confirm(copy_id=waiting.pk, by=user)
        return htmx.go(request, records_url(label, record), toast="Confirmed. The copy counts as the signature.")
    papercopy.refuse(copy_id=waiting.pk, by=user, reason=form.cleaned_data.get("reason", ""))
    return htmx.go(request, records_url(label, record), toast="The copy is refused; the link stays open.")


def _open_request(request: HttpRequest, label: str, pk: int) -> SignatureRequest:
    """The open request of a record whose sender this person may be; 404 when there is none."""
    record = _subject(request, label, pk)
    if not workspace.person(request).has_perm(LABELS[label]):
        raise PermissionDenied("Your roles do not include the right to send this for signature.")
    return get_object_or_404(signature.of(record), signed_at=None, declined_at=None, void_at=None)


def typed(data: dict[str, Any]) -> dict[str, Any]:
    """What a signatory gave, as the act takes it."""
    return {name: data[name] for name in ("name", "consent", "authority", "drawn")} | {"version": data["version"] or 0}


def records_url(label: str, record: Any) -> str:
    """The record page behind a panel."""
    name = "contracts:quote" if label == presenting.LABEL else "contracts:agreement"
    return reverse(name, args=[record.number, record.version])


def _subject(request: HttpRequest, label: str, pk: int) -> Any:
    if label not in LABELS:
        raise Http404("There is no such record.")
    return records.subject(label, pk, workspace.person(request))


def _panel(
    request: HttpRequest,
    label: str,
    pk: int,
    *,
    form: dealforms.PresentForm | None = None,
    paper: dealforms.PaperForm | None = None,
    link: str = "",
    status: int = 200,
) -> HttpResponse:
    record = _subject(request, label, pk)
    user = workspace.person(request)
    asked = list(signature.of(record))
    can_send = record.state in ("approved", "presented") and user.has_perm(LABELS[label])
    open_one = next((one for one in asked if one.state in ("open", "expired")), None)
    context = {
        "record": record,
        "label": label,
        "asked": asked,
        "waits_for": "Waits for us" if open_one and open_one.person_id else "Waits for the customer",
        "line": list(signingorder.waiting(record)),
        "several_open": form is not None and bool(form.errors),
        "open": open_one,
        "mine": user,
        "form": form or dealforms.PresentForm(record=record, by=user),
        "paper": paper or dealforms.PaperForm(),
        "copy": papercopy.waiting(open_one),
        "paper_open": paper is not None,
        "can_send": can_send,
        "can_paper": user.has_perm("contracts.sign_agreement"),
        "link": link,
        "word": "Present" if label == presenting.LABEL else "Send for signature",
        "printing": _printing(record) if label == presenting.LABEL else None,
        "standalone": not getattr(request, "htmx", False),
    }
    template = "contracts/signature_page.html" if context["standalone"] else "contracts/signature_panel.html"
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _printing(quote: Any) -> PrintRun | None:
    """The making of the quote's PDF, while it goes on or when it failed."""
    run = printruns.latest(quote)
    return run if run is not None and run.state != "done" and documents.kept(quote) is None else None
