#!/usr/bin/env python
"""The operator's entry point: every command of ENIGMA runs through here."""

import os
import sys

from django.core.management import execute_from_command_line

INTERRUPTED = 130

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "enigma.settings")
    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        # Ctrl-C inside a transaction surfaces as whatever the clean-up then stumbled over.
        if isinstance(error.__context__, KeyboardInterrupt):
            sys.exit(INTERRUPTED)
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
