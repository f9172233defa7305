# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The context of the server for which SELinux is asked: that of the named domain, or the container's."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._selinux import selinuxfs
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import type_of

IF_THERE = "-"
"""Before a domain that the policy may lack."""
_INIT = "init_t"


class DomainError(RequirementError):
    """A domain that the policy has not; the text says which are like it."""


def container() -> str | None:
    """The context of the container in which the task runs. All there have one domain, the first process, too."""
    own, first = selinuxfs.context_of("self"), selinuxfs.context_of("1")
    return own if type_of(own) == type_of(first) != _INIT else None


def name_of(domain: str) -> str:
    return domain[1:] if domain.startswith(IF_THERE) else domain


def source(domain: str, of_container: str | None) -> str | None:
    """The context of the server: the container's, if nothing leads out of that. None: the policy lacks the domain."""
    context = selinuxfs.service_context(name_of(domain))
    if context or domain.startswith(IF_THERE):
        return of_container if of_container and not (context and _leads(of_container, context)) else context
    from ansible_collections.preflight.ports.plugins.module_utils._selinux.near import near

    alike = near(domain)
    raise DomainError(
        f"selinux_domain {domain!r} is no domain of services in this host's policy"
        + (f"; near it: {', '.join(alike)}" if alike else "")
    )


def _leads(context: str, target: str) -> bool:
    return selinuxfs.access(context, target, selinuxfs.permission("process", "transition")).is_allowed
