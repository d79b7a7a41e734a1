"""Names the app for Django, and the console as the one site of Django's admin."""

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default = True


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin, with our site: modules register what they show by ``admin.register`` and import no app."""

    default_site = "accounts.console.ConsoleSite"
