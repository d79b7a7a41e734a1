"""Names the app for Django."""

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "batches"
