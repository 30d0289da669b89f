"""A real browser: from sign-up to holdings, and whether everybody can use the pages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from playwright.sync_api import Browser, Page, expect, sync_playwright

from portfolios.models import Order, User
from portfolios.services import execution, payments
from signals.models import Market
from tests.grading import features_make, grades_make, model_run_make
from tests.journeys.worlds import TODAY, world_create

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from CHROMIUM or its usual place. Without it: skipped, or failed where BROWSER_REQUIRED=1."""
    program = (
        os.environ.get("CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if not program or not Path(program).exists():
        reason = "no Chromium here; install it or set CHROMIUM to its path"
        if os.environ.get("BROWSER_REQUIRED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Playwright keeps an event loop in this thread, in front of which Django would refuse to use the database.
    patch = pytest.MonkeyPatch()
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()
    patch.undo()


@pytest.fixture
def market(transactional_db: None) -> Market:
    return world_create()


@pytest.fixture
def page(browser: Browser, live_server: Any, market: Market) -> Iterator[Page]:
    """A phone with a fresh profile; a script error or a blocked resource fails the test."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844})
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    yield shown
    context.close()
    assert [text for text in complaints if "422" not in text] == []


def test_from_sign_up_to_holdings(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Open an account").first.click()
    page.get_by_label("Email").fill("new@example.org")
    page.get_by_label("Password").fill("a quiet instrument 9")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Mail is not sent here.")).to_be_visible()
    code = re.search(r"^([A-Z0-9-]{6,12})$", str(mail.outbox[0].body), re.MULTILINE)
    assert code is not None
    page.get_by_label("Code").fill(code.group(1))
    page.get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("heading", name="Start with a deposit")).to_be_visible()
    page.get_by_role("link", name="Make a deposit").click()
    page.get_by_role("button", name="$500").click()
    page.get_by_role("button", name="Deposit").click()
    expect(page.get_by_text("$500.00 was added to your cash.")).to_be_visible()

    page.goto("/indices/global-100/")
    page.get_by_role("link", name="Invest").click()
    page.get_by_label("Amount").fill("100")
    page.get_by_role("button", name="Invest $100.00").click()
    expect(page.get_by_text("Your $100.00 is set aside and untouched.")).to_be_visible()
    execution.dealing_run()
    # The page asks again by itself every two seconds.
    expect(page.get_by_text("Settled", exact=True)).to_be_visible(timeout=10_000)
    assert Order.objects.get().status == Order.Status.SETTLED

    page.get_by_role("link", name="See what you own").click()
    page.get_by_text("Look inside").click()
    for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon"):
        expect(page.get_by_role("link", name=name)).to_be_visible()


def test_the_chart_reads_out_a_day_and_changes_its_range_in_place(page: Page) -> None:
    page.goto("/indices/global-100/")
    plot = page.locator(".plot").first
    readout = page.locator("[data-readout]").first
    plot.focus()
    page.keyboard.press("Home")
    expect(readout).to_have_text("1 Jan 2022: 1,000.00")
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_text("2 Jan 2022: 1,010.00")
    page.get_by_role("link", name="1M").click()
    expect(page.get_by_role("link", name="1M")).to_have_attribute("aria-current", "true")
    assert page.url.endswith("?range=1m")
    plot.focus()
    page.keyboard.press("Home")
    expect(readout).to_have_text("11 Jan 2022: 1,100.00")


def test_the_token_list_is_sorted_and_filtered_in_place(page: Page) -> None:
    model = model_run_make(market=Market.Source.SIMULATED)
    grades_make(model, TODAY, {"alpha": (41.0, 40.0, -1), "beta": (58.0, 61.0, 1)})
    page.goto("/tokens/")
    names = page.locator("#token-table tbody a.name")
    expect(names).to_have_text(["Alpha", "Beta", "Gamma", "Delta", "Epsilon"])
    page.get_by_label("Order").select_option("-trader_grade")
    expect(names).to_have_text(["Beta", "Alpha", "Delta", "Epsilon", "Gamma"])
    page.get_by_role("link", name="Price").click()
    expect(names).to_have_text(["Alpha", "Beta", "Epsilon", "Gamma", "Delta"])
    expect(page.get_by_label("Order")).to_have_value("-price")
    # The filter keeps the order that the head of the column set, and typing keeps the focus.
    page.get_by_label("Least volume").select_option("1e6")
    expect(names).to_have_text(["Alpha", "Beta", "Gamma", "Delta"])
    page.get_by_label("Search by name or symbol").press_sequentially("ta")
    expect(names).to_have_text(["Beta", "Delta"])
    expect(page.get_by_label("Search by name or symbol")).to_be_focused()
    assert page.url.endswith("/tokens/?q=ta&category=&signal=&volume=1e6&sort=-price")
    page.reload()
    expect(names).to_have_text(["Beta", "Delta"])


PAGES = [
    "/",
    "/indices/",
    "/indices/global-100/",
    "/indices/compare/?a=global-100&b=sqrt-30",
    "/tokens/",
    "/tokens/alpha/",
    "/tokens/delta/",
    "/model/",
    "/features/",
    "/plans/",
    "/account/login/",
    "/account/signup/",
]
OWN_PAGES = [
    "/dashboard/",
    "/invest/global-100/?amount=75",
    "/redeem/global-100/",
    "/money/",
    "/activity/",
    "/keys/",
    "/account/2fa/",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages(page: Page, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    serious = []
    model = model_run_make(market=Market.Source.SIMULATED)
    grades_make(model, TODAY, {"alpha": (58.0, 61.0, 1), "beta": (50.0, 50.0, 0), "gamma": (41.0, 40.0, -1)})
    features_make("alpha", TODAY)
    for address in PAGES:
        serious += offences(Axe(), page, address)
    user = sign_in(page)
    payments.deposit(user, "500.00")
    from portfolios.services import investing

    investing.invest(user, "global-100", "100.00")
    execution.dealing_run()
    investing.invest(user, "global-100", "50.00")
    for address in OWN_PAGES:
        serious += offences(Axe(), page, address)
    assert serious == []


def offences(axe: Any, page: Page, address: str) -> list[str]:
    """What axe finds at this address that is serious or worse, and whether the page is wider than the phone."""
    page.goto(address)
    found = [
        f"{address} {item['id']} {item['nodes'][0]['html'][:120]}"
        for item in axe.run(page).response["violations"]
        if item["impact"] in ("serious", "critical")
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append(f"{address} is wider than the screen")
    return found


def sign_in(page: Page) -> User:
    """Somebody with a verified address, signed in through the form."""
    from tests.journeys.conftest import person

    user = person("eve@example.org")
    page.goto("/account/login/")
    page.get_by_label("Email").fill("eve@example.org")
    page.get_by_label("Password").fill("a quiet instrument 9")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your holdings")).to_be_visible()
    return user


@pytest.fixture(autouse=True)
def _connections_closed() -> Iterator[None]:
    """The threads of the live server leave no connection behind that would keep the database from being dropped."""
    yield
    connections.close_all()


def test_signing_in_with_a_passkey(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    sign_in(page)
    page.goto("/account/2fa/webauthn/add/")
    page.get_by_label("Password").fill("a quiet instrument 9")
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Recovery Codes").first).to_be_visible()
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign Out").click()
    page.goto("/account/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Your holdings")).to_be_visible()
