"""The little of Stripe's HTTP API that we call, on this machine: it can be down, refuse, or act and not answer."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class StripeServer:
    """Checkout sessions by id, with idempotency keys. `mood` is "", "down", "refuse", "deaf" (acts, then hangs up) or
    "busy" (too many requests)."""

    def __init__(self) -> None:
        self.mood = ""
        self.sessions: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, tuple[dict[str, list[str]], str]] = {}
        self.requests: list[tuple[str, str, dict[str, str], dict[str, list[str]]]] = []
        handler = type("Handler", (_Handler,), {"stripe": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def pay(self, session: str) -> None:
        """The person pays on the page."""
        row = self.sessions[session]
        row["status"] = "complete"
        row["payment_intent"] = {
            "id": f"pi_{session}",
            "object": "payment_intent",
            "status": "succeeded",
            "amount_received": row["amount_total"],
            "currency": "usd",
            "metadata": row["metadata"],
        }

    def create(self, form: dict[str, list[str]], key: str) -> tuple[int, dict[str, Any]]:
        if key in self.by_key:
            known, session = self.by_key[key]
            if known != form:
                return 400, {"error": {"type": "idempotency_error", "message": "other parameters"}}
            return 200, self.sessions[session]
        session = f"cs_{len(self.sessions) + 1}"
        metadata = {
            name.removeprefix("metadata[").removesuffix("]"): value[0]
            for name, value in form.items()
            if name.startswith("metadata[")
        }
        self.sessions[session] = {
            "id": session,
            "object": "checkout.session",
            "status": "open",
            "url": f"https://checkout.example/{session}",
            "client_reference_id": form["client_reference_id"][0],
            "amount_total": int(form["line_items[0][price_data][unit_amount]"][0]),
            "metadata": metadata,
            "payment_intent": None,
        }
        self.by_key[key] = (form, session)
        return 200, self.sessions[session]


class _Handler(BaseHTTPRequestHandler):
    stripe: StripeServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self._act(parse_qs(body))

    def do_GET(self) -> None:
        self._act(parse_qs(urlsplit(self.path).query))

    def _act(self, form: dict[str, list[str]]) -> None:
        path = urlsplit(self.path).path
        self.stripe.requests.append((self.command, path, dict(self.headers.items()), form))
        mood = self.stripe.mood
        if mood == "down":
            return self._answer(503, {"error": {"type": "api_error", "message": "down"}})
        if mood == "busy":
            return self._answer(429, {"error": {"type": "rate_limit_error", "message": "slow down"}})
        if mood == "refuse":
            return self._answer(400, {"error": {"type": "invalid_request_error", "message": "no"}})
        if self.command == "POST":
            status, answer = self.stripe.create(form, self.headers["Idempotency-Key"])
        else:
            found = self.stripe.sessions.get(path.rsplit("/", 1)[1])
            status, answer = (200, found) if found else (404, {"error": {"type": "invalid_request_error"}})
        if mood == "deaf":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        return self._answer(status, answer)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
