"""What every record page has: moves, journal with comments, documents."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import audit, commenting, documents, following, htmx, moving, paperwork, records, virusscan, workspace
from kernel import presence as present
from kernel.forms import CommentForm, UploadForm
from kernel.models.documents import Document
from kernel.states import look

INLINE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"  # the browser's own viewer has a style


def back(request: HttpRequest) -> str:
    """The page a form was sent from, if it is ours."""
    came = request.POST.get("back") or request.META.get("HTTP_REFERER", "")
    return (
        came if url_has_allowed_host_and_scheme(came, {request.get_host()}, require_https=request.is_secure()) else "/"
    )


@workspace.allowed("kernel.use_workspace")
@require_POST
def move(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Make one move of any record: 409 when its state forbids it, 403 without the right, 422 without a reason."""
    user = workspace.person(request)
    record = records.subject(label, pk, user)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:2000]
    made = moving.make(record, request.POST.get("move", ""), by=user, reason=reason)
    now = getattr(made, "state", "")
    said = f"{record} is now {look(now, record).word.lower()}." if now else f"{record} is changed."
    return htmx.go(request, back(request), toast=said)


@workspace.allowed("kernel.use_workspace")
@require_safe
def presence(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Who else has the record open, and whether it left the state that is shown; its page asks every few seconds."""
    user = workspace.person(request)
    record = records.subject(label, pk, user)
    others = [] if hasattr(request, "looking_on") else present.sign(label, pk, user)
    shown = request.GET.get("state", "")
    context = {
        "others": others[:3], "more": max(0, len(others) - 3), "record": record,
        "moved": shown and shown != getattr(record, "state", shown),
        "awaited": shown in getattr(record, "BY_ITSELF", ()),
    }  # fmt: skip
    return render(request, "components/presence.html", context)


@workspace.allowed("kernel.use_workspace")
@require_http_methods(["GET", "HEAD", "POST"])
def activity(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """The journal of a record; a POST adds a comment."""
    user = workspace.person(request)
    record = records.subject(label, pk, user)
    form = CommentForm(request.POST) if request.method == "POST" else CommentForm()
    status, unreached = 200, []
    if request.method == "POST":
        if not user.has_perm("kernel.add_comment"):
            raise PermissionDenied("Your roles do not include the right to comment.")
        if form.is_valid():
            url = record.get_absolute_url() if hasattr(record, "get_absolute_url") else back(request)
            shared = form.cleaned_data["shared"] and commenting.reaches_customer(record)
            text = form.cleaned_data["text"]
            written = commenting.write(record=record, text=text, by=user, url=url, internal=not shared)
            form, unreached = CommentForm(), written.unreached
        else:
            status = 422
    limit = None if "all" in request.GET else records.JOURNAL
    context = {
        "record": record,
        "label": label,
        "entries": records.journal(record, by=user, limit=limit),
        "form": form,
        "all": limit is None,
        "unreached": unreached,
        "follows": following.follows(record, user),
        "shares": commenting.reaches_customer(record),
    }
    if request.method == "GET" and hasattr(record, "get_absolute_url") and not hasattr(request, "looking_on"):
        following.visited(record, user)
    response = render(request, "components/activity.html", context, status=status)
    if request.method == "POST" and not getattr(request, "htmx", False) and status == 200:
        return htmx.go(request, back(request), toast="Comment added.")
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def files(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Documents of a record and the types that it still needs; a POST stores one."""
    user = workspace.person(request)
    record = records.subject(label, pk, user)
    everything, types = user.has_perm("kernel.view_document"), paperwork.types(record)
    form, status = UploadForm(types=types), 200
    if request.method == "POST":
        if not user.has_perm("kernel.add_document"):
            raise PermissionDenied("Your roles do not include the right to add documents.")
        form = UploadForm(request.POST, request.FILES, types=types)
        status = _keep(request, record, form)
        if status == 200:
            types = paperwork.types(record)
            form = UploadForm(types=types)
    shown = documents.of(record) if everything else documents.of(record).filter(customer_may_see=True)
    words = {one.key: one.label for one in types}
    found = [(one, words.get(one.kind, "")) for one in shown.select_related("created_by")[:100]]
    context: dict[str, Any] = {
        "record": record, "label": label, "documents": found, "form": form, "types": types,
        "missing": [(one, look(one.needed_for, record).word) for one in records.still_needed(record, types)],
        "limit": settings.MAX_UPLOAD_BYTES // 1048576,
    }  # fmt: skip
    if request.method == "POST" and not getattr(request, "htmx", False) and status == 200:
        return htmx.go(request, back(request), toast="Document added.")
    return render(request, "components/documents.html", context, status=status)


def _keep(request: HttpRequest, record: Any, form: UploadForm) -> int:
    """Store the upload; 200, or 422 with the refusal at the form's field."""
    if not form.is_valid():
        return 422
    file = form.cleaned_data["file"]
    user = workspace.person(request)
    try:
        shared, kind = form.cleaned_data["customer_may_see"], form.cleaned_data["kind"]
        kept = documents.upload(
            record, name=file.name, content=file.read(), by=user, customer_may_see=shared, kind=kind
        )  # fmt: skip
    except (documents.Unacceptable, virusscan.Unscanned) as error:
        form.add_error("file", str(error))
        return 422
    audit.record("document_added", record, by=user, changes={"document": [None, kept.name]})
    return 200


def _document(request: HttpRequest, pk: int) -> Document:
    """A document that this person may see. Raises Http404."""
    user = workspace.person(request)
    document = get_object_or_404(Document, pk=pk)
    records.subject(document.subject_type, document.subject_id, user)
    if not (user.has_perm("kernel.view_document") or document.customer_may_see):
        raise Http404("There is no such document.")
    return document


@login_required
@require_safe
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """A look at a document beside its record: a picture, the pages of a PDF, how a text or a table begins."""
    document = _document(request, pk)
    context: dict[str, Any] = {"document": document, "kind": documents.LOOKS.get(document.content_type, "")}
    try:
        if context["kind"] == "text":
            context["text"] = documents.beginning(document)
        elif context["kind"] == "table":
            context["rows"] = documents.first_rows(document)
    except OSError:
        context["kind"] = "gone"
    base = "base.html" if request.user.has_perm("kernel.use_workspace") else "plain.html"
    return htmx.respond(request, "document.html", context | {"base": base}, part="panel")


@login_required
@require_safe
def download(request: HttpRequest, pk: int) -> FileResponse:
    """A document's content, for whoever may see its record: a download, or shown inside of our own page; never run."""
    document = _document(request, pk)
    inline = documents.LOOKS.get(document.content_type) in ("pages", "picture") and "view" in request.GET
    try:
        content = document.file.open("rb")
    except OSError:
        raise Http404("The file of this document is missing; tell an administrator.") from None
    kind = document.content_type if document.content_type in documents.TYPES.values() else "application/octet-stream"
    response = FileResponse(content, as_attachment=not inline, filename=document.name, content_type=kind)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = INLINE if inline else "default-src 'none'; sandbox"
    if inline:
        response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "private, no-store"
    return response
