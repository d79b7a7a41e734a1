"""No page of the console names an applicant, in any phase and for any role, nor joins a reference to a blind copy."""

import uuid

import pytest
from django.test import Client

from accounts.models import AdminUser, User
from accounts.roles import Role
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication
from admissions.models.cycles import SelectionLog
from admissions.models.letters import Letter
from admissions.phases import Phase
from audit.sequencer import sequence_all
from audit.verifications import verify_and_keep
from batches.models import BatchRun, ResultFile
from tests.clients import api
from tests.factories import amina, apply, cycle, lead, omar, submitted, work_before
from tests.routes import PAGES
from tests.walk import STAFF

pytestmark = pytest.mark.django_db

# Names that no other page can hold by chance. The essay names its writer, as essays do.
CANARY = amina(
    name="Zorvexa Quillfeather",
    phone="+92 300 7770999",
    address="77 Marmalade Lane, Okara 56300",
    essay="I am Zorvexa Quillfeather of 77 Marmalade Lane, Okara 56300. Call +92 300 7770999 or canary@example.org.",
)
WORDS = ("Zorvexa", "Quillfeather", "canary@example.org", "7770999", "Marmalade", "Okara")


@pytest.fixture(params=[phase.value for phase in Phase])
def at(request):
    """What the addresses of the console name, in a cycle in that phase in which the canary applies."""
    one = cycle()
    apply(one, [amina(**{**CANARY, "email": "canary@example.org"})])
    submitted(one, "other@example.org", name="Other Person")
    lead(one, to=request.param)
    if one.next_step() and one.phase != "frozen":
        work_before(one)
    sequence_all()
    reza = omar(Role.REVIEWER, email="reza@example.org")
    member = AdminUser.objects.get(user__email="reza@example.org")
    staff = {"member": member.pk, "person": member.user_id, "session": api(reza).actor.session_id}
    return Named({**named_by(one), **staff})


class Named(dict):
    """What addresses name; of anything else the one with the number 0."""

    def __missing__(self, name):
        return "0"


def named_by(one):
    """What stands in addresses, as far as the cycle has come; what is not there yet is asked for all the same."""
    run = BatchRun.objects.order_by("pk").first()
    firsts = {"file": ResultFile, "letter": Letter, "selection": SelectionLog}
    return {
        **{
            name: model.objects.order_by("pk").values_list("pk", flat=True).first() or 0
            for name, model in firsts.items()
        },
        **dict.fromkeys(("judged", "batched", "code"), one.code),
        "run": run.pk if run else 0,
        "shard": run.manifest["shards"][0]["name"] if run and run.manifest else "none",
        "copy": uuid.UUID(int=0),
        "token": uuid.UUID(int=0),
        "verification": verify_and_keep("test").pk,
    }


def addresses(things):
    """All pages of the console, of all blind copies."""
    pages = [path for name, (_, path) in PAGES.items() if path.startswith("/console/") and "/r/" not in path]
    copies = AnonymizedApplication.objects.values_list("pk", flat=True) or [things["copy"]]
    return sorted({path.format_map(Named({**things, "copy": copy})) for path in pages for copy in copies})


def test_no_page_names_an_applicant_or_joins_the_two_lists(at, settings):
    settings.SECOND_FACTOR_OPTIONAL = True
    references = list(Application.objects.values_list("reference", flat=True))
    copies = [copy.hex[:8] for copy in AnonymizedApplication.objects.values_list("pk", flat=True)]
    leaks, shown = [], {"reference": 0, "copy": 0}
    for who, role in STAFF.items():
        omar(role, email=f"{who}@example.org")
        browser = Client()
        browser.force_login(User.objects.get(email=f"{who}@example.org"), backend="accounts.backends.RoleBackend")
        for address in addresses(at):
            page = b"".join(browser.get(address, secure=True, follow=True)).decode()
            leaks += [(who, address, word) for word in WORDS if word in page]
            named = [any(word in page for word in words) for words in (references, copies)]
            shown["reference"] += named[0]
            shown["copy"] += named[1]
            leaks += [(who, address, "both")] if all(named) else []
    assert leaks == []
    assert shown["reference"] > 0
    assert (shown["copy"] > 0) == bool(copies)
    assert IdentityMapping.objects.count() == 2
