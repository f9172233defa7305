# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._selinux import gate


@pytest.mark.parametrize(
    ("filesystems", "current", "expected"),
    [
        pytest.param("nodev\tselinuxfs\n\text4\n", "system_u:system_r:init_t:s0\0", True, id="a policy is loaded"),
        pytest.param("nodev\tselinuxfs\n", "kernel", False, id="none is loaded"),
        pytest.param("nodev\tsysfs\n", "profile//:ns:other (enforce)", False, id="AppArmor"),
        pytest.param("nodev\tsysfs\n", None, False, id="no such module"),
    ],
)
def test_is_on(tmp_path, filesystems, current, expected):
    (tmp_path / "filesystems").write_text(filesystems)
    if current is not None:
        (tmp_path / "self/attr").mkdir(parents=True)
        (tmp_path / "self/attr/current").write_text(current)
    assert gate.is_on(str(tmp_path)) is expected


def test_it_is_off_without_proc(tmp_path):
    assert gate.is_on(str(tmp_path / "none")) is False
