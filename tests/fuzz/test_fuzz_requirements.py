# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is written as a requirement: it is understood, or a RequirementError says what is wrong."""

from __future__ import annotations

from typing import Any

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from hypothesis import given
from hypothesis import strategies as st

PARTS = [
    *("[", "]", ":", "::", "/", "-", ",", "%", ".", " ", "\n", "\0", "+", "_"),
    *("0", "1", "80", "65535", "65536", "007", "4294967376", "٣", "1" * 4400, "8e1", "0x50"),
    *("tcp", "udp", "TCP", "sctp", "http", "domain", "no-such-service", "*"),
    *("127.0.0.1", "0.0.0.0", "127.1", "localhost", "::1", "::ffff:127.0.0.1", "fe80::1%lo", "2001:db8::1"),
]
PATTERNS = ["nginx*", "unit:", "unit:[", "process:a", "user:root", "exe:/usr/*", "", ":", "a,b"]
KEYS = ["port", "protocol", "address", "interface", "name", "state", "held_by", "nonlocal", "user", "selinux_domain"]

texts = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=6).map("".join)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 70_000),
    st.floats(),
    texts,
    st.sampled_from([*PATTERNS, *KEYS, "free", "listening"]),
    st.binary(max_size=4),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(KEYS) | st.integers() | st.text(max_size=3), inner, max_size=4),
    ),
    max_leaves=6,
)
entries = st.fixed_dictionaries({"port": scalars}, optional=dict.fromkeys(KEYS[1:], values))
patterns = st.lists(scalars, max_size=3) | scalars


@given(st.lists(texts, max_size=3))
def test_texts(entries: list[str]) -> None:
    assert_understood(entries, ())


@given(st.lists(entries | values, max_size=3), patterns)
def test_values(entries: list[Any], held_by: Any) -> None:
    assert_understood(entries, held_by)


def assert_understood(entries: list[Any], held_by: Any) -> None:
    try:
        requirements = parse(entries, held_by=held_by)
    except RequirementError as error:
        assert str(error)
        return
    for requirement in requirements:
        assert 1 <= requirement.first <= requirement.last <= 65535
        assert requirement.protocol in ("tcp", "udp")
        assert requirement.state in ("free", "listening")
        assert requirement.endpoints
    assert len(requirements) == len(set(requirements))
