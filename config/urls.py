"""All URLs: each app's own under one roof."""

from django.contrib import admin
from django.urls import include, path

from kernel.views import entering

urlpatterns = [
    path("", include("config.apis")),  # the busiest, and so the first to be found
    path("admin/login/", entering.administration),
    path("admin/", admin.site.urls),
    path("", include("kernel.urls")),
    path("", include("catalog.urls")),
    path("", include("crm.urls")),
    path("", include("cmdb.urls")),
    path("", include("contracts.urls")),
    path("", include("fulfillment.urls")),
    path("", include("orders.urls")),
    path("", include("fallout.urls")),
    path("portal/", include("portal.urls")),
]

handler400 = "kernel.views.errors.bad_request"
handler403 = "kernel.views.errors.forbidden"
handler500 = "kernel.views.errors.broken"
