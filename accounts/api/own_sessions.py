"""The routes by which people see who they are and where they are signed in, and end their sessions."""

import uuid

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import sessions
from accounts.api import examples
from accounts.api.serializers import MeSerializer, SessionSerializer
from accounts.roles import PERMISSIONS
from enigma.rest.views import ApiView


class Sessions(ApiView):
    """The live sessions of an applicant."""

    needs = {"get": "applicant.session", "delete": "applicant.session"}

    @extend_schema(
        operation_id="auth_sessions_list",
        summary="Your sessions as an applicant",
        responses={200: SessionSerializer(many=True)},
        examples=[examples.SESSION],
    )
    def get(self, request: Request) -> Response:
        """Answer one page of them."""
        return self.page(sessions.own(request.user, request.auth), SessionSerializer)

    @extend_schema(
        operation_id="auth_sessions_end",
        summary="Log out everywhere",
        description="Ends every session of yours, browsers and this one included.",
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """End them all."""
        sessions.end_all(request.user, actor=request.auth, reason="logout_everywhere")
        return Response(status=204)


class StaffSessions(Sessions):
    """The live sessions of a member of staff."""

    needs = {"get": "staff.session", "delete": "staff.session"}

    @extend_schema(
        operation_id="staff_sessions_list",
        summary="Your sessions as a member of staff",
        responses={200: SessionSerializer(many=True)},
        examples=[examples.SESSION],
    )
    def get(self, request: Request) -> Response:
        """Answer one page of them."""
        return super().get(request)

    @extend_schema(
        operation_id="staff_sessions_end",
        summary="Log out everywhere",
        description="Ends every session of yours, browsers and this one included.",
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """End them all."""
        return super().delete(request)


class OneSession(ApiView):
    """One of an applicant's own sessions."""

    needs = {"delete": "applicant.session"}

    @extend_schema(operation_id="auth_session_end", summary="End one of your sessions", responses={204: None})
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        """End it; somebody else's is none."""
        one = sessions.own(request.user, request.auth).filter(pk=session_id)
        if not sessions.end(one, actor=request.auth, reason="ended_by_owner"):
            raise Http404
        return Response(status=204)


class OneStaffSession(OneSession):
    """One of the own sessions of a member of staff."""

    needs = {"delete": "staff.session"}

    @extend_schema(operation_id="staff_session_end", summary="End one of your sessions", responses={204: None})
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        """End it; somebody else's is none."""
        return super().delete(request, session_id)


class Me(ApiView):
    """The member of staff who asks."""

    needs = {"get": "staff.session"}

    @extend_schema(
        operation_id="staff_me",
        summary="Who you are, and what you may do now",
        responses={200: MeSerializer},
        examples=[examples.ME],
    )
    def get(self, request: Request) -> Response:
        """Answer with role and permissions as the database names them."""
        actor = request.auth
        me = {
            "person_id": request.user.pk,
            "email": request.user.email,
            "role": actor.role,
            "permissions": sorted(PERMISSIONS[actor.role]),
            "session_id": actor.session_id,
        }
        return Response(MeSerializer(me).data)
