"""Leads, opportunities, accounts: URLs."""

from django.urls import URLPattern, path

from crm.views import accounts, belongings, lead_convert, leadimport, leads, merging, opportunities, siteimport

app_name = "crm"
urlpatterns: list[URLPattern] = [
    path("leads/", leads.leads, name="lead_list"),
    path("leads/new/", leads.new, name="lead_new"),
    path("leads/doubles/", leads.doubles, name="lead_doubles"),
    path("leads/line/", leads.line, name="lead_line"),
    path("leads/imports/", leadimport.imports, name="lead_import_list"),
    path("leads/import/", leadimport.upload, name="lead_import"),
    path("leads/import/example.csv", leadimport.example, name="lead_import_example"),
    path("leads/import/<int:pk>/", leadimport.check, name="lead_import_check"),
    path("leads/import/<int:pk>/undo/", leadimport.undo, name="lead_import_undo"),
    path("leads/import/<int:pk>/problems.csv", leadimport.problems, name="lead_import_problems"),
    path("leads/<str:number>/", leads.lead, name="lead"),
    path("leads/<str:number>/edit/", leads.edit, name="lead_edit"),
    path("leads/<str:number>/absorb/", leads.absorb, name="lead_absorb"),
    path("leads/<str:number>/convert/", lead_convert.convert, name="lead_convert"),
    path("opportunities/", opportunities.opportunities, name="opportunity_list"),
    path("opportunities/board/", opportunities.board, name="opportunity_board"),
    path("opportunities/forecast/", opportunities.forecasted, name="opportunity_forecast"),
    path("opportunities/new/", opportunities.new, name="opportunity_new"),
    path("opportunities/<str:number>/", opportunities.opportunity, name="opportunity"),
    path("opportunities/<str:number>/edit/", opportunities.edit, name="opportunity_edit"),
    path("opportunities/<str:number>/stage/", opportunities.stage, name="opportunity_move"),
    path("opportunities/<str:number>/lines/", opportunities.add_line, name="opportunity_add_line"),
    path(
        "opportunities/<str:number>/lines/<int:pk>/remove/", opportunities.remove_line, name="opportunity_remove_line"
    ),
    path("accounts/", accounts.accounts, name="account_list"),
    path("accounts/new/", accounts.new, name="account_new"),
    path("accounts/sites-example.csv", siteimport.example, name="site_import_example"),
    path("accounts/doubles/", merging.suspects, name="account_doubles"),
    path("accounts/doubles/apart/", merging.tell_apart, name="account_tell_apart"),
    path("accounts/<str:number>/", accounts.account, name="account"),
    path("accounts/<str:number>/merge/", merging.merge, name="account_merge"),
    path("accounts/<str:number>/edit/", accounts.edit, name="account_edit"),
    path("accounts/<str:number>/children/new/", belongings.add_child, name="account_add_child"),
    path("accounts/<str:number>/contacts/new/", belongings.add_contact, name="account_add_contact"),
    path("accounts/<str:number>/billing/new/", belongings.add_billing_profile, name="account_add_billing_profile"),
    path("accounts/<str:number>/team/new/", belongings.add_team_member, name="account_add_team_member"),
    path("accounts/<str:number>/sites/", accounts.sites, name="site_list"),
    path("accounts/<str:number>/sites/new/", belongings.add_site, name="account_add_site"),
    path("accounts/<str:number>/sites/import/", siteimport.upload, name="site_import"),
    path("accounts/<str:number>/sites/import/<int:pk>/", siteimport.check, name="site_import_check"),
    path("accounts/<str:number>/sites/import/<int:pk>/problems.csv", siteimport.problems, name="site_import_problems"),
    path("contacts/<int:pk>/", belongings.contact, name="contact"),
    path("contacts/<int:pk>/merge/", merging.merge_contact, name="contact_merge"),
    path("contacts/<int:pk>/portal/", belongings.portal, name="contact_portal"),
    path("sites/<int:pk>/", belongings.site, name="site"),
    path("billing-profiles/<int:pk>/", belongings.billing_profile, name="billing_profile"),
]
