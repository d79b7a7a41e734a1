"""Staff's routes of cycles: list, open, read, change."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from admissions.api import cycle_examples
from admissions.api.cycle_serializers import CycleAnswer, CycleChange, CyclesAsked, NewCycle
from admissions.models.cycles import AdmissionCycle
from admissions.opening import WEIGHTS, amend_cycle, open_cycle, rules_of
from admissions.rules import WrongRules
from enigma.rest.conditional import answer_version, demand_version, etag_of
from enigma.rest.problems import Invalid
from enigma.rest.queries import asked
from enigma.rest.views import ApiView

SHOWN = OpenApiExample("A cycle that takes applications", cycle_examples.CYCLE, response_only=True)


class Cycles(ApiView):
    """All cycles."""

    needs = {"get": "cycle.view", "post": "cycle.create"}

    @extend_schema(
        operation_id="cycles_list",
        summary="List cycles, the newest first",
        parameters=[CyclesAsked],
        responses={200: CycleAnswer(many=True)},
        examples=[SHOWN],
    )
    def get(self, request: Request) -> Response:
        """Answer one page."""
        return self.page(AdmissionCycle.objects.filter(**asked(request, CyclesAsked)), CycleAnswer)

    @extend_schema(
        operation_id="cycles_create",
        summary="Open a cycle; it takes applications at once, or from opens_at on",
        request=NewCycle,
        responses={201: OpenApiResponse(CycleAnswer, "It is open, and its rules are committed to the public log")},
        parameters=[
            OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201]),
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[201]),
        ],
        examples=[OpenApiExample("A cycle", cycle_examples.NEW, request_only=True), SHOWN],
    )
    def post(self, request: Request) -> Response:
        """Answer 201 with the cycle."""
        body = NewCycle(data=request.data)
        body.is_valid(raise_exception=True)
        with by_field():
            cycle = open_cycle(actor=request.auth, **_fields(body.validated_data))
        answer = shown(cycle)
        place = answer["links"]["self"]
        return Response(answer, status=201, headers={"Location": place, "ETag": etag_of(answer)})


class OneCycle(ApiView):
    """One cycle."""

    needs = {"get": "cycle.view", "patch": "cycle.change"}

    @extend_schema(
        operation_id="cycles_retrieve",
        summary="Read a cycle and its rules",
        responses={200: CycleAnswer},
        examples=[SHOWN],
    )
    def get(self, request: Request, code: str) -> Response:
        """Answer with the cycle and its version."""
        return answer_version(request, shown(cycle_or_404(code)))

    @extend_schema(
        operation_id="cycles_change",
        summary="Change rules of a cycle, until they are sealed by the freeze",
        request=CycleChange,
        responses={200: CycleAnswer},
        examples=[OpenApiExample("More seats", {"seats": 140}, request_only=True), SHOWN],
    )
    def patch(self, request: Request, code: str) -> Response:
        """Answer with the cycle as it is now."""
        cycle = cycle_or_404(code)
        body = CycleChange(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        with by_field():
            cycle = amend_cycle(
                cycle,
                _fields(body.validated_data),
                actor=request.auth,
                version=lambda current: demand_version(request, shown(current)),
            )
        answer = shown(cycle)
        return Response(answer, headers={"ETag": etag_of(answer)})


def cycle_or_404(code: str) -> AdmissionCycle:
    """Return the cycle; raise Http404 where there is none."""
    cycle = AdmissionCycle.objects.filter(code=code).first()
    if cycle is None:
        raise Http404
    return cycle


def shown(cycle: AdmissionCycle) -> dict[str, Any]:
    """What a reader is shown of a cycle; its hash is the version of the cycle."""
    answer: dict[str, Any] = CycleAnswer(cycle).data
    return answer


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    """Turn a validated body into fields of a cycle: rules, and what is none."""
    names = {name: given[name] for name in ("code", "name", "seats") if name in given}
    return names | rules_of({name: value for name, value in given.items() if name not in names})


@contextmanager
def by_field() -> Iterator[None]:
    """Turn wrong rules into a problem that points at their fields."""
    try:
        yield
    except WrongRules as refusal:
        faults = [{"pointer": _pointer(name), "code": "invalid", "detail": told} for name, told in refusal.faults]
        raise Invalid(faults, str(refusal)) from None


def _pointer(field: str) -> str:
    weight = field.removeprefix("weight_")
    return f"/{field}" if weight == field else f"/{WEIGHTS}/{weight}"
