"""The forms by which a super_admin makes members of staff and changes what they are."""

from enum import StrEnum

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import STAFF, Role

ROLES = [
    (Role.REVIEWER.value, _("Reviewer: reads blind copies and decides what waits for a person")),
    (Role.ADMIN.value, _("Admin: leads cycles and batches")),
    (Role.SUPER_ADMIN.value, _("Super admin: all of it, people and keys too")),
    (Role.AUDITOR.value, _("Auditor: reads the logs and verifies them, changes nothing")),
]


class Way(StrEnum):
    """How somebody new first comes in."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105  no secret


class RoleForm(forms.Form):
    """Asks for a role; ``version`` is what the asker has seen."""

    role = forms.ChoiceField(label=_("Role"), choices=ROLES)
    version = forms.CharField(widget=forms.HiddenInput)


class NewMember(forms.Form):
    """Asks who it is, what for, and how they come in."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=User._meta.get_field("email").max_length,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=[("", _("Choose one")), *ROLES])
    way = forms.ChoiceField(
        label=_("How they sign in first"),
        choices=[
            (Way.CODE.value, _("By a code that is sent to the address")),
            (Way.PASSWORD.value, _("By a password that is shown to you once")),
        ],
        help_text=_("Either way a code is sent to the address before they enrol their second factor."),
    )


assert {role for role, _ in ROLES} == set(STAFF)  # noqa: S101  a new role needs its words here
