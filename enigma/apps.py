"""Registers what every process must hold to: the configuration checks and the floor under the database's version."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.backends.signals import connection_created

from enigma.checks import check_configuration, check_second_factor, refuse_old_server


class EnigmaConfig(AppConfig):
    name = "enigma"

    def ready(self) -> None:
        """Register once the apps are loaded."""
        register(check_configuration, Tags.security)
        register(check_second_factor, Tags.security, deploy=True)
        connection_created.connect(refuse_old_server, dispatch_uid="enigma.refuse_old_server")
