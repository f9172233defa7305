# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules call their results."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.preflight.ports.plugins.modules import port_check, port_connect, port_info, port_responder

# To Ansible these keys of a result have a meaning of their own: UnifiedTaskResult in ansible/_internal/_task.py.
OF_ANSIBLE = {
    *("ansible_facts", "ansible_job_id", "ansible_stats", "attempts", "changed", "deprecations", "diff", "exception"),
    *("failed", "finished", "module_stderr", "module_stdout", "notify", "rc", "results", "retries", "skip_reason"),
    *("skipped", "skipped_reason", "started", "stderr", "stdout", "unreachable", "warnings"),
}


@pytest.mark.parametrize("module", [port_check, port_connect, port_info, port_responder])
def test_no_result_is_taken_for_one_of_ansible_s_own(module):
    assert not OF_ANSIBLE & set(yaml.safe_load(module.RETURN))
