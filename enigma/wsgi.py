"""The WSGI entry point: refuses to start on a bad configuration, as the commands do."""

import os

from django.core.wsgi import get_wsgi_application

from enigma.checks import refuse_bad_configuration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "enigma.settings")

application = get_wsgi_application()
refuse_bad_configuration()
