"""The APIs of the product: each app's face, under its published base path."""

from django.urls import include, path

import catalog.api
import cmdb.api
import contracts.api
import crm.api
import orders.api
from kernel.rest import service, tokens

APIS = (*catalog.api.APIS, *crm.api.APIS, *cmdb.api.APIS, *contracts.api.APIS, *orders.api.APIS)

urlpatterns = [
    path("oauth/token/", tokens.token, name="api_token"),
    *(path(api.root.lstrip("/"), include(api.urls)) for api in APIS),
    path("tmf-api/", service.elsewhere),
    path("tmf-api/<path:rest>", service.elsewhere),
]
