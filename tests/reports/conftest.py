# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet with all that can be found, the role's reports of it, and a real browser."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import pytest
from playwright.sync_api import sync_playwright
from reports import fleet

HOSTILE = "<script>alert(1)</script>'\"`|]&\x1b[31m\n\u202e{{ 7 * 7 }}</script>"


def found():
    free, taken = fleet.entry(80, "nginx: HTTP"), fleet.entry(443, "nginx: HTTPS", "listening", met=False)
    hostile = fleet.entry(8443, HOSTILE, "listening", met=False)
    held = fleet.entry(5432, "PostgreSQL", "listening")
    ports = {**fleet.entry("8008-8010", "Patroni", "connected", met=False), "free": 2, "first_free": 8008}
    threatened = fleet.entry(40000, "game")
    apache = fleet.holder("apache2", unit="apache2.service")
    threatened.update(met=False, state="ephemeral")
    game = fleet.conflict(
        threatened,
        reason="it may go to any outgoing connection (net.ipv4.ip_local_port_range is 32768-60999)",
        advice="To prevent that, set net.ipv4.ip_local_reserved_ports = 40000",
    )
    return {
        "app1": fleet.look([fleet.entry(80, "nginx: HTTP"), threatened], [game], ephemeral=[40000]),
        "app2": {"problem": "ports: 65536 is no port"},
        "db1": fleet.look([held], held=[fleet.conflict(held, fleet.holder("postgres", 700))]),
        "db2": fleet.look([ports], [fleet.conflict(ports, fleet.holder("curl", 4711), port=8009)]),
        "lost": fleet.UNREACHABLE,
        "web1": fleet.look([free, fleet.entry(443, "nginx: HTTPS")], doubts=[fleet.doubt(free)]),
        "web2": fleet.look([free, taken], [fleet.conflict(taken, apache, advice="Stop apache2.service.")]),
        "web3": fleet.look(
            [hostile],
            [
                fleet.conflict(
                    hostile, fleet.holder(HOSTILE, unit=HOSTILE, user=HOSTILE), reason=HOSTILE, advice=HOSTILE
                )
            ],
        ),
    }


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """The reports of the fleet: the ``verdict``, and one path for each kind."""
    folder = tmp_path_factory.mktemp("written")
    html, json, xml, markdown = (folder / f"made/for/this/report.{kind}" for kind in ("html", "json", "xml", "md"))
    said = fleet.report(found(), html, json, xml, markdown)
    return SimpleNamespace(verdict=said, html=html, json=json, xml=xml, markdown=markdown)


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Chromium is missing (Debian: apt install chromium)")
    # Root, as in a container, may not have its sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium):
    """Opens a file; at the end there has been no complaint on the console, no dialog, and no request but the file's."""
    complaints = []

    def open_(path, **options):
        page = chromium.new_page(**options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: request.url == path.as_uri() or complaints.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in chromium.contexts:
        context.close()
    assert complaints == []
