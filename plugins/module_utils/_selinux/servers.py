# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the domain of a unit's program is that of its server."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.denial import NAME_BIND, Denial
from ansible_collections.preflight.ports.plugins.module_utils._selinux import selinuxfs
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import Labels

Entered = t.Mapping[str, t.Sequence[str]]
"""A domain -> those that its processes may enter."""


def is_servers(denial: Denial, protocol: str, entered: Entered, labels: Labels) -> bool:
    """Whether the domain of a unit's program is that of the server, not of something that starts it in another one.

    The latter binds no port that the policy knows, or enters a domain that may bind this one. Domains that may bind
    any port, those of administrators' scripts, do not count.
    """
    if denial.permission != NAME_BIND or denial.domain not in entered:
        return False
    asked = {each: selinuxfs.permission(f"{each}_socket", NAME_BIND) for each in ("tcp", "udp")}

    def may_bind(domain: str, of_protocol: str, port: str) -> bool:
        context = selinuxfs.service_context(domain)
        return bool(context) and selinuxfs.access(context or "", port, asked[of_protocol]).is_allowed

    port = labels.of_ports(protocol)[denial.first]
    return any(may_bind(denial.domain, each, port) for each in asked for port in labels.of_services(each)) and not any(
        may_bind(each, protocol, port) and not may_bind(each, protocol, labels.other_port)
        for each in entered[denial.domain]
    )
