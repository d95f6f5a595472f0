"""The pages of the django-oauth-toolkit provider: the toolkit's own, a sign-in page, and one resource to read."""

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from oauth2_provider.decorators import protected_resource
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.urls import metadata_urlpatterns


class Validator(OAuth2Validator):
    """Says in OIDC who signed in, as the toolkit's manual shows it."""

    oidc_claim_scope = None

    def get_additional_claims(self) -> dict[str, Any]:
        return {
            "name": lambda request: request.user.username.title(),
            "preferred_username": lambda request: request.user.username,
            "email": lambda request: request.user.email,
        }


@protected_resource()
def me(request: HttpRequest) -> JsonResponse:
    user = request.resource_owner
    return JsonResponse({"id": str(user.pk), "sub": str(user.pk), "name": user.username.title(), "email": user.email})


urlpatterns = [
    path("sign-in", LoginView.as_view()),
    path("api/me", me),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    # RFC 8414 puts the well-known part before the issuer's path.
    path("", include(metadata_urlpatterns)),
]
