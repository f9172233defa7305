# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Redirect record: a NAT rule, as those know it who only tell of it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._holders import Container


class Redirect(t.NamedTuple):
    """What a rule does to a port, or may do. All text is printable."""

    target: str
    """``10.88.0.5:80``, or ``port 8080 of this host``."""
    tool: str
    """``nft``, ``iptables`` (built on nf_tables), or ``iptables-legacy``."""
    chains: tuple[str, ...]
    """The way to the rule: the base chain with its table, as in ``ip nat PREROUTING``, and those that it jumps to."""
    label: str | None = None
    """Whom the rules say they are for: a Kubernetes service and its port, or the words of a comment."""
    container: Container | None = None
    depends_on: tuple[str, ...] = ()
    """``the source address``, ``the match 'recent'``, ...; nothing for a rule that holds for whatever comes."""
