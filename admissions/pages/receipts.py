"""What an applicant keeps: the receipt as a page and as a file; and the ways to change and to withdraw."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from admissions.applying import take_back
from admissions.drafts import begin_change
from admissions.own import standing
from admissions.pages.visits import Visit, of_application
from admissions.receipts import entry_of
from enigma.rest.serializers import rfc3339

TYPES = {"json": "application/json", "txt": "text/plain; charset=utf-8"}


@of_application("GET")
def receipt(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show reference, receipt and commitment, what happens next, and what may still be done."""
    return render(request, "apply/receipt.html", _context(visit))


@of_application("GET")
def receipt_file(request: HttpRequest, visit: Visit, form: str) -> HttpResponse:
    """Hand the receipt over as a file."""
    context = _context(visit)
    body = render_to_string("apply/receipt.txt", context) if form == "txt" else json.dumps(_as_json(context), indent=1)
    name = f"receipt-{context['application'].reference}.{form}"
    return HttpResponse(
        body, content_type=TYPES[form], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@of_application("GET", "POST")
def change_application(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Say what a change means; POST begins one, as a draft of what was handed in."""
    context = _context(visit)
    if request.method == "GET" or not context["may_change"]:
        status = 200 if request.method == "GET" else 409
        return render(request, "apply/change.html", context, status=status)
    begin_change(context["application"], user=visit.user, actor=visit.actor)
    return redirect("apply", code=visit.cycle.code)


@of_application("GET", "POST")
def withdraw_application(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask whether somebody means it; POST takes the application back."""
    context = _context(visit)
    if request.method == "GET" or not context["standing"]["may_withdraw"]:
        status = 200 if request.method == "GET" else 409
        return render(request, "apply/withdraw.html", context, status=status)
    take_back(context["application"], user=visit.user, actor=visit.actor)
    messages.success(request, _("Your application is withdrawn."))
    return redirect("receipt", reference=context["application"].reference)


def _context(visit: Visit) -> dict[str, Any]:
    assert visit.application is not None  # noqa: S101  the page has found it
    return {
        "visit": visit,
        "cycle": visit.cycle,
        "application": visit.application,
        "standing": standing(visit.application),
        "entry": entry_of(visit.application),
        "receipt": visit.application.receipt_ref.hex,
        "may_change": visit.may_write,
    }


def _as_json(context: dict[str, Any]) -> dict[str, Any]:
    application, entry = context["application"], context["entry"]
    return {
        "cycle": context["cycle"].code,
        "reference": application.reference,
        "receipt": context["receipt"],
        "submitted_at": rfc3339(application.submitted_at),
        "changed_at": rfc3339(application.changed_at) if application.changed_at else None,
        "commitment": entry and entry.commitment,
        "log_number": entry and entry.number,
        "logged_at": rfc3339(entry.at) if entry and entry.at else None,
    }
