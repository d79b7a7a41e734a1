"""Staff's routes of steps: each of the eight leads a cycle from one phase to the next, at once or as a job."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_view,
)
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import STEPS
from admissions.api import cycle_examples
from admissions.api.cycle_serializers import RunAnswer, StepAnswer, StepAsked, StepBody
from admissions.api.cycles import cycle_or_404
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures
from admissions.models.runs import StepRun
from admissions.step_runs import is_long, queue_step, take_now
from enigma.rest.queries import ASYNC, asked, prefers_async
from enigma.rest.views import ApiView

# What these begin, the workers go on with.
LEAVE_WORK = {"start_preprocessing", "publish_results"}


class Step(ApiView):
    """One step; the classes of the eight are made below."""

    step: ClassVar[str] = ""
    one_transaction = False  # the log is brought up to date before and after the step

    def post(self, request: Request, code: str) -> Response:
        """Take the step, or leave it to the workers: a long one, or one whose answer is not waited for."""
        body = StepBody(data=request.data)
        body.is_valid(raise_exception=True)
        cycle = cycle_or_404(code)
        how: dict[str, Any] = {"actor": request.auth, **body.validated_data, **asked(request, StepAsked)}
        preferred = prefers_async(request.headers.get("Prefer", ""))
        if preferred or is_long(cycle, self.step):
            return _queued(queue_step(cycle, self.step, **how), preferred=preferred)
        return self._taken(cycle, take_now(cycle, self.step, **how), dry_run=how["dry_run"])

    def _taken(self, cycle: AdmissionCycle, facts: dict[str, Any], *, dry_run: bool) -> Response:
        ends = {end: facts.pop(end) for end in ("from", "to")}
        answer = {"step": self.step, **ends, "dry_run": dry_run, "facts": facts}
        if self.step in LEAVE_WORK and not dry_run:
            place = reverse("api-cycle-status", args=[cycle.code])
            return Response(answer, status=202, headers={"Location": place})
        return Response(answer)


class Run(ApiView):
    """One step that runs as a job."""

    needs = {"get": "cycle.view"}

    @extend_schema(
        operation_id="cycles_run",
        summary="See how far a step is that runs as a job, and what it came to",
        responses={200: RunAnswer},
        examples=[OpenApiExample("Done", cycle_examples.DONE, response_only=True)],
    )
    def get(self, request: Request, code: str, run_id: UUID) -> Response:
        """Answer with the run."""
        run = StepRun.objects.select_related("admission_cycle").filter(pk=run_id, admission_cycle__code=code).first()
        if run is None:
            raise Http404
        answer = RunAnswer(run).data
        if not may_see_figures(run.admission_cycle, request.auth):
            answer["facts"] = None
        return Response(answer)


def _queued(run: StepRun, *, preferred: bool) -> Response:
    place = reverse("api-step-run", args=[run.admission_cycle.code, run.pk])
    applied = {"Preference-Applied": ASYNC} if preferred else {}
    return Response(RunAnswer(run).data, status=202, headers={"Location": place, **applied})


def _described(step: str) -> Any:
    moves = getattr(AdmissionCycle, step)
    either = PolymorphicProxySerializer("StepOrRun", [StepAnswer, RunAnswer], resource_type_field_name=None)
    later = either if step in LEAVE_WORK else RunAnswer
    return extend_schema(
        operation_id=f"cycles_{step}",
        summary=f"Lead a cycle from {moves.source} to {moves.target}",
        description=moves.__doc__,
        request=StepBody,
        responses={
            200: OpenApiResponse(StepAnswer, "Taken, or with dry_run as it would be"),
            202: OpenApiResponse(later, "Workers go on with it: see Location"),
        },
        parameters=[
            StepAsked,
            OpenApiParameter(
                "Prefer", str, OpenApiParameter.HEADER, description="respond-async: run the step as a job"
            ),
            OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[202]),
            OpenApiParameter("Preference-Applied", str, OpenApiParameter.HEADER, response=[202]),
        ],
        examples=[
            OpenApiExample("Why", {"reason": "The deadline has passed."}, request_only=True),
            OpenApiExample("Taken", cycle_examples.taken(step), response_only=True, status_codes=["200"]),
            OpenApiExample("As a job", cycle_examples.queued(step), response_only=True, status_codes=["202"]),
        ],
    )


def _view_of(step: str) -> type[Step]:
    """Return the class of one step, with a permission of its own."""
    name = "".join(word.title() for word in step.split("_"))
    fields = {"step": step, "needs": {"post": f"cycle.{step}"}, "__doc__": f"The step {step}."}
    made: type[Step] = extend_schema_view(post=_described(step))(type(name, (Step,), fields))
    return made


VIEWS = {step: _view_of(step) for step in STEPS}
