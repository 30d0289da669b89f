"""Building an index of one's own: choose a base, change a rule, see at once what it would have done, save."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_http_methods, require_safe

from indices import selectors as index_selectors
from indices.core import customising
from indices.core.customising import Choices
from indices.core.prose import WEIGHTED_BY
from indices.core.rulebook import Rulebook
from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.forms import NameForm, OnceForm, RuleOptions, RulesForm, rules_initial
from portfolios.models import CustomIndex
from portfolios.services import custom
from portfolios.services.idempotency import Answer, answer_once, fingerprint
from portfolios.views.drafts import preview_context
from portfolios.views.visitors import person, wants_fragment
from signals import selectors as signal_selectors

CATEGORIES_OFFERED = 24


@require_safe
def bases(request: HttpRequest) -> HttpResponse:
    """The indices of ours that one may be built from, and how many more of their own the person may keep."""
    signed_in = request.user.is_authenticated
    context = {
        "bases": index_selectors.index_list(),
        "mine": selectors.custom_indices(person(request)) if signed_in else [],
        "left": selectors.custom_indices_left(person(request)) if signed_in else None,
    }
    return render(request, "portfolios/build.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def editor(request: HttpRequest, slug: str) -> HttpResponse:
    """The rules of one of our indices to be changed, with a preview; signed-in people may save the result.

    The address may carry a draft (?count=...) or the token of a shared index to begin with (?copy=...).
    """
    base = _base(slug)
    copied = selectors.custom_index_shared(request.GET.get("copy", ""))
    if copied is not None and copied.based_on == slug:
        initial = index_selectors.custom_choices(copied.index, slug)
    else:
        copied, initial = None, customising.chosen(base, base)
    context = _desk(request, slug, base, initial, name=copied.name if copied else "")
    context |= {
        "copied": copied,
        "address": reverse("portfolios:build_from", args=[slug]),
        "save_label": "Save my index",
    }
    saving = request.method == "POST" and "save" in request.POST
    form, names = context["form"], context["name_form"]
    if saving and not request.user.is_authenticated:
        draft = {key: request.POST.getlist(key) for key in form.fields if key in request.POST}
        target = f"{context['address']}?{urlencode(draft, doseq=True)}"
        return redirect(f"{reverse('account_signup')}?{urlencode({'next': target})}")
    if saving and form.is_valid() and names.is_valid():
        made = _saved(request, slug, form, names.cleaned_data["name"])
        if made is not None:
            messages.success(request, "Saved. Its record begins today; nothing was invested.")
            return redirect("portfolios:custom_index", slug=made)
    return _shown(request, context, base, saving=saving)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """The rules of the person's own index, to be changed from the next decision on."""
    user = person(request)
    own = selectors.custom_index(user, slug)
    if own is None:
        raise Http404("You have no such index.")
    base = _base(own.based_on)
    initial = index_selectors.custom_choices(own.index, own.based_on)
    context = _desk(request, own.based_on, base, initial, name=own.name)
    context |= {
        "own": own,
        "address": reverse("portfolios:custom_edit", args=[slug]),
        "save_label": "Save the new rules",
    }
    saving = request.method == "POST" and "save" in request.POST
    form, names = context["form"], context["name_form"]
    if saving and form.is_valid() and names.is_valid() and _changed(own, form, names.cleaned_data["name"]):
        messages.success(
            request, "Saved. The new rules decide from the next rebalance on; nothing was traded."
        )
        return redirect("portfolios:custom_index", slug=slug)
    return _shown(request, context, base, saving=saving)


def _desk(request: HttpRequest, slug: str, base: Rulebook, initial: Choices, *, name: str) -> dict[str, Any]:
    """The forms over the choices at hand: those sent, those in the address, else `initial`."""
    options = _options(slug, base)
    tokens = [token for token, _ in options.tokens]
    first = rules_initial(initial, tokens, name=name)
    sent: MultiValueDict[str, str] | None = None
    if request.method == "POST":
        sent = request.POST
    elif "count" in request.GET:
        sent = request.GET
    saving = request.method == "POST" and "save" in request.POST
    return {
        "index": index_selectors.base_index(slug),
        "form": RulesForm(sent, initial=first, base=base, options=options),
        "name_form": NameForm(sent if saving else None, initial={"name": request.POST.get("name", name)}),
        "once": OnceForm(),
        "own": None,
        "copied": None,
    }


def _shown(request: HttpRequest, context: dict[str, Any], base: Rulebook, *, saving: bool) -> HttpResponse:
    """The page, or only its preview where HTMX asks for it. A page without a draft leaves the preview to come later."""
    form: RulesForm = context["form"]
    slug = context["index"].slug
    if form.is_bound and form.is_valid():
        try:
            rulebook, _ = custom.rules_drafted(slug, form.choices())
        except MoneyError as error:
            form.refuse(error)
        else:
            context |= preview_context(request, rulebook, base, as_of=custom.last_day())
    fragment = wants_fragment(request)
    page = "portfolios/_preview.html" if fragment else "portfolios/build_from.html"
    failed = saving and (form.errors or context["name_form"].errors)
    return render(request, page, context, status=422 if failed and not fragment else 200)


def _saved(request: HttpRequest, base: str, form: RulesForm, name: str) -> str | None:
    """The slug of the index that was made, once however often the form is sent; None where it was refused."""
    user = person(request)

    def act() -> Answer:
        own = custom.custom_index_create(user, base, form.choices(), name=name)
        return Answer(201, {"slug": own.index.slug})

    token = request.POST.get("token", "")[:64]
    try:
        if not token:
            return str(act().body["slug"])
        mark = fingerprint("POST", request.path, {"token": token})
        return str(answer_once(user, f"web:{token}", mark, act).body["slug"])
    except MoneyError as error:
        form.refuse(error)
        return None


def _changed(own: CustomIndex, form: RulesForm, name: str) -> bool:
    try:
        custom.custom_index_change(own.user, own.index.slug, form.choices())
        if name != own.name:
            custom.custom_index_rename(own.user, own.index.slug, name)
    except MoneyError as error:
        form.refuse(error)
        return False
    return True


def _base(slug: str) -> Rulebook:
    try:
        return index_selectors.base_rulebook(slug)
    except index_selectors.IndexNotFound as error:
        raise Http404(f"There is no index named {slug} to build on.") from error


def _options(slug: str, base: Rulebook) -> RuleOptions:
    day = signal_selectors.last_closed_day()
    decision = index_selectors.decision_in_force(slug, as_of=day)
    weights = index_selectors.target_weights(decision) if decision is not None else {}
    names = index_selectors.token_names(list(weights))
    fixed = {*base.universe.exclude_categories, *base.universe.categories}
    counted = signal_selectors.category_counts(as_of=day, limit=CATEGORIES_OFFERED + len(fixed))
    return RuleOptions(
        schemes=customising.schemes(base),
        words={
            name: words.partition(", which")[0].partition(", so")[0].capitalize()
            for name, words in WEIGHTED_BY.items()
        },
        frequencies=customising.frequencies(base),
        categories=tuple(kind for kind, _ in counted if kind not in fixed)[:CATEGORIES_OFFERED],
        tokens=tuple(
            (token, f"{names[token].name} ({names[token].symbol})") for token in weights if token in names
        ),
    )
