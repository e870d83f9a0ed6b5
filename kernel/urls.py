"""Pages of the kernel: home, log-in, inbox, search, records' activity, documents and moves, the living design page."""

from django.contrib.auth import views as auth
from django.urls import URLPattern, path

from kernel.forms import LogIn
from kernel.views import account, assets, design, finding, health, home, inbox, records, trail

urlpatterns: list[URLPattern] = [
    path("", home.page, name="home"),
    path("home/<slug:key>/", home.block, name="home_block"),
    path("healthz", health.health, name="health"),
    path("icons.svg", assets.sprite, name="icons"),
    path("search/", finding.search, name="search"),
    path("inbox/", inbox.notifications, name="notifications"),
    path("inbox/panel/", inbox.panel, name="notifications_panel"),
    path("inbox/read/", inbox.read_all, name="notifications_read"),
    path("inbox/<int:pk>/", inbox.open_one, name="notification"),
    path("approvals/", inbox.waiting, name="approvals"),
    path("approvals/<int:pk>/", inbox.decide, name="approval_decide"),
    path("move/<str:label>/<int:pk>/", records.move, name="move"),
    path("activity/<str:label>/<int:pk>/", records.activity, name="activity"),
    path("documents/<str:label>/<int:pk>/", records.files, name="documents"),
    path("documents/<int:pk>/", records.download, name="document"),
    path("trail/", trail.trail, name="trail"),
    path("design/", design.page, name="design"),
    path("profile/", account.profile, name="profile"),
    path("profile/theme/", account.theme, name="theme"),
    path("permissions/", account.permissions, name="permissions"),
    path("login/", auth.LoginView.as_view(authentication_form=LogIn, redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("password/changed/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("password/forgotten/", auth.PasswordResetView.as_view(), name="password_reset"),
    path("password/sent/", auth.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("password/<uidb64>/<token>/", auth.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("password/set/", auth.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]
