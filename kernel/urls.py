"""Pages of the kernel: home, log-in, documents, activity, the living design page."""

from django.urls import URLPattern, path

from kernel.views import health

urlpatterns: list[URLPattern] = [
    path("healthz", health.health, name="health"),
]
