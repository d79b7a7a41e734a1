"""What batches add to shared pages: the runs of a cycle, and the evaluations that are open."""

from typing import Any

from django.http import HttpRequest

from admissions.models.cycles import AdmissionCycle
from batches.asking import PHASES, open_counts
from batches.console.exports import ANY_PHASE
from batches.console.runs import state_tag
from batches.models import BatchRun
from batches.progress import progress_of, with_engines
from enigma.console.registry import panel

NEWEST = 8


@panel("cycle", template="console/batches/cycle_panel.html", needs="batches.view", order=40)
def batches_of(request: HttpRequest, cycle: AdmissionCycle) -> dict[str, Any]:
    """Show the newest runs of a cycle, and what an export would find."""
    runs = list(BatchRun.objects.filter(admission_cycle=cycle)[: NEWEST + 1])
    shown = runs[:NEWEST]
    known = progress_of(shown)
    stages = [stage for stage, phases in PHASES.items() if cycle.phase in phases]
    counts = open_counts([cycle]) if stages else {}
    return {
        "cycle": cycle,
        "runs": [(run, known[run.pk], state_tag(run)) for run in shown],
        "has_more": len(runs) > NEWEST,
        "open": [(stage, counts[cycle.pk, stage]) for stage in stages],
        "may_export": bool(stages) and request.user.has_perm("accounts.batches.export"),
        "may_import": cycle.phase == "processing" and request.user.has_perm("accounts.batches.import"),
    }


@panel("dashboard", template="console/batches/dashboard_panel.html", needs="batches.view", order=60)
def open_evaluations(request: HttpRequest) -> dict[str, Any] | None:
    """Show for each current cycle what waits to be exported, and what waits for the engines."""
    cycles = list(AdmissionCycle.objects.filter(phase__in=ANY_PHASE))
    if not cycles:
        return None
    out = BatchRun.objects.filter(admission_cycle__in=cycles, state=BatchRun.State.EXPORTED)
    waiting, wanted = with_engines(out), open_counts(cycles)
    lines = [
        (cycle, stage, wanted[cycle.pk, stage], waiting[cycle.pk, stage])
        for cycle in cycles
        for stage in PHASES
        if wanted[cycle.pk, stage] or waiting[cycle.pk, stage]
    ]
    return {"lines": lines, "may_export": request.user.has_perm("accounts.batches.export")}
