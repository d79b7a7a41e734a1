"""Routes of what goes out: order an export, see how far it is, download its shards."""

from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from batches.api.reach import cycle_of, in_reach, mine
from batches.api.serializers import Order, RunsAsked, RunSerializer, WholeRunSerializer
from batches.downloads import download, place_of
from batches.export import order_batch
from batches.models import BatchRun
from enigma.rest.queries import asked, prefers_async
from enigma.rest.views import ApiView

NDJSON = "application/x-ndjson"
PREFER = OpenApiParameter(
    "Prefer", str, OpenApiParameter.HEADER, description="respond-async: leave the work to a worker, answer 202"
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[201, 202], description="Where the run is"
)
ORDER = {"cycle": "fall-2026", "stage": "worker", "format": "openai-chat", "model": "model-1"}


def _runs() -> Any:
    return BatchRun.objects.select_related("admission_cycle")


class Batches(ApiView):
    """All exports."""

    needs = {"get": "batches.view", "post": "batches.export"}
    one_transaction = False  # what an export claims must be durable before its files are rendered

    @extend_schema(
        operation_id="batches_list",
        summary="List exports, the newest first",
        parameters=[RunsAsked],
        responses={200: RunSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """Answer one page."""
        wanted = asked(request, RunsAsked)
        if "cycle" in wanted:
            wanted["admission_cycle"] = cycle_of(request.auth, wanted.pop("cycle"))
        return self.page(in_reach(request.auth, _runs(), by="admission_cycle__code").filter(**wanted), RunSerializer)

    @extend_schema(
        operation_id="batches_create",
        summary="Export all open requests of a stage",
        description="Takes up an export that was not finished, if it was ordered alike. Over 20,000 requests, or when "
        "asked by Prefer, it is left to a worker: 202, and the run is exporting until it is done.",
        parameters=[PREFER, LOCATION],
        request=Order,
        responses={201: WholeRunSerializer, 202: WholeRunSerializer},
        examples=[OpenApiExample("Ask the first questions", value=ORDER, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Order an export."""
        serializer = Order(data=request.data)
        serializer.is_valid(raise_exception=True)
        order = dict(serializer.validated_data)
        cycle, again = cycle_of(request.auth, order.pop("cycle")), order.pop("reask")
        later = prefers_async(request.headers.get("Prefer", ""))
        run = order_batch(cycle, again=again, later=later, actor=request.auth, **order)
        is_open = run.state == BatchRun.State.EXPORTING
        place = reverse("api-batch", args=[run.pk])
        return Response(WholeRunSerializer(run).data, status=202 if is_open else 201, headers={"Location": place})


class Batch(ApiView):
    """One export."""

    # A machine that exports reads what it exported; the list is for staff.
    needs = {"get": "batches.export"}

    @extend_schema(
        operation_id="batches_read",
        summary="Read one export with its manifest and its shards",
        responses={200: WholeRunSerializer},
    )
    def get(self, request: Request, run_id: int) -> Response:
        """Answer the run."""
        return Response(WholeRunSerializer(_found(request, run_id)).data)


class LinesOrProblem(JSONRenderer):
    """Lets a reader ask for JSON lines; what is rendered is a problem, for lines are streamed past it."""

    media_type = NDJSON
    format = "ndjson"


class AnyAnswer(BaseContentNegotiation):
    """Takes the first renderer: a file comes as what it is."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Return the first parser."""
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type


class BatchShard(ApiView):
    """One file of an export."""

    needs = {"get": "batches.export"}
    renderer_classes = [LinesOrProblem]
    content_negotiation_class = AnyAnswer

    @extend_schema(
        operation_id="batches_shard",
        summary="Download one shard as JSON lines",
        description="Rendered anew, byte for byte what the manifest names. Should it come out otherwise, the "
        "connection is broken off before its end. Every download is in the audit log.",
        parameters=[
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304], description="SHA-256"),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of a known copy"),
        ],
        responses={(200, NDJSON): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, run_id: int, name: str) -> HttpResponse | StreamingHttpResponse:
        """Stream the shard."""
        run = _found(request, run_id)
        place = place_of(run, name)
        if place is None:
            raise Http404
        etag = f'"{place.shard.sha256}"'
        if {etag, "*"} & set(parse_etags(request.headers.get("If-None-Match", ""))):
            return HttpResponse(status=304, headers={"ETag": etag})
        about = {
            "ETag": etag,
            "Content-Length": str(place.shard.bytes),
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        if request.method == "HEAD":
            return HttpResponse(content_type=NDJSON, headers=about)
        return StreamingHttpResponse(download(run, place, actor=request.auth), content_type=NDJSON, headers=about)


def _found(request: Request, run_id: int) -> BatchRun:
    run: BatchRun | None = mine(request.auth, "batches.export", _runs()).filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run
