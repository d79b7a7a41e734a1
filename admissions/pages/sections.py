"""The page of one section, and the saving while somebody types."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import Throttled

from accounts.throttles import limit
from admissions.chunks import limits_of
from admissions.drafts import AUTO, FULL, NOTHING, HandedIn, Save, Stale, Written, save_section
from admissions.pages.forms import COUNTED, SectionForm, count_of, typed_in
from admissions.pages.visits import Visit, of_cycle
from admissions.pages.wording import TITLES, label_of
from admissions.phases import PhaseError
from admissions.sections import SCORED, SECTIONS, judged
from enigma.errors import Malformed, Refused

STALE, SIGNED_OUT, TOO_OFTEN = 409, 401, 429


@of_cycle("GET", "POST")
def section(request: HttpRequest, visit: Visit, section: str) -> HttpResponse:
    """Show what is in a section; POST saves it as it is, and leads on unless something is wrong with it."""
    _demand_section(section)
    if visit.is_done or (request.method == "GET" and not visit.may_write):
        return redirect("apply", code=visit.cycle.code)
    written = visit.draft or NOTHING
    if request.method == "GET":
        return _shown(request, visit, section, written, SectionForm(section, limits_of(visit.cycle), written.values))
    typed = typed_in(section, limits_of(visit.cycle), request.POST)
    form = SectionForm(section, limits_of(visit.cycle), {**written.values, **typed})
    try:
        saved = _saved(request, visit, section, typed, how=FULL)
    except Stale as stale:
        theirs = [(label_of(box), stale.written.values.get(box, "")) for box in form.names]
        return _shown(request, visit, section, stale.written, form, status=STALE, theirs=theirs)
    except PhaseError:  # the time was up between the reading and the sending
        return _shown(request, visit, section, written, form, status=STALE, is_late=True)
    return _led_on(request, visit, section, saved, form)


def _signed_out_kindly(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Tell a page that saves while somebody types that they are signed out, where it would be led to sign in."""

    @wraps(view)
    def page(request: HttpRequest, **rest: Any) -> HttpResponse:
        if not request.user.is_authenticated and request.headers.get("HX-Request"):
            return render(request, "apply/saved.html", {"trouble": "signed_out"}, status=SIGNED_OUT)
        return view(request, **rest)

    return page


@_signed_out_kindly
@of_cycle("POST")
def autosave(request: HttpRequest, visit: Visit, section: str) -> HttpResponse:
    """Keep what is being typed, and say when it was kept; what is wrong with it is not asked."""
    _demand_section(section)
    typed = typed_in(section, limits_of(visit.cycle), request.POST)
    try:
        limit("draft", visit.actor.id)
        saved = _saved(request, visit, section, typed, how=AUTO)
    except Throttled:
        return render(request, "apply/saved.html", {"trouble": "too_often"}, status=TOO_OFTEN)
    except (Stale, HandedIn) as conflict:
        trouble = "stale" if isinstance(conflict, Stale) else "handed_in"
        return render(request, "apply/saved.html", {"trouble": trouble}, status=STALE)
    except Refused as refusal:
        trouble = "too_long" if isinstance(refusal, Malformed) else "shut"
        return render(request, "apply/saved.html", {"trouble": trouble}, status=STALE)
    told = {"saved_at": saved.saved_at_of(section), "version": saved.version_of(section), "is_autosave": True}
    return render(request, "apply/saved.html", {**told, **_counts(section, saved.values)})


def _demand_section(section: str) -> None:
    if section not in SECTIONS:
        raise Http404


def _saved(request: HttpRequest, visit: Visit, section: str, typed: dict[str, str], *, how: str) -> Written:
    version = request.POST.get("version", "")
    save = Save(int(version) if version.isdecimal() and len(version) < 10 else 0, request.POST.get("tab", ""), how)
    return save_section(visit.cycle, typed, section=section, save=save, user=visit.user, actor=visit.actor)


def _led_on(request: HttpRequest, visit: Visit, section: str, saved: Written, form: SectionForm) -> HttpResponse:
    """To the task list, to the next section, or back to what is wrong: it is saved all the same."""
    if request.POST.get("then") == "later":
        messages.success(request, _("Saved. You can come back until the deadline."))
        return redirect("apply", code=visit.cycle.code)
    __, faults = judged(saved.values, visit.user.email, limits_of(visit.cycle))
    if faults[section]:
        form.tell(faults[section])
        return _shown(request, visit, section, saved, form, status=422)
    order = list(SECTIONS)
    later = order[order.index(section) + 1 :]
    if later:
        return redirect("apply-section", code=visit.cycle.code, section=later[0])
    return redirect("apply-check", code=visit.cycle.code)


def _shown(
    request: HttpRequest,
    visit: Visit,
    section: str,
    written: Written,
    form: SectionForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    code = visit.cycle.code
    context = {
        "visit": visit,
        "form": form,
        "section": section,
        "title": TITLES[section],
        "is_scored": section in SCORED,
        "has_tests": bool(form.test_boxes()),
        "version": written.version_of(section),
        "tab": _tab(request),
        "saved_at": written.saved_at_of(section),
        "autosave": reverse("apply-autosave", kwargs={"code": code, "section": section}),
        "now": timezone.now(),
        **_counts(section, {name: form[name].value() for name in form.names}),
        **more,
    }
    return render(request, "apply/section.html", context, status=status)


def _tab(request: HttpRequest) -> str:
    """Name the tab, so that its saves follow upon each other; a page that was opened anew is another tab."""
    sent = request.POST.get("tab", "")
    return sent if sent.isalnum() and len(sent) <= 16 else secrets.token_hex(8)


def _counts(section: str, values: dict[str, str]) -> dict[str, Any]:
    if section not in COUNTED:
        return {}
    return {"counted": section, **count_of(values.get(section, ""))}
