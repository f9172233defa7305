# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcome: what a module ends with."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class Outcome(t.NamedTuple):
    """The documented result, and whether the task fails."""

    result: dict[str, t.Any]
    failed: bool
    warnings: t.Sequence[str] = ()

    def end(self, module: AnsibleModule) -> t.NoReturn:
        for warning in self.warnings:
            module.warn(warning)
        if self.failed:
            module.fail_json(**self.result)
        module.exit_json(**self.result)
