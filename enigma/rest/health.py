"""The routes that watchers ask: does the process answer, can it work, and what is wrong if not."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from enigma import health
from enigma.rest.problems import CONTENT_TYPE, problem
from enigma.rest.serializers import StrictSerializer
from enigma.rest.views import ApiView

WELL = {"database": "ok", "migrations": "ok", "worker": "ok", "sequencer": "ok"}


class ChecksSerializer(StrictSerializer):
    """What was looked at."""

    database = serializers.ChoiceField(["ok"])
    migrations = serializers.ChoiceField(["ok", "missing"])
    worker = serializers.ChoiceField(["ok", "silent", "unknown"])
    sequencer = serializers.ChoiceField(["ok", "late", "unknown"])


class AliveSerializer(StrictSerializer):
    """That somebody answers."""

    status = serializers.ChoiceField(["ok"])


class HealthSerializer(StrictSerializer):
    """How it stands."""

    status = serializers.ChoiceField(["ok", "degraded"])
    checks = ChecksSerializer()


class Watched(ApiView):
    """A route for watchers: it counts nobody's requests, as the counters lie in the database that may be away."""

    throttle_classes = ()
    authentication_classes = ()
    permission_classes = ()


class Live(Watched):
    """GET /livez: whether the process answers; it asks nothing of the database."""

    needs = {"get": "public.view"}

    @extend_schema(operation_id="livez", summary="Does the process answer?", tags=["health"], responses=AliveSerializer)
    def get(self, request: Request) -> Response:
        """Answer."""
        return Response({"status": "ok"})


class Ready(Watched):
    """GET /readyz: 200 when everything works that a request or a step needs, otherwise 503 with what does not."""

    needs = {"get": "public.view"}

    @extend_schema(
        operation_id="readyz",
        summary="Can it do its work?",
        tags=["health"],
        responses={
            200: HealthSerializer,
            (503, CONTENT_TYPE): OpenApiResponse({"$ref": "#/components/schemas/Problem"}),
        },
    )
    def get(self, request: Request) -> Response:
        """Look, and answer 503 when anything is wrong."""
        found = health.checks()
        if health.is_well(found):
            return Response({"status": "ok", "checks": found})
        detail = f"Not ready: {', '.join(name for name, state in found.items() if state != 'ok')}."
        code = status.HTTP_503_SERVICE_UNAVAILABLE
        return Response(problem(code, detail, kind="not_ready", checks=found), code, content_type=CONTENT_TYPE)


class Health(Watched):
    """GET health: the same for people; 200 as long as the database answers, as most can be done without a worker."""

    needs = {"get": "public.view"}

    @extend_schema(
        operation_id="health",
        summary="How does it stand?",
        tags=["health"],
        responses={
            200: HealthSerializer,
            (503, CONTENT_TYPE): OpenApiResponse({"$ref": "#/components/schemas/Problem"}),
        },
        examples=[OpenApiExample("well", {"status": "ok", "checks": WELL}, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        """Look, and tell."""
        found = health.checks()
        return Response({"status": "ok" if health.is_well(found) else "degraded", "checks": found})
