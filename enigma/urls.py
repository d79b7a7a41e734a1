"""Wires the apps' pages and the API together."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from enigma.rest.docs import Docs, Schema
from enigma.rest.health import Health, Live, Ready

admin.autodiscover()

API = "api/v1/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(API, include("accounts.api.urls")),
    path(API, include("admissions.api.urls")),
    path(API, include("batches.api.urls")),
    path(API, include("audit.api.urls")),
    path(f"{API}health", Health.as_view(), name="api-health"),
    path("api/schema/", Schema.as_view(), name="api-schema"),
    path("api/docs/", Docs.as_view(), name="api-docs"),
    path("", include("admissions.pages.reading_urls")),
    path("livez", Live.as_view(), name="livez"),
    path("readyz", Ready.as_view(), name="readyz"),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("accounts.urls")),
    path("console/", admin.site.urls),
    path("", include("admissions.pages.apply_urls")),
]

# Below /api/ a problem, elsewhere Django's own pages.
handler400 = "enigma.rest.problems.bad_request"
handler404 = "enigma.rest.problems.not_found"
handler500 = "enigma.rest.problems.failed"
