# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Question: what the host is asked about a port. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint


class Question(t.NamedTuple):
    """Could a server bind this?"""

    protocol: str
    endpoint: Endpoint
    port: int
