# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions without Ansible's executor."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible import constants


@pytest.fixture
def act(tmp_path, monkeypatch):
    """Runs an action for a host of the play, where port_check answers what it is given, or raises that."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    everybody = ("a", "b", "c")

    def run(action, host="a", answer=None, hosts=everybody, block="block", strategy="linear", variables=None, **args):
        play = SimpleNamespace(strategy=strategy)
        parent = SimpleNamespace(_uuid=block, _parent=None, _play=play)
        task = SimpleNamespace(args=args, async_val=0, check_mode=False, _parent=parent)
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        made = action.ActionModule(task, connection, None, None, None, None)

        def execute(_name, module_args, task_vars):
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(made, "_execute_module", execute)
        magic = {"ansible_play_hosts_all": list(everybody), "ansible_play_hosts": list(hosts)}
        magic.update({"ansible_play_batch": list(hosts), "inventory_hostname": host, "ansible_play_name": "Deploy"})
        return made.run(task_vars={**magic, **(variables or {})})

    return run


@pytest.fixture
def answers():
    """What port_check answers about port 80."""
    entry = {"port": 80, "protocol": "tcp", "address": None, "name": None}

    def answer(taken=False, ports=(80,)):
        ends = {"met": not taken, "state": "listening" if taken else "free"}
        conflict = {**entry, "count": 1, "state": "listening", "wanted": "free", "reason": "x", "advice": None}
        return {
            "msg": "",
            "ports": [{**entry, **ends} for _port in ports],
            "held": [],
            "doubts": [],
            "ephemeral": [],
            "conflicts": [{**conflict, "holders": []}] * taken,
            "source": "netlink",
            "probed": True,
            "redirects_checked": True,
            "firewall": [],
            "firewall_checked": True,
            "failed": taken,
        }

    return answer
