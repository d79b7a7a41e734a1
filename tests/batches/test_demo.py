"""The demo leads invented applicants through all nine phases and says how to verify what happened."""

import hashlib
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AdminUser
from admissions.figures import figures_of
from admissions.models.cycles import AdmissionCycle

pytestmark = pytest.mark.django_db


def demo(folder, *arguments):
    out = StringIO()
    call_command("demo", "--no-serve", "--folder", str(folder), *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_everybody_goes_through_all_nine_phases(tmp_path):
    told = demo(tmp_path, "--applications", "24")
    figures = figures_of(AdmissionCycle.objects.get(code="demo-1"))
    assert (figures["phase"], figures["statuses"], figures["letters"]) == ("completed", {"published": 24}, {"sent": 24})
    assert "24 of 24 applications imported" in told
    assert "24 applications, 3 selected" in told


def test_the_figures_that_it_shows_are_those_of_the_files_it_leaves(tmp_path):
    told = demo(tmp_path, "--applications", "16")
    ranking = (tmp_path / "demo-1" / "ranking.csv").read_bytes()
    assert re.search(r"must be ([0-9a-f]{64}), as in the selection log", told)[1] == hashlib.sha256(ranking).hexdigest()
    letters = b"".join(path.read_bytes() for path in (tmp_path / "demo-1" / "letters").iterdir())
    assert letters.count(b"\nTo: applicant") == 16


def test_a_second_demo_shows_the_first_unless_a_number_is_asked_for(tmp_path):
    demo(tmp_path, "--applications", "8")
    assert "The demo cycle demo-1 is there from before" in demo(tmp_path)
    assert "Demo cycle 2: 8 applications" in demo(tmp_path, "--applications", "8")


def test_the_same_seed_invents_the_same_people(tmp_path):
    demo(tmp_path, "--applications", "8", "--seed", "7")
    demo(tmp_path, "--applications", "8", "--seed", "7")
    files = [(tmp_path / code / "applications.jsonl").read_bytes() for code in ("demo-1", "demo-2")]
    assert files[0] == files[1]


def test_no_applicants_are_no_demo(tmp_path):
    with pytest.raises(CommandError, match="a number from 1") as refusal:
        demo(tmp_path, "--applications", "0")
    assert refusal.value.returncode == 2


def test_another_cycle_stays_open_to_try(tmp_path):
    demo(tmp_path, "--applications", "8")
    taking = AdmissionCycle.objects.get(code="open-1")
    assert (taking.phase, taking.is_demo, figures_of(taking)["applications"]) == ("submission", True, 8)
    assert timedelta(weeks=5) < taking.closes_at - timezone.now() < timedelta(weeks=7)


def test_the_open_cycle_is_kept_until_it_is_about_to_close(tmp_path):
    demo(tmp_path, "--applications", "8")
    assert "opened open" not in demo(tmp_path)
    AdmissionCycle.objects.filter(code="open-1").update(closes_at=timezone.now())
    assert "opened open-2" in demo(tmp_path)


def test_without_serving_nobody_is_let_in(tmp_path):
    demo(tmp_path, "--applications", "8")
    assert not AdminUser.objects.exists()


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_is_a_number_that_there_is(tmp_path, port):
    with pytest.raises(CommandError, match="up to 65535"):
        demo(tmp_path, "--port", port)
