"""The catalogue: URLs."""

from django.urls import URLPattern, path

from catalog.views import offerings, rule_form, rules

app_name = "catalog"
urlpatterns: list[URLPattern] = [
    path("catalogue/", offerings.listing, name="offering_list"),
    path("catalogue/<slug:key>/", offerings.page, name="offering"),
    path("rules/", rules.listing, name="rule_list"),
    path("rules/new/", rule_form.new, name="rule_new"),
    path("rules/<slug:key>/v<int:version>/", rules.page, name="rule"),
    path("rules/<slug:key>/v<int:version>/edit/", rule_form.edit, name="rule_edit"),
    path("rules/<slug:key>/v<int:version>/try/", rules.try_out, name="rule_try"),
    path("rules/<slug:key>/v<int:version>/test/", rules.keep_test, name="rule_test"),
    path("rules/<slug:key>/v<int:version>/next/", rules.next_version, name="rule_next"),
    path("rules/<slug:key>/v<int:version>/publish/", rules.publish, name="rule_publish"),
    path("rules/<slug:key>/v<int:version>/retire/", rules.retire, name="rule_retire"),
    path("rules/<slug:key>/v<int:version>/discard/", rules.discard, name="rule_discard"),
]
