"""The words of the console for phases, steps and statuses, and which steps ask for the code of the cycle."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from admissions.phases import Phase, Status

PHASES: dict[str, Any] = {
    Phase.SUBMISSION: _("Submission"),
    Phase.FROZEN: _("Frozen"),
    Phase.PREPROCESSING: _("Preprocessing"),
    Phase.BATCH_PREP: _("Batch preparation"),
    Phase.PROCESSING: _("Evaluation"),
    Phase.SCORED: _("Scored"),
    Phase.SELECTION: _("Selection"),
    Phase.PUBLISHED: _("Published"),
    Phase.COMPLETED: _("Completed"),
}

STATUSES: dict[str, Any] = {
    Status.SUBMITTED: _("Submitted"),
    Status.FINALIZED: _("Frozen with the cycle"),
    Status.PREPROCESSING: _("Waiting for a blind copy"),
    Status.BATCH_READY: _("Blind copy made"),
    Status.PROCESSING: _("In evaluation"),
    Status.SCORED: _("Scored"),
    Status.SELECTED: _("Selected"),
    Status.NOT_SELECTED: _("Not selected"),
    Status.PUBLISHED: _("Published"),
    Status.FAILED: _("Could not be assessed"),
    Status.WITHDRAWN: _("Withdrawn"),
}


@dataclass(frozen=True, slots=True)
class StepWords:
    """What a page says of a step. ``is_final``: it seals, decides or publishes, so the code of the cycle is typed."""

    name: Any
    about: Any
    effects: tuple[Any, ...]
    is_final: bool = True


# The three steps that only hand work on ask for no code: whoever has to type it every time reads it no more.
STEPS: dict[str, StepWords] = {
    "freeze": StepWords(
        _("Freeze the cycle"),
        _("Closes the intake and seals the rules."),
        (
            _("Nobody can hand in, change or withdraw an application any more."),
            _("All rules are sealed: seats, weights, rubric, tests and tie-break cannot change again."),
            _("The seed of the tie-break is drawn, and the public log commits to rules and number of applications."),
        ),
    ),
    "start_preprocessing": StepWords(
        _("Start preprocessing"),
        _("Workers take the person out of every text and measure the numbers."),
        (
            _("Jobs are queued that make a blind copy of each application, without names."),
            _("What cannot be read waits for a person to decide about it."),
        ),
        is_final=False,
    ),
    "start_batch_prep": StepWords(
        _("Prepare the batches"),
        _("Ranks the measured numbers and commits to the blind copies."),
        (
            _("The percentile ranks of all applications are computed."),
            _("The public log commits to the blind copies: none can be changed unseen."),
            _("Batches for the engines can be exported from then on."),
        ),
        is_final=False,
    ),
    "start_processing": StepWords(
        _("Start the evaluation"),
        _("From here on answers of the engines can be imported."),
        (_("Every application moves into the evaluation."), _("Answers of workers and judges can be imported.")),
        is_final=False,
    ),
    "mark_scored": StepWords(
        _("Accept the scores"),
        _("Closes the evaluation; no score changes afterwards."),
        (
            _("Every final score is fixed; the public log commits to scores and evidence."),
            _("Who was set aside by a person stays without a rank."),
        ),
    ),
    "perform_selection": StepWords(
        _("Run the selection"),
        _("Ranks by final score and gives the seats to the first."),
        (
            _("Applications are ranked by final score; ties are broken by the sealed rule."),
            _("The first get the seats. The selection is written down once, with a digest of the ranking."),
            _("Nobody learns an outcome before publication."),
        ),
    ),
    "publish_results": StepWords(
        _("Publish the results"),
        _("Lifts the embargo and queues a letter to everybody."),
        (
            _("Every applicant can see the decision and the scores at once."),
            _("A letter to each of them is queued; workers send it. What is sent cannot be called back."),
            _("The public log gets one decision for each application, without names."),
        ),
    ),
    "complete": StepWords(
        _("Complete the cycle"),
        _("Verifies the logs and closes the cycle."),
        (_("Both logs are verified from the first entry to the last."), _("The cycle is closed. No step follows.")),
    ),
}
