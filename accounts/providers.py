"""Sign-in by OpenID Connect: a provider that the settings name vouches for an address, and for nothing else."""

from typing import Any

from allauth.account.utils import user_email
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest

from accounts.models import User


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Who comes with an address that the provider has verified is let in, new people and known ones alike."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Without such an address there is the door of accounts.forms.RequestCodeForm."""
        return any(address.verified for address in sociallogin.email_addresses)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        """Take the address, and forget what else the provider tells: names and pictures are not ours to keep."""
        sociallogin.account.extra_data = {}
        user = sociallogin.user
        user_email(user, str(data.get("email") or "").lower())
        assert isinstance(user, User)  # noqa: S101  AUTH_USER_MODEL is ours
        return user
