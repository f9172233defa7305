# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one module of the collection, whose arguments come as JSON on standard input."""

from __future__ import annotations

import importlib
import json
import sys

from ansible.module_utils import basic

arguments = json.load(sys.stdin)
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
basic._ANSIBLE_PROFILE = "legacy"
importlib.import_module(f"ansible_collections.preflight.ports.plugins.modules.{sys.argv[1]}").main()
