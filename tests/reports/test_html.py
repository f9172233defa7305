# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a real browser."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect
from reports import fleet

NONE = "\u2013"  # an en dash
SHOWN = "\\x1b[31m\\n\\u202e{{ 7 * 7 }}"


def shown_hosts(page):
    return page.locator("#ports tbody tr:visible th").all_inner_texts()


def cells(page, host):
    row = page.locator(f"#ports tbody tr[data-host='{host}'] td")
    return [" ".join(text.split()) for text in row.all_inner_texts()]


def test_the_table_shows_every_host_and_port(browse, written):
    page = browse(written.html)
    assert shown_hosts(page) == ["app1", "db2", "web2", "web3", "app2", "lost", "db1", "web1"]
    labels = [text.split("\n")[0] for text in page.locator("#ports thead th").all_inner_texts()]
    assert labels == ["Host", "80/tcp", "443/tcp", "5432/tcp", "8008-8010/tcp", "8443/tcp", "40000/tcp"]
    assert cells(page, "web1") == ["free", "free", NONE, NONE, NONE, NONE]
    assert cells(page, "web2") == ["free", "taken apache2", NONE, NONE, NONE, NONE]
    assert cells(page, "db1")[2] == "held postgres"
    assert cells(page, "db2")[3] == "taken curl"
    assert cells(page, "app1") == ["free", NONE, NONE, NONE, NONE, "ephemeral"]
    assert cells(page, "app2") == ["not checked, ports: 65536 is no port"]
    assert cells(page, "lost") == ["not checked, unreachable"]


def test_the_figures_and_the_advice(browse, written):
    page = browse(written.html)
    assert page.locator(".verdict").inner_text() == "Not as required on 6 of 8 hosts"
    assert page.locator(".figures dd").all_inner_texts() == ["6 of 8", "7 of 11", "4", "2", "1", "1"]
    conflict = page.locator("section[data-host=web2]").inner_text()
    assert "held by apache2 (pid 812, user root)" in conflict
    assert "Stop apache2.service." in conflict


def test_hostile_names_are_text(browse, written):
    page = browse(written.html)
    text = page.locator("section[data-host=web3]").inner_text()
    assert text.count("<script>alert(1)</script>'\"`|]&" + SHOWN + "</script>") == 3
    assert "<script>alert(1)" in cells(page, "web3")[4]
    assert page.locator("script").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "hosts"),
    [
        ("host", "WEB", ["web2", "web3", "web1"]),
        ("text", "apache2", ["web2"]),
        ("text", "443/tcp free", ["web2", "web1"]),
        ("text", "no such thing", []),
    ],
)
def test_search(browse, written, field, value, hosts):
    page = browse(written.html)
    page.fill(f"#{field}", value)
    assert shown_hosts(page) == hosts
    assert page.locator("#count").inner_text() == f"{len(hosts)} of 8 hosts"
    assert page.locator("#nothing").is_visible() == (not hosts)
    shown = {section.get_attribute("data-host") for section in page.locator("section:visible").all()}
    assert shown == set(hosts) - {"db1"}
    page.click("button[type=reset]")
    expect(page.locator("#count")).to_have_text("8 of 8 hosts")


@pytest.mark.parametrize(
    ("state", "hosts"),
    [
        ("unmet", ["app1", "db2", "web2", "web3", "app2", "lost"]),
        ("met", ["db1", "web1"]),
        ("unchecked", ["app2", "lost"]),
        ("ephemeral", ["app1"]),
        ("connected", ["db2"]),
    ],
)
def test_filter_by_state(browse, written, state, hosts):
    page = browse(written.html)
    page.select_option("#state", state)
    assert shown_hosts(page) == hosts


def test_only_ports_in_conflict(browse, written):
    page = browse(written.html)
    fine, bad = page.locator("#ports th", has_text="5432/tcp"), page.locator("#ports th", has_text="443/tcp").first
    assert fine.bounding_box()["width"] > 50
    page.check("#narrow")
    assert fine.bounding_box()["width"] == 0
    assert bad.bounding_box()["width"] > 50


def test_keyboard(browse, written):
    page = browse(written.html)
    reached = []
    focused = "(e => e.id || e.getAttribute('href') || e.type || e.className)(document.activeElement)"
    for _unused in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(focused))
    assert reached == ["#conflicts", "#matrix", "host", "text", "state", "narrow", "reset", "scroll", "#host-1"]
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#host-1"
    page.locator("a.skip").first.focus()
    assert page.locator("a.skip").first.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "conflicts"


def test_without_scripts_it_is_a_table(chromium, written):
    page = chromium.new_page(java_script_enabled=False)
    page.goto(written.html.as_uri())
    assert len(shown_hosts(page)) == 8
    assert not page.locator("#filter").is_visible()
    page.context.close()


def test_dark_and_on_paper(browse, written):
    page = browse(written.html)
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light
    page.emulate_media(media="print")
    assert page.evaluate(colour) == light
    assert not page.locator("#filter").is_visible()


def test_on_a_phone_nothing_but_the_table_scrolls_sideways(browse, written):
    page = browse(written.html, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("unmet", [True, False])
def test_contrast(browse, written, unmet):
    """WCAG 2 AA: 4.5 to 1, light and dark."""
    page = browse(written.html, color_scheme="dark" if unmet else "light")
    ratios = page.evaluate(
        """() => {
          const parse = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
          const light = (colour) => parse(colour).map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
            .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
          const behind = (element) => {
            const colour = getComputedStyle(element).backgroundColor;
            return colour === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : colour;
          };
          return Array.from(document.querySelectorAll("td, th, p, span, dd, label, h3"), (element) => {
            const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
            return (pair[0] + 0.05) / (pair[1] + 0.05);
          });
        }"""
    )
    assert min(ratios) >= 4.5


def test_it_grows_with_its_hosts_and_no_faster(browse, tmp_path):
    """Ten times the hosts may take thirty times as long: it is the machine's load that the rest is for."""

    def seconds(hosts):
        path = tmp_path / f"{hosts}.html"
        fleet.report(fleet.grid(hosts, 50), path)
        started = time.monotonic()
        page = browse(path)
        loaded = time.monotonic()
        for text in ("apache2", "host0", ""):
            page.fill("#text", text)
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        return loaded - started, time.monotonic() - loaded

    small, large = seconds(50), seconds(500)
    assert large[0] < 30 * small[0] + 1
    assert large[1] < 30 * small[1] + 1
