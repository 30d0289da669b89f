"""What each figure is and how it is computed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices.core.formulas import SECTIONS, of_section


@require_safe
def formulas(request: HttpRequest) -> HttpResponse:
    """Every figure with its formula; the anchor of each is its key."""
    sections = [(key, title, of_section(key)) for key, title in SECTIONS.items()]
    return render(request, "indices/formulas.html", {"sections": sections})
