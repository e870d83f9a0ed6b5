"""Following records, naming colleagues in comments, records that one opened last, and the choice of what to hear of."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel import commenting, following, frame, htmx, notifications, records
from kernel.models.activity import NotificationChoice
from kernel.views.records import back
from kernel.workspace import allowed, person

WORKS = "kernel.use_workspace"


@allowed(WORKS)
@require_POST
def follow(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Hear of a record from now on, or no longer."""
    user = person(request)
    record = records.subject(label, pk, user)
    wanted = "leave" not in request.POST
    (following.follow if wanted else following.leave)(record, user)
    said = f"You hear of {record} from now on." if wanted else f"You hear of {record} no longer."
    if not getattr(request, "htmx", False):
        return htmx.go(request, back(request), toast=said)
    context = {"record": record, "label": label, "follows": wanted}
    return htmx.respond(request, "components/activity.html", context, part="following", toast=said)


@allowed(WORKS)
@require_safe
def mention(request: HttpRequest, label: str, pk: int) -> HttpResponse:
    """Colleagues whose names begin as typed, for the list under a comment."""
    record = records.subject(label, pk, person(request))
    typed = request.GET.get("q", "").replace("\x00", "")[:40]
    return render(request, "components/activity.html#people", {"people": commenting.candidates(record, typed)})


@allowed(WORKS)
@require_safe
def recent(request: HttpRequest) -> HttpResponse:
    """What one opened last and what one follows, for the home page."""
    user = person(request)
    context = {"recent": following.recent(user), "followed": following.followed(user)}
    return render(request, "components/recent.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: HttpRequest) -> HttpResponse:
    """Of which events one hears in the app, and of which by mail, at once or once a day."""
    user = person(request)
    rows = notifications.choices_of(user)
    if request.method == "POST":
        wanted = {
            str(row["event"]): (f"app-{row['event']}" in request.POST, request.POST.get(f"mail-{row['event']}", ""))
            for row in rows
        }
        if not {mail for _, mail in wanted.values()} <= {"", *NotificationChoice.Mail.values}:
            raise BadRequest("Choose for each event what is sent by e-mail.")
        notifications.choose(user=user, wanted=wanted)
        return htmx.go(request, "notification_choices", toast="You hear of things as you chose.")
    context = {"rows": rows, "mails": NotificationChoice.Mail.choices, "base": frame.base(user)}
    return render(request, "notification_choices.html", context)
