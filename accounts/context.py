"""What every page of the site knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Say when the second factor is relaxed (every page shows it), and who else signs people in. Asks no database."""
    providers = settings.OIDC_PROVIDERS
    return {"second_factor_optional": settings.SECOND_FACTOR_OPTIONAL, "oidc_providers": providers}
