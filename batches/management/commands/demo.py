"""Lead invented applicants through all nine phases, open another cycle, and serve both: ``manage.py demo``."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.mail import get_connection
from django.core.management import call_command
from django.db import connection

from accounts.actors import Actor, operator
from admissions.disclosure import export_ranking
from admissions.figures import figures_of
from admissions.intake import import_applications
from admissions.invented import invented
from admissions.letters import send_letters
from admissions.models.cycles import AdmissionCycle
from admissions.opening import open_cycle
from admissions.phases import Phase
from admissions.preprocessing import preprocess_chunk
from audit.sequencer import sequence_all
from batches import showcase
from batches.rounds import evaluate, export_round
from enigma import serving
from enigma.env import BASE_DIR
from enigma.errors import Malformed
from enigma.files import whole_file
from enigma.operation import OperatorCommand, progress

APPLICATIONS = 400
OPEN_APPLICATIONS = 40
CODE = "demo-"
PORT = 8000
INVENTED = "applicant1@example.org"  # the first of admissions.invented
# For these two processes only, and in no file: what a real installation refuses.
RELAXED = {"DEMO": "1", "DEBUG": "1", "SECOND_FACTOR_OPTIONAL": "1", "TRUSTED_PROXIES": "0"}


class Command(OperatorCommand):
    help = "Lead invented applicants through all nine phases, then serve the console and the pages on this machine"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--applications", type=int, metavar="N", help=f"how many; a new cycle (default {APPLICATIONS})"
        )
        parser.add_argument("--seed", type=int, default=1, help="another seed, other applicants")
        parser.add_argument("--folder", type=Path, default=BASE_DIR / ".data" / "demo", help="where the files go")
        parser.add_argument("--port", type=int, default=PORT, help=f"where the pages are (default {PORT})")
        parser.add_argument("--no-serve", action="store_true", help="end after the cycles; nobody is let in")

    def operate(
        self, *, applications: int | None, seed: int, folder: Path, port: int, no_serve: bool, **options: Any
    ) -> None:
        """Lead a cycle, unless a finished one is there and no number was asked for; open one; serve until a signal."""
        if applications is not None and applications < 1:
            raise Malformed("--applications takes a number from 1.")
        if not 0 <= port < 2**16:
            raise Malformed("--port takes a number up to 65535; 0 is any free one.")
        call_command("migrate", verbosity=0)
        if not no_serve:
            showcase.demand_demo()
        done = AdmissionCycle.objects.filter(code__startswith=CODE, is_demo=True, phase=Phase.COMPLETED).first()
        if done and applications is None:
            self.stdout.write(f"The demo cycle {done.code} is there from before (--applications N leads a new one).")
        else:
            done = Demo(folder, seed, self.stdout.write).lead(applications or APPLICATIONS)
        taking = Demo(folder, seed, self.stdout.write).open(min(applications or OPEN_APPLICATIONS, OPEN_APPLICATIONS))
        self._show(done, folder / done.code)
        if not no_serve:
            self._serve(done, taking, folder, port)

    def _serve(self, done: AdmissionCycle, taking: AdmissionCycle, folder: Path, port: int) -> None:
        passes = showcase.let_in(operator())
        sequence_all()
        connection.close()  # the command only waits from here on
        free = serving.port_near(port)
        if port and free != port:
            self.say(f"Port {port} is taken; this demo is at {free}.")
        letters = folder / "letters"
        letters.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.stdout.flush()
        serving.serve(
            [
                (serving.server(free), {**RELAXED, "EMAIL_URL": "consolemail://"}),
                (serving.worker(), {**RELAXED, "EMAIL_URL": f"filemail:///{letters.absolute()}"}),
            ],
            port=free,
            ready=lambda: self._welcome(f"http://{serving.HOST}:{free}", passes, done, taking, letters),
        )
        self.say("The demo has ended; what it holds is there the next time.")

    def _welcome(
        self,
        site: str,
        passes: list[showcase.Pass],
        done: AdmissionCycle,
        taking: AdmissionCycle,
        letters: Path,
    ) -> None:
        """Say it all once, beside the data: the passwords are nowhere else."""
        people = "\n".join(f"  {one.role:12} {one.address:26} {one.password}" for one in passes)
        self.stderr.write(
            f"\nDemo data: server and worker are running, for this machine only.\n\n"
            f"  Site         {site}/\n"
            f"  Console      {site}/console/\n"
            f"  API          {site}/api/docs/\n\n"
            f"Staff sign in at {site}/accounts/login/ with a password that is good until the next start:\n\n"
            f"{people}\n\n"
            f"Applicants sign in at {site}/ by a code, which is printed here: {INVENTED} has the decision of\n"
            f"{done.code}, {showcase.APPLICANT} has not applied yet, and so has any other address.\n"
            f"{done.code} is finished; {taking.code} takes applications until {taking.closes_at:%Y-%m-%d}.\n"
            f"Letters are written to {letters}.\n\n"
            f"Ctrl-C ends it."
        )

    def _show(self, cycle: AdmissionCycle, folder: Path) -> None:
        figures, selection = figures_of(cycle), cycle.selection()
        self.stdout.write(
            f"\n{cycle.name}: {figures['applications']} applications, {selection.selected} selected, "
            f"cut-off {selection.cutoff}, phase {figures['phase']}.\n"
            f"Files (applications, batches, answers, ranking, letters): {folder}\n\n"
            "See and verify it yourself:\n"
            f'  make manage ARGS="cycle_status {cycle.code}"     where every application stands\n'
            '  make manage ARGS="verify_audit"            recompute both logs from their bytes\n'
            f"  sha256sum {folder}/ranking.csv\n"
            f"    must be {selection.ranking_sha256}, as in the selection log"
        )


class Demo:
    """One demo cycle from its opening to its end, telling what happens."""

    def __init__(self, folder: Path, seed: int, say: Any) -> None:
        self.folder, self.seed, self._say = folder, seed, say
        self.actor: Actor = operator()
        self.began = time.monotonic()

    def lead(self, count: int) -> AdmissionCycle:
        """Lead ``count`` invented applicants through all phases; return the completed cycle."""
        number = AdmissionCycle.objects.filter(code__startswith=CODE).count() + 1
        seats = max(1, count // 8)
        cycle = open_cycle(f"{CODE}{number}", name=f"Demo cycle {number}", seats=seats, actor=self.actor, is_demo=True)
        self.folder = self.folder / cycle.code
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.say(f"submission: opened {cycle.code} with {seats} seats")
        self._hand_in(cycle, count)
        self._evaluate(cycle)
        self._publish(cycle)
        return cycle

    def open(self, count: int) -> AdmissionCycle:
        """Return a cycle that takes applications; a new one gets some invented ones first."""
        cycle, is_new = showcase.open_showcase(self.actor)
        if is_new:
            self.folder = self.folder / cycle.code
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.say(f"submission: opened {cycle.code}, which stays open")
            self._import(cycle, count, seed=self.seed + 1)
        return cycle

    def say(self, message: str) -> None:
        """One line with the seconds since the start."""
        self._say(f"{time.monotonic() - self.began:6.1f} s  {message}")

    def step(self, cycle: AdmissionCycle, name: str, told: str) -> dict[str, Any]:
        """Take a step, bring the log up to date, and tell it with the step's facts."""
        facts: dict[str, Any] = getattr(cycle, name)(actor=self.actor)
        sequence_all()
        self.say(f"{cycle.phase}: {told.format(**facts)}")
        return facts

    def _hand_in(self, cycle: AdmissionCycle, count: int) -> None:
        self._import(cycle, count, seed=self.seed)
        self.step(cycle, "freeze", "{applications} applications; rules sealed, seed of the tie-break drawn")

    def _import(self, cycle: AdmissionCycle, count: int, *, seed: int) -> None:
        path = self.folder / "applications.jsonl"
        with whole_file(path, force=True) as stream:
            for row in invented(count, seed=seed):
                stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        with path.open("rb") as stream, progress("applications", total=count) as told:
            tally = import_applications(
                stream,
                cycle,
                format="jsonl",
                actor=self.actor,
                on_rejected=lambda one: self.say(f"row {one.row} was rejected"),
                on_progress=lambda tally: told(tally.rows),
            )
        sequence_all()
        self.say(f"submission: {tally.imported} of {tally.rows} applications imported, encrypted, committed to the log")

    def _evaluate(self, cycle: AdmissionCycle) -> None:
        self.step(cycle, "start_preprocessing", "{applications} applications handed to the scrubber")
        with progress("scrubbing", total=figures_of(cycle)["applications"]) as told:
            done = 0
            while taken := preprocess_chunk(cycle):
                done += taken
                told(done)
        self.say(f"preprocessing: {done} applications scrubbed and measured")
        self.step(cycle, "start_batch_prep", "{blind_copies} blind copies ranked by their metrics")
        run = export_round(cycle, "worker", self.folder, actor=self.actor)
        self.say(
            f"batch_prep: worker batch of {run.requests} requests, sha256 of its manifest {run.manifest_sha256[:16]}…"
        )
        self.step(cycle, "start_processing", "{applications} applications with the engines (rehearsed here)")
        for told_line in evaluate(cycle, self.folder, actor=self.actor, seed=self.seed):
            self.say(f"processing: {told_line}")
        self.step(cycle, "mark_scored", "{scored} scored, {set_aside} set aside")

    def _publish(self, cycle: AdmissionCycle) -> None:
        self.step(
            cycle,
            "perform_selection",
            "{selected} selected, {not_selected} not, cut-off {cutoff}, {tied_at_cutoff} at it",
        )
        self.step(cycle, "publish_results", "{decisions} decisions committed, {letters} letters queued")
        mailer = get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=self.folder / "letters")
        sent = send_letters(cycle, mailer=mailer)
        self.say(f"published: {sent['sent']} letters written to files, {sent['failed']} failed")
        with whole_file(self.folder / "ranking.csv", force=True) as stream:
            export_ranking(cycle, stream, actor=self.actor)
        sequence_all()
        self.step(cycle, "complete", "{public_entries} public and {audit_entries} internal log entries verified")
