# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes how long each task took and how large its result is, one JSON line each."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stopwatch
type: stdout
short_description: Time of each task
description: Writes name, seconds and bytes of each task's result as JSON.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "stopwatch"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self.started = time.perf_counter()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.v2_runner_on_ok(result)

    def v2_runner_on_ok(self, result: Any) -> None:
        seconds = time.perf_counter() - self.started
        size = len(json.dumps(result._result, default=str))
        print(json.dumps([result._task.get_name(), seconds, size]), flush=True)
