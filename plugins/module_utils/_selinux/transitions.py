# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The domains that processes of a domain enter by what they execute: in a policy's rules, as libsepol writes CIL.

Pure.
"""

from __future__ import annotations

import re

_ATTRIBUTE = re.compile(r"\(typeattributeset (\S+) \(([^()]*)\)\)$", re.M)
_TRANSITION = re.compile(r"\(typetransition (\S+) \S+ process (\S+)\)$", re.M)


def entered(cil: str, domain: str) -> list[str]:
    names = {domain, *(name for name, members in _ATTRIBUTE.findall(cil) if domain in members.split())}
    return sorted({target for source, target in _TRANSITION.findall(cil) if source in names and target != domain})
