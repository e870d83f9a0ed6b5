"""Pages of the kernel: home, log-in, documents, activity, the living design page."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
