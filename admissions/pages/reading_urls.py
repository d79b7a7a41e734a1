"""The addresses of what applicants and the public read."""

from django.urls import path

from admissions.pages import account, own, proof, start

urlpatterns = [
    path("", start.start, name="start"),
    path("how-it-works/", start.how_it_works, name="how-it-works"),
    path("privacy/", start.privacy, name="privacy"),
    path("accessibility/", start.accessibility, name="accessibility"),
    path("applications/", own.status, name="status"),
    path("applications/<slug:reference>/", own.application_status, name="application-status"),
    path("applications/<slug:reference>/decision/", own.decision, name="decision"),
    path("applications/<slug:reference>/review/", own.ask_for_review, name="ask-for-review"),
    path("verify/", proof.verify_receipt, name="verify-receipt"),
    path("cycles/<slug:code>/", proof.public_cycle, name="public-cycle"),
    path("accounts/data/", account.download_my_data, name="download-my-data"),
    path("accounts/erase/", account.erase_me, name="erase-me"),
]
