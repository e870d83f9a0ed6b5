"""The catalogue: URLs."""

from django.urls import URLPattern, path

from catalog.views import drafts, exchange, offerings, pairings, parts, rule_form, rules, samples, specifications

app_name = "catalog"
OFFERING, SPECIFICATION = {"kind": "offering"}, {"kind": "specification"}
urlpatterns: list[URLPattern] = [
    path("catalogue/", offerings.listing, name="offering_list"),
    path("catalogue/exchange/", exchange.page, name="exchange"),
    path("catalogue/export/", exchange.export, name="export"),
    path("catalogue/new/", drafts.new, {"kind": "offering"}, name="offering_new"),
    path("catalogue/<slug:key>/", offerings.page, name="offering"),
    path("catalogue/<slug:key>/v<int:version>/edit/", drafts.edit, OFFERING, name="offering_edit"),
    path("catalogue/<slug:key>/v<int:version>/next/", drafts.next_version, OFFERING, name="offering_next"),
    path("catalogue/<slug:key>/v<int:version>/discard/", drafts.discard, OFFERING, name="offering_discard"),
    path("catalogue/<slug:key>/v<int:version>/activate/", drafts.activate, OFFERING, name="offering_activate"),
    path("catalogue/<slug:key>/v<int:version>/bench/", samples.run_all, OFFERING, name="offering_bench"),
    path("catalogue/<slug:key>/v<int:version>/members/new/", parts.member, name="member_new"),
    path("catalogue/<slug:key>/v<int:version>/members/<int:pk>/", parts.member, name="member"),
    path("catalogue/<slug:key>/v<int:version>/choices/new/", parts.group, name="group_new"),
    path("catalogue/<slug:key>/v<int:version>/choices/<slug:name>/", parts.group, name="group"),
    path("specifications/", specifications.listing, name="specification_list"),
    path("specifications/new/", drafts.new, {"kind": "specification"}, name="specification_new"),
    path("specifications/<slug:key>/", specifications.page, name="specification"),
    path("specifications/<slug:key>/v<int:version>/edit/", drafts.edit, SPECIFICATION, name="specification_edit"),
    path(
        "specifications/<slug:key>/v<int:version>/next/", drafts.next_version, SPECIFICATION, name="specification_next"
    ),
    path(
        "specifications/<slug:key>/v<int:version>/discard/", drafts.discard, SPECIFICATION, name="specification_discard"
    ),
    path(
        "specifications/<slug:key>/v<int:version>/activate/",
        drafts.activate,
        SPECIFICATION,
        name="specification_activate",
    ),
    path("specifications/<slug:key>/v<int:version>/bench/", samples.run_all, SPECIFICATION, name="specification_bench"),
    path("specifications/<slug:key>/v<int:version>/new/", parts.characteristic, name="characteristic_new"),
    path("specifications/<slug:key>/v<int:version>/relation/", parts.relation, name="relation"),
    path("specifications/<slug:key>/v<int:version>/c/<slug:name>/", parts.characteristic, name="characteristic"),
    path(
        "specifications/<slug:key>/v<int:version>/c/<slug:name>/act/",
        parts.characteristic_act,
        name="characteristic_act",
    ),
    path("bench/", samples.listing, name="sample_list"),
    path("bench/new/", samples.edit, name="sample_new"),
    path("bench/<slug:key>/", samples.page, name="sample"),
    path("bench/<slug:key>/edit/", samples.edit, name="sample_edit"),
    path("bench/<slug:key>/drop/", samples.drop, name="sample_drop"),
    path("rules/together/", pairings.listing, name="pairing_list"),
    path("rules/together/new/", pairings.new, name="pairing_new"),
    path("rules/together/<int:pk>/", pairings.page, name="pairing"),
    path("rules/together/<int:pk>/remove/", pairings.remove, name="pairing_remove"),
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
