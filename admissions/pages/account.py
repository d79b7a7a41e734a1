"""One's own data: take all of it along, and have it erased."""

import json

from allauth.account.decorators import reauthentication_required
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.browser import proved_lately
from accounts.own_account import is_staff
from admissions.erasure import erase, obstacles
from admissions.pages.reading_forms import EraseForm
from admissions.pages.visitors import applicant, person
from admissions.personal_data import export_own
from enigma.errors import Refused

METHODS = ["GET", "HEAD", "POST"]


@never_cache
@login_required
@require_http_methods(METHODS)
@reauthentication_required(allow_get=True)
def download_my_data(request: HttpRequest) -> HttpResponse:
    """Say what the file holds; POST answers with it."""
    user = person(request)
    if request.method != "POST":
        return render(request, "reading/data.html", {"is_late": not proved_lately(request, user)})
    if not proved_lately(request, user):
        return redirect("download-my-data")
    told = json.dumps(export_own(user, actor=applicant(request)), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    name = f"enigma-my-data-{timezone.localdate().isoformat()}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(f"{told}\n", content_type="application/json", headers=headers)


@never_cache
@login_required
@require_http_methods(METHODS)
@reauthentication_required(allow_get=True)
def erase_me(request: HttpRequest) -> HttpResponse:
    """Say what erasure does and cannot do, and what stands against it; POST with the word does it."""
    user = person(request)
    against, is_late, staff = obstacles(user), not proved_lately(request, user), is_staff(user)
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and not (against or is_late or staff):
        try:
            erase(user, actor=applicant(request))
        except Refused as refusal:  # another tab has handed in meanwhile
            form.add_error(None, str(refusal))
        else:
            logout(request)
            return render(request, "reading/erased.html")
    context = {"form": form, "obstacles": against, "is_late": is_late, "is_staff_account": staff}
    return render(request, "reading/erase.html", context, status=422 if form.errors else 200)
