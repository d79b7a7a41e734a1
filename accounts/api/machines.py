"""The routes by which staff make, list and end the tokens of machines."""

import uuid

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import service_tokens
from accounts.api import examples
from accounts.api.serializers import NewTokenSerializer, ServiceTokenSerializer, TokenRequest
from accounts.api.signing_in import read
from enigma.rest.views import ApiView


class ServiceTokens(ApiView):
    """The tokens of machines."""

    needs = {"get": "tokens.manage", "post": "tokens.manage"}
    idempotent = False  # the answer holds a secret, and no secret is kept to be replayed

    @extend_schema(
        operation_id="service_tokens_list",
        summary="Tokens of machines, ended ones too",
        responses={200: ServiceTokenSerializer(many=True)},
        examples=[examples.SERVICE_TOKEN],
    )
    def get(self, request: Request) -> Response:
        """Answer one page of them; the tokens themselves are not stored."""
        return self.page(service_tokens.service_tokens(request.auth), ServiceTokenSerializer)

    @extend_schema(
        operation_id="service_tokens_create",
        summary="Make a token for one verb in one cycle",
        description="The token is shown in this answer and never again. It ends with the role of whoever made it.",
        request=TokenRequest,
        responses={201: NewTokenSerializer},
        examples=[examples.TOKEN_REQUEST, examples.NEW_TOKEN],
    )
    def post(self, request: Request) -> Response:
        """Make it."""
        row, text = service_tokens.make_token(**read(TokenRequest, request), actor=request.auth)
        return Response({**ServiceTokenSerializer(row).data, "token": text}, status=201)


class ServiceToken(ApiView):
    """One of them."""

    needs = {"delete": "tokens.manage"}

    @extend_schema(operation_id="service_tokens_revoke", summary="End a machine's token", responses={204: None})
    def delete(self, request: Request, token_id: uuid.UUID) -> Response:
        """End it."""
        row = service_tokens.service_tokens(request.auth).filter(pk=token_id).first()
        if row is None:
            raise Http404
        service_tokens.revoke(row, actor=request.auth)
        return Response(status=204)
