"""The pages of signing in: those of allauth that are used, and no others; an address is not changed by its owner."""

from allauth.account import views as entrance
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from accounts import receivers, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="account_home"),
    path("sessions/", views.sessions, name="account_sessions"),
    path("login/code/", entrance.request_login_code, name="account_request_login_code"),
    path("login/code/confirm/", entrance.confirm_login_code, name="account_confirm_login_code"),
    path("login/", entrance.login, name="account_login"),
    path(
        "signup/",
        RedirectView.as_view(pattern_name="account_request_login_code", query_string=True),
        name="account_signup",
    ),
    path("logout/", entrance.logout, name="account_logout"),
    path("inactive/", entrance.account_inactive, name="account_inactive"),
    path("reauthenticate/", entrance.reauthenticate, name="account_reauthenticate"),
    path("email/", RedirectView.as_view(pattern_name="account_home"), name="account_email"),  # allauth leads there
    path("confirm-email/", entrance.email_verification_sent, name="account_email_verification_sent"),
    path("password/change/", entrance.password_change, name="account_change_password"),
    path("password/set/", entrance.password_set, name="account_set_password"),
    path("password/reset/", entrance.password_reset, name="account_reset_password"),
    path(
        "password/reset/confirm/",
        entrance.confirm_password_reset_code,
        name="account_confirm_password_reset_code",
    ),
    path("password/reset/complete/", entrance.complete_password_reset, name="account_complete_password_reset"),
    path("password/reset/done/", entrance.password_reset_from_key_done, name="account_password_reset_completed"),
    path("2fa/", include("allauth.mfa.urls")),
]


def _kept_nowhere(routes: list[URLPattern | URLResolver]) -> None:
    """Let no cache on the way, nor the browser's, keep a page: some show secrets, and allauth says so of a few only."""
    for route in routes:
        if isinstance(route, URLResolver):
            _kept_nowhere(route.url_patterns)
        else:
            route.callback = never_cache(route.callback)


if settings.OIDC_PROVIDERS:
    urlpatterns += [
        path("", include("allauth.socialaccount.providers.openid_connect.urls")),
        path("providers/", include("allauth.socialaccount.urls")),
    ]

_kept_nowhere(urlpatterns)
receivers.connect()
