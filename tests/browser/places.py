"""What the console has pages of, with something on each of them, and the addresses of those pages."""

import re
from datetime import timedelta
from string import Formatter
from typing import Any

from django.utils import timezone

from accounts.actors import operator
from accounts.models import AdminUser
from accounts.newcomers import confirm_address
from accounts.roles import Role
from accounts.service_tokens import make_token
from admissions.late_access import grant
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from audit.sequencer import sequence_all
from audit.verifications import verify_and_keep
from tests.batches.engines import REJECTION, evaluation, export, failure, hand_in, judgement, processing, requests_of
from tests.clients import api
from tests.factories import applicant, applicants, apply, cycle, lead, omar, waiting
from tests.routes import PAGES

# Files, parts of pages, and addresses that only lead elsewhere.
NO_PAGES = {
    *("app_list", "login", "logout", "password_change", "password_change_done", "jsi18n"),
    *("running-work", "batch_manifest", "batch_progress", "results_rejected", "cycle-progress"),
}
# What the table of routes names without braces.
LITERAL = re.compile(r"/fall-2026/|/0/")


def things() -> dict[str, Any]:
    """Make something of everything; return what addresses name."""
    one = cycle(opens_at=timezone.now() - timedelta(days=1), closes_at=timezone.now() + timedelta(days=9))
    apply(one, applicants(5))
    judged = cycle("judged", judge_policy="none")
    apply(judged, applicants(4))
    lead(judged, "processing")
    chosen = cycle("chosen", seats=3)
    apply(chosen, applicants(12))
    selection = lead(chosen, "selection").selection()
    answered = answers()
    sequence_all()
    return {
        **people(),
        **answered,
        "copy": waiting(judged).pk,
        "judged": judged.code,
        "selection": selection.pk,
        "letter": let_in_late(one),
        "verification": verify_and_keep("test").pk,
    }


def answers() -> dict[str, Any]:
    """A cycle whose engines have answered, not all of it well; a run waits for its answers."""
    one = processing(6, code="batched")
    asked = requests_of(one)
    failed, *rest = asked
    good = [evaluation(line, essay_score=40 + 9 * number) for number, line in enumerate(rest)]
    file = hand_in(one, failure(failed), b"no JSON\n", *good).file
    export(one, "judge")
    first, *others = requests_of(one, "judge")
    hand_in(one, judgement(first, **REJECTION), *map(judgement, others))
    run = export(one, "worker")
    return {"run": run.pk, "shard": run.manifest["shards"][0]["name"], "file": file.pk, "batched": one.code}


def people() -> dict[str, Any]:
    """A reviewer with a session, and a machine with a token."""
    session = api(omar(Role.REVIEWER, email="reza@example.org")).actor.session_id
    member = AdminUser.objects.get(user__email="reza@example.org")
    maker = omar(Role.ADMIN, email="lena@example.org")
    until = timezone.now() + timedelta(days=30)
    token, _ = make_token("carrier", verb="batches.export", cycle="fall-2026", expires_at=until, actor=maker)
    return {"member": member.pk, "person": member.user_id, "session": session, "token": token.pk}


def let_in_late(one: AdmissionCycle) -> int:
    """Somebody may hand in after the closing time, and is told so; return the letter."""
    user, _ = applicant("late@example.org")
    confirm_address(user)
    grant(one, user.email, until=timezone.now() + timedelta(days=12), reason="The portal was down.", actor=operator())
    return int(Letter.objects.latest("pk").pk)


def addresses(known: dict[str, Any]) -> dict[str, str]:
    """Return the pages that can be read, by name: those whose addresses need nothing but what is known."""
    found = {}
    for name, (kind, path) in PAGES.items():
        page = name.removeprefix("admin:")
        method = kind.get("GET", "") if isinstance(kind, dict) else kind
        needed = {field for _, field, _, _ in Formatter().parse(path) if field}
        is_page = name.startswith("admin:") and page not in NO_PAGES and method not in ("", "nobody")
        is_there = bool(known) or not LITERAL.search(path)
        if is_page and is_there and needed <= known.keys():
            found[page] = path.format(**known)
    return found
