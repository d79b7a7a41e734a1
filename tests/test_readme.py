"""The two scripts of the README's section on the API, run as they stand there against a server and a worker."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command

from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from enigma.env import BASE_DIR
from tests.conftest import database_url
from tests.factories import applicants, apply, cycle, run
from tests.serving import serving

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(400),
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the scripts need curl and jq"),
]
PASSWORD = "a long enough password"
# What a Debian user installs; here it is computed by the rules of RFC 6238.
OATHTOOL = """#!{python}
import base64, hashlib, hmac, struct, sys, time
key = base64.b32decode(sys.argv[-1])
mac = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
at = mac[-1] & 15
print(format((int.from_bytes(mac[at:at + 4], "big") & 0x7FFFFFFF) % 10**6, "06"))
"""


def script(title: str) -> str:
    """The indented block after the paragraph that begins with this title."""
    section = (BASE_DIR / "README.md").read_text().split(f"**{title}")[1]
    block = re.search(r"\n\n((?:    .*\n|\n)+)", section)
    return "set -e\n" + re.sub("^    ", "", block[1], flags=re.MULTILINE)


@pytest.fixture
def shell(tmp_path):
    """Returns a function that runs a script in a folder of its own, with the server's address and its mail at hand."""
    for name, text in {
        "oathtool": OATHTOOL.format(python=sys.executable),
        "manage.py": f'#!/bin/sh\nexec {sys.executable} {BASE_DIR}/manage.py "$@"\n',
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "mail").mkdir()
    database = {"DATABASE_URL": database_url()}
    with serving({**database, "EMAIL_URL": f"filemail:///{tmp_path}/mail"}) as address:

        def start(text: str, **environment: str) -> subprocess.Popen[str]:
            whole = {"PATH": f"{tmp_path}:/usr/bin:/bin", "API": f"{address}/api/v1", **environment}
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
            return subprocess.Popen(["/bin/bash", "-c", text], cwd=tmp_path, env=whole, **pipes)

        yield start


def code_in(folder: Path) -> str:
    """The code in the first mail that arrives within ten seconds, or nothing."""
    for _ in range(100):
        for mail in folder.iterdir():
            if found := re.search(r"^    (\S+)$", mail.read_text(), re.MULTILINE):
                return found[1]
        time.sleep(0.1)
    return ""


def test_a_partner_submits_an_application(shell, tmp_path):
    cycle()
    process = shell(script("A partner"))
    out, err = process.communicate(code_in(tmp_path / "mail") + "\n", timeout=120)
    assert (process.returncode, err) == (0, "")
    [application] = Application.objects.all()
    assert application.reference in out
    assert application.applicant.email == "amina@example.org"


def test_a_member_of_staff_leads_a_cycle_to_publication(shell, monkeypatch):
    apply(cycle(), applicants(4))
    call_command("sequence_log")
    monkeypatch.setattr("sys.stdin", type("Typed", (), {"readline": lambda self=None: f"{PASSWORD}\n"})())
    options = ("--email", "omar@example.edu", "--role", "admin", "--totp", "--password-stdin")
    _, made, _ = run("create_admin", *options)
    secret = re.search(r"^secret (\w+)$", made, re.MULTILINE)[1]
    process = shell(script("Staff, from"), PASSWORD=PASSWORD, SECRET=secret)
    out, err = process.communicate(timeout=240)
    assert (process.returncode, AdmissionCycle.objects.get().phase) == (0, "published"), f"{out}\n{err}"
    assert '{"step":"publish_results","to":"published"}' in out
