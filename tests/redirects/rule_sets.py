# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule set is, and what is to be said of some ports under it.

A port is FREE, or goes to the target that is named, or is in doubt: it MAY go there, or does FROM_HERE or BY_DEVICE,
for some clients. Whatever does not depend on more than who asks, the kernel is asked to confirm.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ansible_collections.preflight.ports.plugins.module_utils._model.question import questions_of
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate

FREE = "free"
MAY = "may go to "
FROM_HERE, BY_DEVICE = "from this host itself, goes to ", "by another device, goes to "
FOR_SOME = {"whether it comes from this host itself": FROM_HERE, "the device that it comes in by": BY_DEVICE}

NFT, IPTABLES, IP6TABLES = "nft", "iptables", "ip6tables"

TO_CONTAINER = "172.17.0.2:8080"
TO_CONTAINER6 = "[fd00:17::2]:8080"
TO_8080 = "port 8080 of this host"


class RuleSet(NamedTuple):
    name: str
    tool: str
    text: str
    verdicts: dict[str, str]

    @property
    def tools(self):
        """The programs that can load it."""
        return (self.tool,) if self.tool == NFT else (f"{self.tool}-nft", f"{self.tool}-legacy")


def shape(file, tool, verdicts):
    """Rules as a well-known program writes them."""
    path = Path(__file__).parent / "shapes" / file
    return RuleSet(path.stem, tool, path.read_text(encoding="utf-8"), verdicts)


def said(requirement):
    """What is found for a requirement, in these words."""
    found = gate.find(questions_of(requirement, requirement.first))
    assert found is not None
    redirects = list(found.values())
    sure = [redirect for redirect in redirects if not redirect.depends_on]
    if sure or not redirects:
        return sure[0].target if sure else FREE
    doubt, *more = redirects[0].depends_on
    return (MAY if more else FOR_SOME.get(doubt, MAY)) + redirects[0].target
