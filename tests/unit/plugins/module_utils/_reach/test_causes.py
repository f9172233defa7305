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


@pytest.mark.parametrize(
    ("ipv6", "kind", "code", "meaning"),
    [
        *((False, 3, code, "net unreachable") for code in (0, 6)),
        *((False, 3, code, "host unreachable") for code in (1, 7)),
        (False, 3, 3, "port unreachable"),
        *((False, 3, code, "prohibited") for code in (9, 10, 13)),
        (False, 11, 0, "time exceeded"),
        (False, 3, 4, "type 3, code 4"),
        (True, 1, 0, "net unreachable"),
        *((True, 1, code, "prohibited") for code in (1, 5, 6)),
        (True, 1, 3, "host unreachable"),
        (True, 1, 4, "port unreachable"),
        (True, 3, 0, "time exceeded"),
        (True, 1, 2, "type 1, code 2"),
    ],
)
def test_what_icmp_means(ipv6, kind, code, meaning):
    _state, reason = judged(errno.EHOSTUNREACH, Icmp(kind, code, ROUTER, ipv6))
    assert reason.startswith(f"{ROUTER} answered with ICMP {meaning!r}")


@pytest.mark.parametrize(
    ("code", "sender", "source", "protocol", "has_responder", "expected"),
    [
        (3, TARGET, None, "udp", False, ("answered", "nobody listens there, unless a firewall answers in its place")),
        (3, TARGET, None, "udp", True, ("refused", "although the responder is up: something on the way rejects it")),
        (3, TARGET, TARGET, "udp", False, ("answered", f"{TARGET}, the target itself, answered")),
        (3, ROUTER, None, "tcp", False, ("rejected", "a host on which nobody listens resets the connection")),
        (13, TARGET, None, "tcp", False, ("rejected", f"{TARGET}, the target itself, answered")),
        (1, ROUTER, None, "tcp", False, ("no_host", "no host with this address answers on its link")),
        (0, ROUTER, None, "tcp", False, ("no_route", "it has no route to the target")),
        (13, ROUTER, None, "tcp", False, ("rejected", "as a firewall does")),
    ],
)
def test_who_answers_with_icmp(code, sender, source, protocol, has_responder, expected):
    attempted = Attempted(protocol, TARGET, 0, has_responder, source)
    state, reason = causes.judge(attempted, errno.EHOSTUNREACH, Icmp(3, code, sender, False))
    assert (state, expected[1] in reason) == (expected[0], True)


@pytest.mark.parametrize(
    ("error", "seconds", "expected"),
    [
        (errno.EHOSTUNREACH, 0.99, "an ICMP message said at once that the host is not to be reached"),
        (errno.EHOSTUNREACH, 1.0, "no host answers at this address on the link"),
        (errno.EACCES, 0, "an ICMP message, a route or a policy of this client prohibits it"),
        (errno.EPERM, 0, "the firewall of this client drops what it sends"),
        (errno.ENETDOWN, 0, "this client has no route to the address"),
        (errno.ENOBUFS, 0, "this client could not try"),
        (errno.ETIMEDOUT, 9, "no answer"),
    ],
)
def test_reasons_of_errors(error, seconds, expected):
    assert judged(error, seconds=seconds)[1].startswith(expected)


def test_only_what_the_kernel_refused_itself_is_its_routes():
    for error in (errno.EHOSTUNREACH, errno.EINVAL):
        refused = Attempted("tcp", TARGET, 0, False, is_refused=True)
        assert "route" in causes.judge(refused, error, None)[1]
        assert causes.judge(refused._replace(is_refused=False), error, None)[0] != "no_route"
    assert judged(errno.ECONNREFUSED)[1].startswith("the connection was reset: nobody listens")
    assert judged(errno.ECONNREFUSED, protocol="udp")[1].startswith("Connection refused: nobody listens")
