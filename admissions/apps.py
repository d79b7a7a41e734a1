"""Names the app for Django."""

from django.apps import AppConfig


class AdmissionsConfig(AppConfig):
    name = "admissions"
