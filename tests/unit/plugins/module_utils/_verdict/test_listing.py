# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import holder_of
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.listing import listing
from support.records import APACHE, CURL, census_of, row

KNOWN = census_of(APACHE, CURL)
APACHES, CURLS = "apache2 (pid 812, apache2.service, user root)", "curl (pid 4711, user app)"


def by(process, state=LISTENING, address="0.0.0.0", port=80, **rest):
    held = row(state, address, port, inode=process.pid, **rest)
    return held, holder_of(held, KNOWN)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param([], "No socket matches.", id="none"),
        pytest.param([by(APACHE)], f"80/tcp on 0.0.0.0: {APACHES}", id="one"),
        pytest.param(
            [by(APACHE), by(APACHE, address="::"), by(APACHE, BOUND, protocol="udp")],
            f"80/tcp+udp on 0.0.0.0 and ::: {APACHES}",
            id="one holder's together",
        ),
        pytest.param(
            [by(CURL, port=81), by(APACHE), by(CURL)],
            f"80/tcp on 0.0.0.0: {APACHES}\n80/tcp on 0.0.0.0: {CURLS}\n81/tcp on 0.0.0.0: {CURLS}",
            id="by port",
        ),
        pytest.param(
            [by(CURL, CONNECTED, "10.0.0.5"), by(CURL, BOUND)],
            f"80/tcp on 10.0.0.5: {CURLS}, connected\n80/tcp on 0.0.0.0: {CURLS}, bound",
            id="what serves nobody",
        ),
        pytest.param([by(APACHE, interface="eth0")], f"80/tcp on 0.0.0.0 on eth0: {APACHES}", id="on a device"),
    ],
)
def test_listing(found, expected):
    assert listing(found) == expected


def test_listing_ends():
    lines = listing(by(APACHE, port=port) for port in range(1, 301)).split("\n")
    assert (len(lines), lines[-1]) == (201, "and 100 more, listed in 'sockets'")
