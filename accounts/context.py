"""What every page of the site knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Say what every page shows of a demo or a relaxed door, and who else signs people in. Asks no database."""
    return {
        "demo": settings.DEMO,
        "second_factor_optional": settings.SECOND_FACTOR_OPTIONAL,
        "oidc_providers": settings.OIDC_PROVIDERS,
    }
