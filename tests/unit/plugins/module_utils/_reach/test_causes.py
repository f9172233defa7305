# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel of a client says, as states; and which states are as expected."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._reach import causes, states
from ansible_collections.preflight.ports.plugins.module_utils._reach.causes import Attempted, Icmp

TARGET, ROUTER = "10.0.0.9", "10.0.0.1"


def judged(error=0, icmp=None, protocol="tcp", seconds=0.01, has_responder=False):
    return causes.judge(Attempted(protocol, TARGET, seconds, has_responder), error, icmp)


@pytest.mark.parametrize(
    ("error", "seconds", "state"),
    [
        (errno.ECONNREFUSED, 0, "answered"),
        (errno.ECONNRESET, 0, "answered"),
        (errno.EHOSTUNREACH, 0.01, "rejected"),
        (errno.EHOSTUNREACH, 3.07, "no_host"),
        (errno.EACCES, 0, "rejected"),
        (errno.EPERM, 0, "rejected"),
        (errno.ENETUNREACH, 0, "no_route"),
        (errno.EAFNOSUPPORT, 0, "no_route"),
        (errno.EADDRNOTAVAIL, 0, "no_route"),
        (errno.ETIMEDOUT, 100, "no_answer"),
        (errno.ENOBUFS, 0, "not_tested"),
    ],
)
def test_errors(error, seconds, state):
    assert judged(error, seconds=seconds)[0] == state


@pytest.mark.parametrize(("error", "state"), [(errno.EHOSTUNREACH, "no_route"), (errno.EINVAL, "no_route")])
def test_what_the_client_s_own_routes_refuse(error, state):
    assert causes.judge(Attempted("tcp", TARGET, 0, False, is_refused=True), error, None)[0] == state


@pytest.mark.parametrize(
    ("code", "state", "said"),
    [
        pytest.param(3, "rejected", "the firewall of this client itself", id="a reject in its chain output"),
        pytest.param(0, "rejected", "the firewall of this client itself", id="by the name of another cause"),
        pytest.param(1, "no_host", f"{ROUTER}, this client itself,", id="nobody answers to ARP"),
    ],
)
def test_what_the_client_s_own_kernel_answers(code, state, said):
    attempted = Attempted("tcp", TARGET, 0, True, ROUTER)
    found, reason = causes.judge(attempted, errno.EHOSTUNREACH, Icmp(3, code, ROUTER, False))
    assert (found, reason.startswith(said)) == (state, True)


def test_a_reset_although_a_responder_is_up():
    assert judged(errno.ECONNREFUSED, has_responder=True)[0] == "refused"


@pytest.mark.parametrize(
    ("kind", "code", "sender", "protocol", "ipv6", "state"),
    [
        (3, 3, TARGET, "tcp", False, "rejected"),  # a host without a listener sends a reset
        (3, 3, TARGET, "udp", False, "answered"),
        (3, 3, ROUTER, "udp", False, "rejected"),
        (3, 13, TARGET, "tcp", False, "rejected"),
        (3, 10, ROUTER, "tcp", False, "rejected"),
        (3, 1, ROUTER, "tcp", False, "no_host"),
        (3, 1, TARGET, "tcp", False, "rejected"),
        (3, 0, ROUTER, "tcp", False, "no_route"),
        (3, 0, TARGET, "tcp", False, "rejected"),
        (1, 0, ROUTER, "tcp", True, "no_route"),
        (1, 1, ROUTER, "tcp", True, "rejected"),
        (1, 3, ROUTER, "tcp", True, "no_host"),
        (1, 4, TARGET, "udp", True, "answered"),
        (1, 6, ROUTER, "udp", True, "rejected"),
        (12, 7, ROUTER, "udp", False, "rejected"),
    ],
)
def test_icmp(kind, code, sender, protocol, ipv6, state):
    found, reason = judged(errno.EHOSTUNREACH, Icmp(kind, code, sender, ipv6), protocol)
    assert found == state
    assert sender in reason


def test_each_state_is_known_and_only_once():
    assert len(set(states.STATES)) == len(states.STATES) == 15


@pytest.mark.parametrize("state", states.STATES)
def test_what_is_met(state):
    assert states.is_met("open", state) == (state in ("open", "served"))
    not_closed = ("open", "served", "stalled", "wrong_peer", "reply_lost", "not_tested")
    assert states.is_met("closed", state) == (state not in not_closed)


@pytest.mark.parametrize(
    ("several", "expect", "found"),
    [
        (["lost", "open"], "open", "open"),
        (["no_route", "refused"], "open", "refused"),
        (["lost", "open"], "closed", "open"),
        (["lost", "not_tested"], "closed", "not_tested"),
        (["lost", "not_tested"], "open", "lost"),
        (["stalled", "not_tested"], "closed", "stalled"),
    ],
)
def test_of_several_addresses_the_closest_counts(several, expect, found):
    assert states.closest(several, expect) == found
