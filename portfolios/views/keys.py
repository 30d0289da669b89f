"""API keys: made once, shown once, revoked at will."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portfolios import selectors
from portfolios.forms import KeyForm
from portfolios.services.api_keys import ApiKeyError, api_key_create, api_key_revoke
from portfolios.views.visitors import person


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(enabled=lambda request: request.POST.get("access") == "withdraw")
def keys(request: HttpRequest) -> HttpResponse:
    """The person's keys, and a form for a new one. The secret is in the answer to that form and nowhere else."""
    user = person(request)
    form = KeyForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = api_key_create(
                user, name=form.cleaned_data["name"], scopes=[form.cleaned_data["access"]]
            )
        except ApiKeyError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            form = KeyForm()
    context = {
        "form": form,
        "secret": secret,
        "keys": user.api_keys.filter(revoked_at=None),
        "plan": selectors.plan_of(user),
    }
    return render(request, "portfolios/keys.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def key_revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """The key opens nothing any more."""
    try:
        api_key_revoke(person(request), key_id, now=timezone.now())
    except ApiKeyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The key was revoked. Programs that used it are refused from now on.")
    return redirect("portfolios:keys")
