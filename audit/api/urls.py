"""Addresses of this app's routes below /api/v1/."""

from django.urls import URLPattern, path

from audit.api import views

urlpatterns: list[URLPattern] = [
    path("verify/chain", views.ChainView.as_view(), name="api-chain"),
    path("admin/audit/logs", views.LogView.as_view(), name="api-audit-logs"),
    path("admin/audit/verify", views.Verifications.as_view(), name="api-audit-verify"),
    path("admin/audit/verify/<int:verification_id>", views.VerificationView.as_view(), name="api-verification"),
]
