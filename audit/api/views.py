"""The routes of both logs: where the public one stands, what the internal one says, and whether they hold."""

from typing import Any

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit import verifications
from audit.api import examples
from audit.api.serializers import (
    Chain,
    EntryQuery,
    EntrySerializer,
    VerificationSerializer,
    entries,
)
from audit.chain import chain_genesis
from audit.models import Log, LogHead, LogOutbox, Verification
from enigma.rest.conditional import answer_version
from enigma.rest.queries import asked
from enigma.rest.serializers import StrictSerializer
from enigma.rest.views import ApiView

PENDING_COUNTED = 10_000  # anybody may ask, so no question may cost more than this


class ChainView(ApiView):
    """Where the public log stands."""

    needs = {"get": "public.view"}

    @extend_schema(
        operation_id="verify_chain",
        summary="Length and head of the public log, and what its last full verification said",
        parameters=[
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag that was read last."),
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304], description="Of this state."),
        ],
        responses={200: Chain, 304: OpenApiResponse(description="Nothing of it has changed.")},
        examples=[examples.CHAIN],
    )
    def get(self, request: Request) -> Response:
        """Answer with the state of the log; its ETag changes with any of it."""
        return answer_version(request, Chain(_chain()).data)


class LogView(ApiView):
    """The internal log."""

    needs = {"get": "audit.view"}

    @extend_schema(
        operation_id="audit_logs_list",
        summary="Entries of the internal log, newest first",
        parameters=[EntryQuery],
        responses={200: EntrySerializer(many=True)},
        examples=[examples.ENTRY],
    )
    def get(self, request: Request) -> Response:
        """Answer one page; reading the log leaves no entry in it, or it would never be read to its end."""
        return self.page(entries(asked(request, EntryQuery)), EntrySerializer)


class Verifications(ApiView):
    """The verifications of both logs."""

    needs = {"get": "audit.verify", "post": "audit.verify"}

    @extend_schema(
        operation_id="audit_verify_list",
        summary="Verifications, newest first",
        responses={200: VerificationSerializer(many=True)},
        examples=[examples.VERIFICATION],
    )
    def get(self, request: Request) -> Response:
        """Answer one page."""
        asked(request, StrictSerializer)
        return self.page(Verification.objects.all(), VerificationSerializer)

    @extend_schema(
        operation_id="audit_verify_create",
        summary="Verify both logs now; large ones are left to a worker",
        request=None,
        responses={
            200: OpenApiResponse(VerificationSerializer, "Verified: `ok` is the verdict, `fault` the first lie"),
            202: OpenApiResponse(VerificationSerializer, "A worker does it, or is doing it already: see Location"),
        },
        examples=[examples.VERIFIED, examples.LEFT_TO_A_WORKER],
    )
    def post(self, request: Request) -> Response:
        """Answer with the verdict, or with the place where it will stand."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        made = verifications.ask(request.auth)
        place = reverse("api-verification", args=[made.pk])
        status = 200 if made.finished_at else 202
        return Response(VerificationSerializer(made).data, status=status, headers={"Location": place})


class VerificationView(ApiView):
    """One verification."""

    needs = {"get": "audit.verify"}

    @extend_schema(
        operation_id="audit_verify_retrieve",
        summary="A verification, and what it found once it is done",
        responses={200: VerificationSerializer},
        examples=[examples.VERIFICATION],
    )
    def get(self, request: Request, verification_id: int) -> Response:
        """Answer with the verification."""
        found = Verification.objects.filter(pk=verification_id).first()
        if found is None:
            raise Http404
        return Response(VerificationSerializer(found).data)


def _chain() -> dict[str, Any]:
    head, last = LogHead.objects.first(), verifications.latest()
    waiting = LogOutbox.objects.filter(log=Log.PUBLIC)[:PENDING_COUNTED].count()
    said = None
    if last is not None:
        said = {
            "finished_at": last.finished_at,
            "ok": last.ok,
            "length": last.public_size,
            "head": last.public_head,
        }
    return {
        "origin": head.origin if head else settings.ENIGMA_ORIGIN,
        "length": head.size if head else 0,
        "head": head.chain_hash if head else chain_genesis(settings.ENIGMA_ORIGIN),
        "pending": waiting,
        "last_verification": said,
    }
