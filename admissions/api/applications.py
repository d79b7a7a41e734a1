"""The applicant's routes: apply, see where it stands, see the result once it is published, withdraw."""

from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from admissions.api import examples
from admissions.api.applicant_serializers import (
    ApplicationAnswer,
    ApplicationBody,
    NoBody,
    OwnApplications,
    ReceiptAnswer,
    ResultAnswer,
)
from admissions.api.versions import UNCHANGED, VERSIONED
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.own import own_application, own_applications, result_of, standing
from admissions.readers import Fault
from admissions.submission import FIELDS, Faulty, submit, withdraw
from enigma.rest.conditional import answer_version
from enigma.rest.problems import Invalid
from enigma.rest.views import ApiView


class Applications(ApiView):
    """One's own applications."""

    needs = {"get": "application.view", "post": "application.submit"}

    @property
    def throttle_scope(self) -> str:  # type: ignore[override]
        """Handing in has a limit of its own; looking has not."""
        return "submission" if self.request.method == "POST" else ""

    @extend_schema(
        operation_id="applications_list",
        summary="Your applications, by cycle",
        responses={200: OwnApplications},
        examples=[OpenApiExample("One", {"results": [examples.APPLICATION]}, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        """Answer with all of them: a cycle takes one from each person."""
        shown = [_shown(one) for one in own_applications(request.user)]
        return Response(OwnApplications({"results": shown}).data)

    @extend_schema(
        operation_id="applications_create",
        summary="Hand in an application to a cycle",
        description="The e-mail address is the one that you are signed in with. A cycle takes one from each person.",
        request=ApplicationBody,
        responses={201: OpenApiResponse(ReceiptAnswer, "It is stored; keep reference and receipt")},
        parameters=[OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201])],
        examples=[
            OpenApiExample("An application", examples.BODY, request_only=True),
            OpenApiExample("Its receipt", examples.RECEIPT, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Answer 201 with the receipt."""
        body = ApplicationBody(data=request.data)
        body.is_valid(raise_exception=True)
        cycle = _cycle(body.validated_data.pop("cycle"))
        try:
            receipt = submit(cycle, body.validated_data, user=request.user, actor=request.auth)
        except Faulty as refusal:
            raise Invalid([_pointed(fault) for fault in refusal.faults], str(refusal)) from None
        place = reverse("api-application", args=[receipt.reference])
        return Response(ReceiptAnswer(receipt).data, status=201, headers={"Location": place})


class OneApplication(ApiView):
    """One of one's own applications."""

    needs = {"get": "application.view"}

    @extend_schema(
        operation_id="applications_retrieve",
        summary="Where your application stands",
        description="The same for everybody of a cycle until its results are published.",
        parameters=VERSIONED,
        responses={200: ApplicationAnswer, 304: UNCHANGED},
        examples=[OpenApiExample("In review", examples.APPLICATION, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, reference: str) -> Response:
        """Answer with its standing, or 404 for what is not one's own."""
        return answer_version(request, ApplicationAnswer(_shown(_own(request, reference))).data)


class OneResult(ApiView):
    """The result of one of one's own applications."""

    needs = {"get": "result.view"}

    @extend_schema(
        operation_id="applications_result",
        summary="Outcome and scores of your application, once the results are published",
        parameters=VERSIONED,
        responses={200: ResultAnswer, 304: UNCHANGED},
        examples=[OpenApiExample("Not selected", examples.RESULT, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, reference: str) -> Response:
        """Answer with the result; 404 until publication, as for an application that does not exist."""
        result = result_of(_own(request, reference))
        if result is None:
            raise Http404
        result["verify"]["chain"] = reverse("api-chain")
        return answer_version(request, ResultAnswer(result).data)


class Withdrawal(ApiView):
    """Taking one's application back."""

    needs = {"post": "application.withdraw"}

    @extend_schema(
        operation_id="applications_withdraw",
        summary="Take your application back while the cycle still takes applications in",
        description="It keeps its reference and is not assessed. It cannot be handed in again in the same cycle.",
        request=None,
        responses={200: ApplicationAnswer},
        examples=[OpenApiExample("Withdrawn", examples.WITHDRAWN, response_only=True, status_codes=["200"])],
    )
    def post(self, request: Request, reference: str) -> Response:
        """Answer with its new standing."""
        NoBody(data=request.data).is_valid(raise_exception=True)
        application = _own(request, reference)
        withdraw(application, actor=request.auth)
        return Response(ApplicationAnswer(_shown(application)).data)


def _own(request: Request, reference: str) -> Application:
    try:
        return own_application(request.user, reference)
    except Application.DoesNotExist:
        raise Http404 from None


def _cycle(code: str) -> AdmissionCycle:
    cycle = AdmissionCycle.objects.filter(code=code).first()
    if cycle is None:
        raise Invalid([{"pointer": "/cycle", "code": "unknown", "detail": "There is no cycle of this code."}])
    return cycle


def _shown(application: Application) -> dict[str, Any]:
    told = standing(application)
    result = reverse("api-result", args=[application.reference]) if told["has_result"] else None
    return {**told, "result": result}


def _pointed(fault: Fault) -> dict[str, str]:
    """A fault with its place in the body; the address stands nowhere in it."""
    here = fault.field in FIELDS
    detail = fault.reason if here else f"Your {fault.field} {fault.reason}"
    return {"pointer": f"/{fault.field}" if here else "", "code": "invalid", "detail": detail}
