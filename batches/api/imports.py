"""Routes of what comes in: upload a result file, see what its lines came to; and the figures of a cycle."""

from io import BytesIO
from typing import Any, BinaryIO, cast

from django.db import transaction
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_figures
from batches.api.reach import cycle_of, in_reach, mine
from batches.api.serializers import (
    Destination,
    ImportedSerializer,
    IssueSerializer,
    ResultFileSerializer,
    ResultsAsked,
    StatusSerializer,
    told,
)
from batches.ingest import ImportRun, WrongFile
from batches.models import ImportIssue, ResultFile
from batches.status import status_of
from enigma.rest import parsers
from enigma.rest.problems import Invalid, LengthRequired
from enigma.rest.queries import asked
from enigma.rest.serializers import StrictSerializer
from enigma.rest.views import ApiView

FIRST = 20  # lines that were not taken, told at once


class Results(ApiView):
    """All result files."""

    needs = {"get": "batches.view", "post": "batches.import"}
    parser_classes = [parsers.JSONLinesParser, parsers.UploadParser]
    idempotent = False  # a file that comes twice changes nothing by itself

    @extend_schema(
        operation_id="results_list",
        summary="List result files, the newest first",
        parameters=[ResultsAsked],
        responses={200: ResultFileSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """Answer one page."""
        wanted = asked(request, ResultsAsked)
        files = in_reach(request.auth, _files(), by="admission_cycle__code")
        if "cycle" in wanted:
            files = files.filter(admission_cycle=cycle_of(request.auth, wanted["cycle"]))
        return self.page(files, ResultFileSerializer)

    @extend_schema(
        operation_id="results_upload",
        summary="Hand in a result file",
        description="The body is the file itself, with its Content-Length. It is taken whole or not at all, and every "
        "line is accounted for; the same file twice is the same as once. 201 when it is new.",
        parameters=[Destination],
        request={
            parsers.JSONLinesParser.media_type: OpenApiTypes.BINARY,
            "application/octet-stream": OpenApiTypes.BINARY,
        },
        responses={200: ImportedSerializer, 201: ImportedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Import the body."""
        to = asked(request, Destination)
        cycle, dry_run = cycle_of(request.auth, to["cycle"]), to["dry_run"]
        with _body(request) as stream, transaction.atomic():
            importing = ImportRun(stream, "The file", actor=request.auth, cycle=cycle)
            try:
                result = importing.run()
            except WrongFile as fault:
                lines = [{"pointer": "", "code": issue.code, "detail": str(issue)} for issue in fault.issues]
                raise Invalid(lines, str(fault)) from None
            first = list(importing.issues(FIRST))
            transaction.set_rollback(dry_run)
        is_new = result.is_new and not dry_run
        answer = told(result, first, cycle=cycle, dry_run=dry_run)
        return Response(answer, status=201 if is_new else 200)


class Result(ApiView):
    """One result file."""

    needs = {"get": "batches.import"}

    @extend_schema(
        operation_id="results_read", summary="Read what a result file came to", responses={200: ResultFileSerializer}
    )
    def get(self, request: Request, file_id: int) -> Response:
        """Answer the record."""
        return Response(ResultFileSerializer(_found(request, file_id)).data)


class ResultIssues(ApiView):
    """The lines of one result file that were not taken."""

    needs = {"get": "batches.import"}
    page_order = "pk"

    @extend_schema(
        operation_id="results_issues",
        summary="List the lines of a result file that were not taken, in its order",
        responses={200: IssueSerializer(many=True)},
    )
    def get(self, request: Request, file_id: int) -> Response:
        """Answer one page."""
        asked(request, StrictSerializer)
        return self.page(ImportIssue.objects.filter(file=_found(request, file_id)), IssueSerializer)


class CycleStatus(ApiView):
    """The figures of a cycle."""

    needs = {"get": "cycle.view"}

    @extend_schema(
        operation_id="cycles_status",
        summary="Read where a cycle stands, with every count",
        responses={200: StatusSerializer},
    )
    def get(self, request: Request, code: str) -> Response:
        """Answer the figures."""
        cycle = AdmissionCycle.objects.filter(code=code).first()
        if cycle is None:
            raise Http404
        figures = status_of(cycle) | {"phase_since": cycle.phase_since}
        if not may_see_figures(cycle, request.auth):
            figures["selection"] = None
        return Response(StatusSerializer(figures).data)


def _files() -> Any:
    return ResultFile.objects.select_related("admission_cycle")


def _found(request: Request, file_id: int) -> ResultFile:
    file: ResultFile | None = mine(request.auth, "batches.import", _files()).filter(pk=file_id).first()
    if file is None:
        raise Http404
    return file


def _body(request: Request) -> BinaryIO:
    """Return the uploaded file; raise ParseError (400) unless all of it came, LengthRequired (411)."""
    announced = request.META.get("CONTENT_LENGTH")
    if not announced:  # not the same as an empty error file, which is announced as 0
        raise LengthRequired
    length = int(announced)
    if not length:
        return BytesIO()
    upload: parsers.Upload = request.data
    if upload.size != length:
        raise ParseError("The body ended before its Content-Length.")
    return cast(BinaryIO, upload.stream)
