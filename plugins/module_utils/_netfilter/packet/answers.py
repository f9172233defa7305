# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers to the question which packets have something, and what they depend on. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import (
    NOTHING,
    Region,
    meet,
    minus,
)


class Doubt(t.NamedTuple):
    """Why it is not known whether a packet has something."""

    what: str
    is_understood: bool = True
    """Whether it depends on a thing that can be named, and not on a rule that this code does not know."""


class Where(t.NamedTuple):
    """The packets that have something: *sure* of them for certain, none outside of *may*."""

    sure: Region
    may: Region
    doubt: Doubt | None = None
    """Why the two differ."""
    is_outside: bool = False
    """Whether all packets but these are meant."""


Answer = t.Union[bool, Doubt, Where]
"""True or False for all packets."""


def exactly(region: Region) -> Where:
    return Where(region, region)


def inverted(answer: Answer, wanted: t.Any = True) -> Answer:
    """The opposite, where *wanted*."""
    if not wanted or isinstance(answer, Doubt):
        return answer
    return answer._replace(is_outside=not answer.is_outside) if isinstance(answer, Where) else not answer


def narrow(answer: Answer, sure: Region, may: Region) -> tuple[Region, Region]:
    """What is left of two regions, the sure one in the other, if only packets with *answer* stay."""
    if answer is True:
        return sure, may
    if answer is False:
        return NOTHING, NOTHING
    if isinstance(answer, Doubt):
        return NOTHING, may
    if answer.is_outside:
        left = minus(may, answer.sure)
        return (left if sure is may and answer.sure is answer.may else minus(sure, answer.may)), left
    left = meet(may, answer.may)
    return (left if sure is may and answer.sure is answer.may else meet(sure, answer.sure)), left


def doubt_of(answer: Answer) -> Doubt | None:
    return answer if isinstance(answer, Doubt) else answer.doubt if isinstance(answer, Where) else None
