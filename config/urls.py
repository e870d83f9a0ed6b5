"""All URLs: each app's own under one roof."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("kernel.urls")),
]
