"""The public proof of reserves, and each person's own part of it."""

import json

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portfolios.errors import NoProof
from portfolios.selectors.reserves import reserve_amounts, reserve_proof, reserves, reserves_history
from portfolios.views.visitors import person


@require_safe
def reserves_page(request: HttpRequest) -> HttpResponse:
    """What is owed and held, for everybody; for whoever is signed in, the way to their own part."""
    return render(request, "portfolios/reserves.html", {"shown": reserves(), "history": reserves_history()})


@login_required
@require_safe
def reserves_mine(request: HttpRequest) -> HttpResponse:
    """The person's own amounts in the last snapshot, and how to check them."""
    context: dict[str, object] = {"shown": reserves()}
    try:
        proof = reserve_proof(person(request))
    except NoProof as error:
        context["error"] = error.message
    else:
        context |= {"proof": proof, "amounts": reserve_amounts(proof)}
    return render(request, "portfolios/reserves_mine.html", context)


@login_required
@require_safe
def reserves_proof_file(request: HttpRequest) -> HttpResponse:
    """The proof as the file that the verifier reads."""
    try:
        proof = reserve_proof(person(request))
    except NoProof as error:
        return render(
            request,
            "portfolios/reserves_mine.html",
            {"shown": reserves(), "error": error.message},
            status=404,
        )
    response = HttpResponse(json.dumps(proof, indent=1), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="reserves-{proof["day"]}.json"'
    response.headers["Cache-Control"] = "no-store"
    return response
