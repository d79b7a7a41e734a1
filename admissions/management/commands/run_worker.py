"""Do the waiting jobs and keep the audit log in order, until told to stop: ``manage.py run_worker``."""

import threading
from argparse import ArgumentParser
from typing import Any, cast

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from admissions.recovery import recover
from audit.sequencer import follow, sequence_all
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "Do the waiting jobs and sequence the audit log; run as many as wanted, on any machine"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="end when nothing is left to do")

    def operate(self, *, once: bool, **options: Any) -> None:
        """Take up what a killed worker left, then work; SIGINT and SIGTERM end it after the running job."""
        sequence_all()
        restored = recover()
        self.say(f"worker ready; took up {restored} jobs that were left")
        stop = threading.Event()
        sequencer = threading.Thread(target=follow, args=(stop,), name="sequencer", daemon=True)
        sequencer.start()
        try:
            # The worker is asynchronous and wants connections of its own; the jobs use Django's as ever.
            connector = cast(DjangoConnector, app.connector).get_worker_connector()
            with app.replace_connector(connector) as worker:
                worker.run_worker(wait=not once, delete_jobs="successful")
        finally:
            stop.set()
            sequencer.join(timeout=30)
        sequence_all()
