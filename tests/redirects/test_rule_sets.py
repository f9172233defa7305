# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule set in a world of its own, and the kernel as the judge of what is said about it."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from redirects import iptables_rule_sets, nft_rule_sets
from redirects.rule_sets import BY_DEVICE, FREE, FROM_HERE, MAY, NFT, said
from redirects.servers import ELSEWHERE, SERVER
from redirects.world import World

RULE_SETS = [*nft_rule_sets.RULE_SETS, *iptables_rule_sets.RULE_SETS]
CASES = [pytest.param(case, tool, id=f"{tool}: {case.name}") for case in RULE_SETS for tool in case.tools]


@pytest.mark.parametrize(("case", "tool"), CASES)
def test_rule_set(case, tool):
    with World() as world:
        if case.tool == NFT:
            world.nft(case.text)
        else:
            world.iptables(tool, case.text)
        for entry, expected in case.verdicts.items():
            (requirement,) = parse([entry])
            found = said(requirement)
            assert found == expected, entry
            if not found.startswith(MAY):
                truth = world.truth(requirement.protocol, requirement.endpoints, requirement.first)
                assert truth <= {SERVER, ELSEWHERE}, f"{entry}: the kernel does not tell, {truth}"
                assert (found != FREE) == (ELSEWHERE in truth), f"{entry}: {found}, but the kernel says {truth}"
                assert SERVER in truth or not found.startswith((FROM_HERE, BY_DEVICE)), f"{entry}: nobody gets there"
