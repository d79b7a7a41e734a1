"""Wires the apps' pages together. The console, the applicant pages and the API add theirs here."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
