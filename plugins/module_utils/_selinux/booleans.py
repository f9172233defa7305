# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Booleans that would let a domain bind a type of ports: the conditional rules of a policy, as libsepol writes CIL.

Pure.
"""

from __future__ import annotations

import operator
import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.denial import NAME_BIND

Asked = t.Tuple[str, str, str]
"""(domain, class, the port's type)"""
Switches = t.List[t.Tuple[str, bool, int]]
"""(boolean, the value that it needs, how many types of ports that opens), those that open the fewest first."""

# No ^ before the brackets: to search for a text takes a quarter of the time.
_ATTRIBUTE = re.compile(r"\(typeattributeset (\S+) \(([^()]*)\)\)$", re.M)
_BOOLEAN = re.compile(r"\(boolean (\S+) (true|false)\)$", re.M)
_CONDITION = re.compile(r"\(booleanif (.+)\n((?: .*\n)*)\)$", re.M)
_LINE = re.compile(r"^ +(?:\((true|false)$|\(allow (\S+) (\S+) \((\S+) \(([^()]*)\)\)\)$)", re.M)
_WORD = re.compile(r"[()]|[^()\s]+")
_OPERATORS = {"and": operator.and_, "or": operator.or_, "xor": operator.ne, "neq": operator.ne, "eq": operator.eq}


def switches(cil: str, asked: t.Iterable[Asked]) -> list[Switches]:
    """For each of those *asked* the booleans that allow it NAME_BIND if one of them is changed alone."""
    states = {name: value == "true" for name, value in _BOOLEAN.findall(cil)}
    types = {name: frozenset(members.split()) for name, members in _ATTRIBUTE.findall(cil)}
    conditions = [(each[1], each[2]) for each in _CONDITION.finditer(cil) if NAME_BIND in each[2]]
    return [_of(each, conditions, states, types) for each in asked]


def _of(
    asked: Asked,
    conditions: t.Iterable[tuple[str, str]],
    states: t.Mapping[str, bool],
    types: t.Mapping[str, frozenset[str]],
) -> Switches:
    domain, object_class, target = asked
    opened: dict[tuple[str, bool], set[str]] = {}
    for condition, body in conditions:
        for branch, rule_target in _rules(body, domain, object_class, types):
            for name in _flips(condition, branch, states):
                opened.setdefault((name, not states[name]), set()).update(types.get(rule_target, {rule_target}))
    found = [(name, value, len(ports)) for (name, value), ports in opened.items() if target in ports]
    return sorted(found, key=lambda each: (each[2], each[0]))


def _rules(
    body: str, domain: str, object_class: str, types: t.Mapping[str, frozenset[str]]
) -> t.Iterator[tuple[bool, str]]:
    """(whether it holds where the condition does, the target) of each rule that lets the domain bind something."""
    is_true = True
    for branch, source, target, of_class, permissions in _LINE.findall(body):
        if branch:
            is_true = branch == "true"
        elif of_class == object_class and NAME_BIND in permissions.split() and domain in types.get(source, {source}):
            yield is_true, target


def _flips(condition: str, wanted: bool, states: t.Mapping[str, bool]) -> list[str]:
    """The booleans of which a change alone makes the condition what is wanted."""
    words = _WORD.findall(condition)
    if _value(iter(words), states) == wanted:
        return []
    names = [word for word in dict.fromkeys(words) if word in states]
    return [each for each in names if _value(iter(words), {**states, each: not states[each]}) == wanted]


def _value(words: t.Iterator[str], states: t.Mapping[str, bool]) -> bool:
    word = next(words)
    if word != "(":
        return states[word]
    name, first = next(words), _value(words, states)
    value = not first if name == "not" else _OPERATORS[name](first, _value(words, states))
    next(words)
    return value
