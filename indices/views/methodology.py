"""The rules of one index in words, with their versions."""

import yaml
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices import selectors
from indices.core.prose import rules


@require_safe
def rulebook(request: HttpRequest, slug: str) -> HttpResponse:
    """The rules of one index in words, its versions with what each one changed, and the file itself."""
    index = next((row for row in selectors.index_list() if row.slug == slug), None)
    versions = selectors.rulebook_versions(index) if index is not None else []
    if index is None or not versions:
        raise Http404(f"There is no index named {slug}.")
    newest = versions[0]
    context = {
        "index": index,
        "newest": newest,
        "versions": versions,
        "rules": rules(newest.rulebook),
        "body": yaml.safe_dump(newest.rulebook.to_dict(whole=True), sort_keys=False, allow_unicode=True),
    }
    return render(request, "indices/rulebook.html", context)
