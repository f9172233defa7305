# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers would bind to devices of a VRF: there they meet only those whose device is in it, too."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import links
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP


def placed(requirements: t.Sequence[Requirement]) -> list[Requirement]:
    """The *requirements*, their devices with the VRF that keeps TCP ports apart. Raises SourceError."""
    of_devices = links.apart()
    return [
        requirement._replace(
            endpoints=tuple(
                endpoint._replace(vrf=of_devices.get(endpoint.interface or "")) for endpoint in requirement.endpoints
            )
        )
        if requirement.protocol == TCP
        else requirement
        for requirement in requirements
    ]
