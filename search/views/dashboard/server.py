"""Runs followed in the browser: `Dashboard`, which serves a page on this
machine.

The page is rendered like the report. Server-sent events push the changes. The
server of the standard library is enough for this, and starts at once.

Neither Keras nor TensorFlow is imported here.
"""

import http.server
import ipaddress
import json
import os
import socket
import socketserver
import sys
import threading
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from nasnet_keras.console.command_line import InputError
from nasnet_keras.quotation import quoted
from search.runs.record import Run, opened_runs
from search.views.dashboard.page import SECONDS_BETWEEN, DashboardPage

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
SECONDS_TO_ANSWER = 30  # of a browser, before it is given up


class Dashboard(socketserver.ThreadingTCPServer):
    """Serves a page that follows runs, which are only read.

    There are two addresses: `/`, the page, and `/events`, the sections of it
    that have changed. No other file is served. While no browser looks,
    nothing is read.

    Args:
        runs: The runs to follow, or their folders.
        host: The address to serve at. Default 127.0.0.1: this machine alone.
        port: The port; 0 for any that is free. Default 8765.

    Raises:
        InputError: `runs` are no runs, or the address or the port is not
            available.

    Example:

    >>> import search
    >>> with Dashboard([search.load("runs/first")]) as dashboard:
    ...     print(dashboard.url)
    ...     dashboard.serve_forever()
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self,
        runs: Sequence[Run | str | os.PathLike[str]],
        host: str = "127.0.0.1",
        port: int = 8765,
    ) -> None:
        if not host:  # All addresses, to the system.
            raise InputError(
                "Invalid value for argument `host`. Expected an address of "
                f"this machine. Received: host={quoted(host)}."
            )
        self.page = DashboardPage(opened_runs(runs))
        self.closing = threading.Event()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error).rstrip(".")
            raise InputError(
                f"Cannot serve at host {host}, port {port}: {reason}. Choose "
                "another `--host` or `--port`."
            ) from None
        address, self.port, *_ = self.socket.getsockname()
        self._names = None
        if ipaddress.ip_address(address).is_loopback:
            self._names = {*LOOPBACK_NAMES, host.lower()}
        self._host = f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self._host}:{self.port}/"

    def is_asked_as(self, host: str) -> bool:
        """Whether a browser may ask by this `Host`. A page elsewhere whose
        name is made to lead to this machine (DNS rebinding) has another, and
        must not read the runs."""
        if self._names is None:
            return True
        try:
            return urllib.parse.urlsplit(f"//{host}").hostname in self._names
        except ValueError:
            return False

    def server_close(self) -> None:
        """Ends the streams of events too."""
        self.closing.set()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has gone is no error."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Dashboard
    timeout = SECONDS_TO_ANSWER

    def do_GET(self) -> None:
        if not self.server.is_asked_as(self.headers.get("Host", "")):
            self.send_error(403)
        elif self.path == "/":
            # A path in the text may hold any bytes.
            page = self.server.page.render().encode(errors="replace")
            self._begin("text/html")
            self.wfile.write(page)
        elif self.path == "/events":
            self._begin("text/event-stream")
            self._push()
        else:
            self.send_error(404)

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()

    def _push(self) -> None:
        """Sends the sections, and then those that have changed, until the
        browser has gone."""
        sent: Mapping[str, str] = {}
        while not self.server.closing.is_set():
            sections = self.server.page.sections()
            changed = {
                name: text
                for name, text in sections.items()
                if text != sent.get(name)
            }
            # A comment where nothing has: it tells whether the browser is
            # still there.
            line = f"data: {json.dumps(changed)}" if changed else ":"
            self.wfile.write(f"{line}\n\n".encode())
            sent = sections
            self.server.closing.wait(SECONDS_BETWEEN)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not logged."""
