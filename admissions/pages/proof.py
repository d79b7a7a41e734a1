"""The public pages of proof: look a receipt up in the log, and the figures of a published cycle."""

from contextlib import suppress

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from admissions.distribution import LEAST, Bin, spread
from admissions.models.cycles import AdmissionCycle, SelectionLog
from admissions.models.outcomes import may_see_result
from admissions.own import CROWD
from admissions.pages.reading_forms import ReceiptForm
from admissions.pages.words import KIND_NAMES, part_names, rubric_of, tie_rule
from admissions.public import BIN, score_bins
from admissions.receipt_lookup import Entry, look_up
from admissions.selection import PARTS
from admissions.timeline import dated
from enigma import plots
from enigma.encryption import UnreadableRecord


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_receipt(request: HttpRequest) -> HttpResponse:
    """Say what the public log holds under a receipt; it is given in the address, or sent by the form."""
    if request.method == "POST":
        form = ReceiptForm(request.POST, request.FILES)
    else:
        form = ReceiptForm({"receipt": request.GET["receipt"]}) if "receipt" in request.GET else ReceiptForm()
    found = look_up(form.given) if form.is_bound and form.is_valid() else None
    entries = _named(found.entries) if found else []
    head_hash = bytes(found.head.chain_hash).hex() if found and found.head else ""
    context = {"form": form, "found": found, "entries": entries, "head_hash": head_hash}
    return render(request, "reading/verify.html", context, status=422 if form.errors else 200)


@require_safe
def public_cycle(request: HttpRequest, code: str) -> HttpResponse:
    """Show the figures of a published cycle to anybody; before publication there is no such page."""
    cycle = AdmissionCycle.objects.filter(code=code).first()
    if cycle is None or not may_see_result(cycle):
        raise Http404
    log = cycle.selection()
    bins = score_bins(cycle, log)
    names = part_names()
    context = {
        "cycle": cycle,
        "log": log,
        "ranked": log.selected + log.not_selected,
        "crowd": CROWD,
        "least": LEAST,
        "is_crowd": log.selected + log.not_selected >= CROWD,
        "bins": bins,
        "is_merged": any(one.merged for one in bins),
        "plot": _plot(bins, log),
        "weights": [(names[part], cycle.weights[part] * 100) for part in PARTS],
        "rubric": rubric_of(cycle),
        "ties": tie_rule(log.criteria["tie_break"]),
        "tie_secret": _tie_secret(cycle),
        **dated(cycle),
    }
    return render(request, "reading/cycle.html", context)


def _named(entries: list[Entry]) -> list[tuple[Promise, Entry]]:
    """Put the name of its kind before each entry; whatever else was handed in after the first is a change."""
    kinds = (
        "submission.change" if number and one.kind == "submission" else one.kind for number, one in enumerate(entries)
    )
    return [(KIND_NAMES[kind], one) for kind, one in zip(kinds, entries, strict=True)]


def _tie_secret(cycle: AdmissionCycle) -> str:
    """The opened secret of the lot; empty where it does not open, which keeps nobody from the rest."""
    with suppress(UnreadableRecord):
        return cycle.tie_secret().hex()
    return ""


def _plot(bins: list[Bin], log: SelectionLog) -> str:
    if not bins:
        return ""
    return plots.histogram(
        spread(bins, width=BIN),
        low=0,
        high=100,
        label=gettext("How many applications reached which score; the same figures stand in the table below"),
        axis=gettext("Final score"),
        mark=float(log.cutoff) if log.cutoff is not None else None,
        mark_label=gettext("cut-off"),
    )
