"""The routes by which a super_admin manages people: their roles, second factors and sessions."""

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people, second_factor
from accounts.api import examples
from accounts.api.serializers import PersonChange, PersonSerializer
from accounts.api.signing_in import read
from accounts.models import AdminUser
from enigma.rest.conditional import answer_version, demand_version
from enigma.rest.views import ApiView


class People(ApiView):
    """Everybody with a staff record."""

    needs = {"get": "people.manage"}

    @extend_schema(
        operation_id="people_list",
        summary="Members of staff, newest first",
        responses={200: PersonSerializer(many=True)},
        examples=[examples.PERSON],
    )
    def get(self, request: Request) -> Response:
        """Answer one page of them."""
        return self.page(people.people(request.auth), PersonSerializer)


class Person(ApiView):
    """One of them."""

    needs = {"get": "people.manage", "patch": "people.manage"}

    @extend_schema(
        operation_id="people_read",
        summary="One member of staff",
        responses={200: PersonSerializer},
        examples=[examples.PERSON],
    )
    def get(self, request: Request, person_id: int) -> Response:
        """Answer with the person and the version."""
        return answer_version(request, shown(found(request, person_id)))

    @extend_schema(
        operation_id="people_change",
        summary="Change role, or take the record out of use",
        description="Ends all sessions of the person. Nobody changes their own; the last active super_admin stays.",
        request=PersonChange,
        responses={200: PersonSerializer},
        examples=[examples.PERSON_CHANGE, examples.PERSON],
    )
    def patch(self, request: Request, person_id: int) -> Response:
        """Change it."""
        changes = read(PersonChange, request)
        with transaction.atomic():
            member = people.hold(found(request, person_id), actor=request.auth)
            demand_version(request, shown(member))
            member = people.change_person(member, **changes, actor=request.auth)
        return answer_version(request, shown(member))


class SecondFactor(ApiView):
    """The second factor of a colleague."""

    needs = {"delete": "people.manage"}

    @extend_schema(
        operation_id="people_second_factor_reset",
        summary="Take a colleague's second factor away",
        description="For a lost telephone. The colleague's sessions end; a new factor is enrolled at the next sign-in.",
        responses={204: None},
    )
    def delete(self, request: Request, person_id: int) -> Response:
        """Reset it."""
        second_factor.reset(found(request, person_id), request.auth)
        return Response(status=204)


class PersonSessions(ApiView):
    """The sessions of a colleague."""

    needs = {"delete": "people.manage"}

    @extend_schema(operation_id="people_sessions_end", summary="End a colleague's sessions", responses={204: None})
    def delete(self, request: Request, person_id: int) -> Response:
        """End them."""
        people.end_sessions_of(found(request, person_id), actor=request.auth)
        return Response(status=204)


def found(request: Request, person_id: int) -> AdminUser:
    """Return the member of staff, or raise Http404."""
    rows = people.people(request.auth).filter(user_id=person_id)
    member = rows.first() if person_id < 2**63 else None
    if member is None:
        raise Http404
    return member


def shown(member: AdminUser) -> dict[str, object]:
    """Return a member of staff as the API shows them."""
    return dict(PersonSerializer(member).data)
