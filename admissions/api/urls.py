"""Addresses of this app's routes below /api/v1/."""

from django.urls import URLPattern, path

from admissions.api import applications, cycles, public, steps

PUBLIC: list[URLPattern] = [
    path("admission/info", public.InfoView.as_view(), name="api-info"),
    path("admission/status", public.StatusView.as_view(), name="api-status"),
]

APPLICANT: list[URLPattern] = [
    path("applications", applications.Applications.as_view(), name="api-applications"),
    path("applications/<slug:reference>", applications.OneApplication.as_view(), name="api-application"),
    path("applications/<slug:reference>/result", applications.OneResult.as_view(), name="api-result"),
    path("applications/<slug:reference>/withdraw", applications.Withdrawal.as_view(), name="api-withdraw"),
]

# The routes of staff: cycles and their steps.
STAFF: list[URLPattern] = [
    path("admin/cycles", cycles.Cycles.as_view(), name="api-cycles"),
    path("admin/cycles/<slug:code>", cycles.OneCycle.as_view(), name="api-cycle"),
    path("admin/cycles/<slug:code>/runs/<uuid:run_id>", steps.Run.as_view(), name="api-step-run"),
    *(
        path(f"admin/cycles/<slug:code>/{step}", view.as_view(), name=f"api-step-{step}")
        for step, view in steps.VIEWS.items()
    ),
]

urlpatterns: list[URLPattern] = [*PUBLIC, *APPLICANT, *STAFF]
