# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder, Process
from ansible_collections.preflight.ports.plugins.module_utils._verdict.names import name_of


@pytest.mark.parametrize(
    ("name", "program", "expected"),
    [
        pytest.param("nginx", None, "nginx", id="no interpreter"),
        pytest.param("java", "kafka.Kafka", "java running kafka.Kafka", id="an interpreter"),
        pytest.param("gunicorn", "gunicorn shop:app", "gunicorn shop:app", id="a server with its application"),
        pytest.param("gunicorn", "/opt/bin/gunicorn shop:app", "gunicorn shop:app", id="by its path"),
        pytest.param("flask", "./flask", "flask", id="a script that gives its name"),
        pytest.param(None, "app.py", "a nameless process running app.py", id="without a name"),
    ],
)
def test_name_of(name, program, expected):
    holder = Holder(("0.0.0.0",), "tcp", "listening", Process(1, name, program=program))
    assert name_of(holder) == expected
