"""Reading a page the way a browser without scripts does."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from django.test import Client

_INLINE = ("style", "onclick", "onload", "onsubmit", "onchange", "oninput", "onerror", "hx-on", "hx-vals")


class Page(HTMLParser):
    """The forms, links, words and offences of one page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.offences: list[str] = []
        self.words: list[str] = []
        self._script = ""
        self.feed(html)

    @property
    def text(self) -> str:
        """All words outside scripts, single-spaced."""
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        self.offences += [f"{tag} {name}" for name in given if name in _INLINE or name.startswith("on")]
        if tag == "style":
            self.offences.append("style element")
        if tag == "script":
            self._script = (
                "data"
                if given.get("type") == "application/json"
                else "file"
                if given.get("src")
                else "inline"
            )
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag == "form":
            self.forms.append(
                {"action": given.get("action") or "", "method": given.get("method"), "fields": {}}
            )
        if (
            tag == "input"
            and self.forms
            and given.get("name")
            and given.get("type") not in ("checkbox", "radio")
        ):
            self.forms[-1]["fields"][given["name"]] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = ""

    def handle_data(self, data: str) -> None:
        if self._script == "inline" and data.strip():
            self.offences.append("inline script")
        if not self._script:
            self.words.append(data)

    def form(self, action: str) -> dict[str, Any]:
        """The form that posts to `action`."""
        return next(form for form in self.forms if (form["action"], form["method"]) == (action, "post"))


def read(response: Any) -> Page:
    """The page in this response."""
    return Page(response.content.decode())


def submit(client: Client, address: str, action: str, **values: str) -> Any:
    """Load `address`, fill in the form that posts to `action`, send it; the response is not followed."""
    fields = read(client.get(address)).form(action)["fields"]
    return client.post(urljoin(address, action), {**fields, **values})
