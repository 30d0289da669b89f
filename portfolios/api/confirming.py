"""Is it really you? Asked before money may go to an address."""

from __future__ import annotations

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from portfolios.api.base import caller, refuse
from portfolios.authentication import ScopeRequired
from portfolios.models import ApiKey


class CodeRequired(APIException):
    status_code = 403
    default_code = "code_required"
    default_detail = "Nothing was moved. Send `code`: a fresh code of your authenticator app."


class SayWhoYouAre(APIException):
    status_code = 403
    default_code = "reauthentication_required"
    default_detail = "Nothing was moved. Say again who you are at /account/reauthenticate/, then repeat this."


class TooManyCodes(APIException):
    status_code = 429
    default_code = "throttled"
    default_detail = "Nothing was moved. Too many wrong codes were sent; wait five minutes."
    wait = 300


def confirmed(request: Request, code: str) -> None:
    """The caller has shown that they are the person, just now: by a fresh code where the account has an authenticator
    app, else by a key with the scope `withdraw`, or in a browser by having said again who they are.

    A code counts once. Raises CodeRequired, ValidationError (a wrong code), TooManyCodes, ScopeRequired, SayWhoYouAre.
    """
    user = caller(request)
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if app is not None:
        if not code:
            raise CodeRequired
        # The same count as at the login: who guesses here cannot go on there.
        limit = {"action": "login_failed", "key": f"mfa-auth-user-{user.pk}"}
        if not ratelimit.consume(request._request, **limit):
            raise TooManyCodes
        if not TOTP(app).validate_code(code):
            refuse("code", "Nothing was moved. The code is wrong, too old or used before.", "invalid_code")
        ratelimit.clear(request._request, **limit)
    elif isinstance(request.auth, ApiKey):
        if "withdraw" not in request.auth.scopes:
            raise ScopeRequired(
                "This key lacks the scope 'withdraw'. Nothing was moved. Make a key that has it, or set up an "
                "authenticator app and send its code."
            )
    elif not did_recently_reauthenticate(request._request):
        raise SayWhoYouAre
