"""Where the pages of an application are."""

from django.urls import path, re_path

from admissions.pages import checking, receipts, sections, task_list

_OWN = "applications/<slug:reference>"

urlpatterns = [
    path("apply/<slug:code>/", task_list.task_list, name="apply"),
    path("apply/<slug:code>/check/", checking.check, name="apply-check"),
    path("apply/<slug:code>/discard/", task_list.discard_draft, name="apply-discard"),
    path("apply/<slug:code>/<slug:section>/", sections.section, name="apply-section"),
    path("apply/<slug:code>/<slug:section>/autosave/", sections.autosave, name="apply-autosave"),
    path(f"{_OWN}/receipt/", receipts.receipt, name="receipt"),
    re_path(
        r"^applications/(?P<reference>[-\w]+)/receipt\.(?P<form>json|txt)$", receipts.receipt_file, name="receipt-file"
    ),
    path(f"{_OWN}/change/", receipts.change_application, name="change-application"),
    path(f"{_OWN}/withdraw/", receipts.withdraw_application, name="withdraw-application"),
]
