# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains of the loaded policy with a name like one that it has not."""

from __future__ import annotations

import difflib
import re

from ansible_collections.preflight.ports.plugins.module_utils._selinux import selinuxfs

_TYPE = re.compile(rb"[A-Za-z]\w*_t(?!\w)")  # as the names stand in a binary policy, whatever is around them
_MOST_LOOKED_AT, _MOST = 20, 3


def near(domain: str) -> list[str]:
    """The nearest first; none if the policy may not be read."""
    try:
        types = {name.decode() for name in _TYPE.findall(selinuxfs.policy())}
        alike = difflib.get_close_matches(domain, sorted(types), _MOST_LOOKED_AT)
        return [each for each in alike if selinuxfs.service_context(each)][:_MOST]
    except OSError:
        return []
