# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The destination ports that a match of iptables lets pass.

The layout is that of the kernel's include/uapi/linux/netfilter/xt_tcpudp.h and xt_multiport.h.
"""

from __future__ import annotations

import struct
import typing as t

# Of both, the first four are the source ports and the destination ports, the last says which are inverted.
TCP, UDP = struct.Struct("=HHHHBBBB"), struct.Struct("=HHHHB")
NOT_PORT = 2
MULTIPORT = struct.Struct("=BB15H15BB")
OF_DESTINATION = 1


def only(name: str, revision: int, info: bytes) -> t.Collection[int] | None:
    """The only ones; None if there are many, or it asks for something else."""
    try:
        if (name, revision) == ("multiport", 1):
            which, count, *numbers, invert = MULTIPORT.unpack_from(info)
            is_plain = which == OF_DESTINATION and not invert and not any(numbers[15:])
            return frozenset(numbers[:count]) if is_plain else None
        if name in ("tcp", "udp") and not revision:
            layout = TCP if name == "tcp" else UDP
            _first_source, _last_source, first, last, *_tcp_flags, invert = layout.unpack_from(info)
            return (first,) if first == last and not invert & NOT_PORT else None
    except struct.error:
        pass
    return None
