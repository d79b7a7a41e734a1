"""How the description of the API tells that an answer has a version, where nothing but its subject changes it."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

VERSIONED = [
    OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag that was read last."),
    OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304], description="Of what is shown."),
]
UNCHANGED = OpenApiResponse(description="Nothing of it has changed.")
