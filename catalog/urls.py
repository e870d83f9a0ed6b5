"""The catalogue: URLs."""

from django.urls import URLPattern, path

from catalog.views import offerings

app_name = "catalog"
urlpatterns: list[URLPattern] = [
    path("catalogue/", offerings.listing, name="offering_list"),
    path("catalogue/<slug:key>/", offerings.page, name="offering"),
]
