"""The audit app: the internal log of acts, the public chain of commitments, and their proofs. It imports no other app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"
