# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._request.held_by import PatternError, parse_pattern

NAMES = {
    "process": ["nginx"],
    "unit": ["nginx@blue.service", "nginx@blue"],
    "container": ["web-1"],
    "user": ["www-data"],
    "exe": ["/usr/sbin/nginx"],
}
WITHOUT_PREFIX = ("process", "unit", "container")


@pytest.mark.parametrize(
    ("text", "fields", "glob"),
    [
        pytest.param("nginx*", WITHOUT_PREFIX, "nginx*", id="no prefix"),
        pytest.param("process:nginx", ("process",), "nginx", id="process"),
        pytest.param("unit:postgresql@*", ("unit",), "postgresql@*", id="unit"),
        pytest.param("container:web", ("container",), "web", id="container"),
        pytest.param("user:www-data", ("user",), "www-data", id="user"),
        pytest.param("exe:/opt/*/java", ("exe",), "/opt/*/java", id="exe"),
        pytest.param("user:a:b", ("user",), "a:b", id="only the first colon counts"),
        pytest.param("program:kafka.Kafka", ("program",), "kafka.Kafka", id="program"),
        pytest.param("nat:10.88.0.5:80", ("nat",), "10.88.0.5:80", id="a NAT rule"),
        pytest.param("process:nginx: master", ("process",), "nginx: master", id="a name with a colon"),
        pytest.param("./x:y", WITHOUT_PREFIX, "./x:y", id="a colon that ends no prefix"),
    ],
)
def test_parse_pattern(text, fields, glob):
    assert parse_pattern(text) == (text, fields, glob)
    assert parse_pattern(f" {text}\n") == (text, fields, glob)


EMPTY = "is an empty pattern; write one such as 'nginx*' or 'unit:nginx.service'"
NO_TEXT = "is not a pattern; write a string such as 'nginx*' or 'unit:nginx.service'"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        pytest.param("", f"'' {EMPTY}", id="empty"),
        pytest.param(" ", f"'' {EMPTY}", id="blank"),
        pytest.param("unit:", f"'unit:' {EMPTY}", id="a prefix alone"),
        pytest.param(None, f"None {NO_TEXT}", id="null"),
        pytest.param(80, f"80 {NO_TEXT}", id="a number"),
        pytest.param(["a"], f"['a'] {NO_TEXT}", id="a list"),
        pytest.param("/usr/sbin/nginx", "'/usr/sbin/nginx' is a path; did you mean exe:/usr/sbin/nginx?", id="a path"),
        pytest.param(
            str({"name": "nginx"}),
            "\"{'name': 'nginx'}\" is a dictionary; write a string such as 'nginx*' or 'unit:nginx.service'",
            id="a dictionary that became text",
        ),
        pytest.param("Process:x", "unknown prefix 'Process' in 'Process:x'; did you mean process:x?", id="upper case"),
        pytest.param("untt:x", "unknown prefix 'untt' in 'untt:x'; did you mean unit:x?", id="a misspelt prefix"),
        pytest.param(
            "image:x",
            "unknown prefix 'image' in 'image:x'; the prefixes are process:, unit:, container:, program:, user:, exe:,"
            " nat:",
            id="no such prefix",
        ),
    ],
)
def test_parse_pattern_refuses(value, complaint):
    with pytest.raises(PatternError) as refusal:
        parse_pattern(value)
    assert str(refusal.value) == complaint


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("nginx", True, id="the process"),
        pytest.param("ngin?", True, id="a glob"),
        pytest.param("[mn]ginx", True, id="a character class"),
        pytest.param("NGINX", False, id="case matters"),
        pytest.param("ngin", False, id="all of the name"),
        pytest.param("ng\u0456nx", False, id="a name that looks like it"),
        pytest.param("nginx\u3164", False, id="an invisible letter"),
        pytest.param("nginx@blue.service", True, id="the unit"),
        pytest.param("nginx@blue", True, id="the unit without suffix"),
        pytest.param("web-*", True, id="the container"),
        pytest.param("www-data", False, id="a user only with prefix"),
        pytest.param("user:www-*", True, id="user"),
        pytest.param("exe:*/nginx", True, id="exe: the star crosses slashes"),
        pytest.param("process:web-1", False, id="a prefix narrows to its field"),
        pytest.param("unit:nginx", False, id="unit: is not the process"),
        pytest.param("container:web-1", True, id="container"),
    ],
)
def test_matches(pattern, expected):
    assert parse_pattern(pattern).matches(NAMES) is expected


def test_an_unidentified_holder_never_matches():
    assert not parse_pattern("*").matches({})
    assert not parse_pattern("*").matches({"process": [], "unit": []})
