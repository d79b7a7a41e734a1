"""The audit app: the internal log of acts, the public chain of commitments, and their verification."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"
