# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._selinux.transitions import entered

CIL = """\
(typeattributeset daemon (crond_t mysqld_safe_t))
(typetransition crond_t mysqld_log_t file log_t)
(typetransition daemon backup_exec_t process backup_t)
(typetransition mysqld_safe_t mysqld_exec_t process mysqld_t)
(typetransition mysqld_safe_t mysqld_safe_exec_t process mysqld_safe_t)
(booleanif extra
    (true
        (typetransition mysqld_safe_t mount_exec_t process mount_t)
    )
)
"""


def test_entered():
    assert entered(CIL, "mysqld_safe_t") == ["backup_t", "mount_t", "mysqld_t"]
    assert entered(CIL, "crond_t") == ["backup_t"]
    assert entered(CIL, "mysqld_t") == []
