"""The routes that let people in, and refresh and end the session that asks."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import sessions, signin
from accounts.api import examples
from accounts.api.serializers import (
    ChallengeSerializer,
    CodeExchange,
    CodeRequest,
    Login,
    RefreshRequest,
    TokensSerializer,
)
from accounts.authentication import NoAuthentication
from accounts.sessions import Tokens
from accounts.tokens import Audience
from enigma.rest.views import ApiView


class Door(ApiView):
    """A route that hands out tokens: open to anybody, asked of nobody twice, and never replayed."""

    needs = {"post": "session.begin"}
    authentication_classes = (NoAuthentication,)
    idempotent = False


class Code(Door):
    """The code of an applicant."""

    throttle_scope = "code"

    @extend_schema(
        operation_id="auth_code",
        summary="Send a code to an address",
        description="The answer is the same whether the address is known or not; a new one gets an account by it.",
        request=CodeRequest,
        responses={202: ChallengeSerializer},
        examples=[examples.CODE_REQUEST, examples.CHALLENGE],
    )
    def post(self, request: Request) -> Response:
        """Send the code."""
        sent = signin.send_code(read(CodeRequest, request)["email"], request=request._request)
        return Response({"challenge": sent.name, "expires_in": sent.seconds}, status=202)


class Token(Door):
    """The tokens of an applicant."""

    throttle_scope = "token"

    @extend_schema(
        operation_id="auth_token",
        summary="Exchange a code for tokens",
        request=CodeExchange,
        responses={200: TokensSerializer},
        examples=[examples.CODE_EXCHANGE, examples.TOKENS],
    )
    def post(self, request: Request) -> Response:
        """Begin a session."""
        said = read(CodeExchange, request)
        challenge, code, factor = said["challenge"], said["code"], said["second_factor"]
        return answer(signin.exchange_code(challenge, code, factor, request=request._request))


class StaffLogin(Door):
    """The tokens of a member of staff."""

    throttle_scope = "login"

    @extend_schema(
        operation_id="staff_login",
        summary="Sign in with password and second factor",
        request=Login,
        responses={200: TokensSerializer},
        examples=[examples.LOGIN, examples.TOKENS],
    )
    def post(self, request: Request) -> Response:
        """Begin a session."""
        said = read(Login, request)
        return answer(signin.sign_in_staff(**said, request=request._request))


class Refresh(Door):
    """New tokens for an applicant."""

    throttle_scope = "refresh"
    audience = Audience.APPLICANT

    @extend_schema(
        operation_id="auth_refresh",
        summary="Exchange a refresh token for new tokens, once",
        description="A refresh token that comes a second time ends the session, unless it was exchanged a moment ago.",
        request=RefreshRequest,
        responses={200: TokensSerializer},
        examples=[examples.REFRESH, examples.TOKENS],
    )
    def post(self, request: Request) -> Response:
        """Exchange it."""
        return answer(sessions.refresh(read(RefreshRequest, request)["refresh"], self.audience))


class StaffRefresh(Refresh):
    """New tokens for a member of staff."""

    audience = Audience.STAFF

    @extend_schema(
        operation_id="staff_refresh",
        summary="Exchange a refresh token for new tokens, once",
        description="A refresh token that comes a second time ends the session, unless it was exchanged a moment ago.",
        request=RefreshRequest,
        responses={200: TokensSerializer},
        examples=[examples.REFRESH, examples.TOKENS],
    )
    def post(self, request: Request) -> Response:
        """Exchange it."""
        return super().post(request)


class Logout(ApiView):
    """The end of the session that asks."""

    needs = {"post": "applicant.session"}
    idempotent = False

    @extend_schema(operation_id="auth_logout", summary="End this session", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End it."""
        current = sessions.own(request.user, request.auth).filter(pk=request.auth.session_id)
        sessions.end(current, actor=request.auth, reason="logout")
        return Response(status=204)


class StaffLogout(Logout):
    """The end of the session of the member of staff who asks."""

    needs = {"post": "staff.session"}

    @extend_schema(operation_id="staff_logout", summary="End this session", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End it."""
        return super().post(request)


def read(serializer: type[Any], request: Request) -> dict[str, Any]:
    """Return what a body says, or raise ValidationError."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    said: dict[str, Any] = body.validated_data
    return said


def answer(tokens: Tokens) -> Response:
    """Answer with tokens."""
    return Response(TokensSerializer(tokens).data)
