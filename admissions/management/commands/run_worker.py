"""Do the waiting jobs and keep the audit log in order, until told to stop: ``manage.py run_worker``."""

import asyncio
import logging
import threading
from argparse import ArgumentParser
from collections.abc import Coroutine
from typing import Any, cast

from django.core.management.base import CommandError
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from admissions.recovery import left_over, recover
from audit.sequencer import follow, sequence_all
from enigma.operation import FOUND_PROBLEMS, OperatorCommand

logger = logging.getLogger(__name__)


class Command(OperatorCommand):
    help = "Do the waiting jobs and sequence the audit log; run as many as wanted, on any machine"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="end when nothing is left to do")

    def operate(self, *, once: bool, **options: Any) -> None:
        """Take up what a killed worker left, then work; SIGINT and SIGTERM end it after the running job."""
        sequence_all()
        restored = recover(at_once=True)
        self.say(f"worker ready; took up {restored} jobs that were left")
        # The worker is asynchronous and wants connections of its own; the jobs use Django's as ever.
        connector = cast(DjangoConnector, app.connector).get_worker_connector()
        with app.replace_connector(connector) as worker:
            fault = asyncio.run(_work(worker, once=once))
        if fault:
            logger.error("the sequencer ended", exc_info=fault)
            told = f"The sequencer of the audit log has failed, and the worker with it: {type(fault).__name__}: {fault}"
            raise CommandError(told, returncode=FOUND_PROBLEMS)
        sequence_all()
        if once and (left := left_over()):
            told = f"{left} applications still wait for their blind copy; the log says what failed."
            raise CommandError(told, returncode=FOUND_PROBLEMS)


async def _work(worker: App, *, once: bool) -> BaseException | None:
    """Do the jobs, and sequence beside them in a thread; return what the sequencer failed by, if it did.

    Without a sequencer the log would stand still and nobody know of it: its end is the end of the jobs.
    """
    stop = threading.Event()
    sequencer = asyncio.create_task(asyncio.to_thread(follow, stop))
    try:
        async with worker.open_async():
            await _until_either_ends(worker.run_worker_async(wait=not once, delete_jobs="successful"), sequencer)
    finally:
        stop.set()
        await asyncio.wait({sequencer})
    return sequencer.exception()


async def _until_either_ends(work: Coroutine[Any, Any, None], sequencer: asyncio.Task[None]) -> None:
    jobs = asyncio.create_task(work)
    try:
        await asyncio.wait({jobs, sequencer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        jobs.cancel()  # the worker takes it as the request to end after the running job
        await asyncio.wait({jobs})
    if not jobs.cancelled():
        jobs.result()
