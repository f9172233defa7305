# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import html
import re

from markdown_it import MarkdownIt


def rendered(path):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(path.read_text())


def test_each_host_that_is_not_as_required_has_a_section(written):
    page = rendered(written.markdown)
    assert re.findall("<h2>(.*)</h2>", page) == ["app1", "db2", "web2", "web3", "app2", "lost", "web1"]
    assert page.count("<table>") == 1 + 5
    assert "Not checked, unreachable." in page
    assert "<td>Stop apache2.service.</td>" in page


def test_hostile_names_are_text_in_their_own_cell(written):
    page = rendered(written.markdown)
    assert "<script" not in page
    row = page[page.index("8443/tcp") :].split("</tr>")[0]
    cells = [html.unescape(cell) for cell in re.findall("<td>(.*)</td>", row)]
    hostile = "<script>alert(1)</script>'\"`|]&\\x1b[31m\\n\\u202e{{ 7 * 7 }}</script>"
    assert cells == [hostile, "taken", hostile, hostile]
