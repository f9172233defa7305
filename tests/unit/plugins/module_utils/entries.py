# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An assembler for what the kernel says of the iptables that is not built on nf_tables."""

from __future__ import annotations

import struct

from ansible_collections.preflight.ports.plugins.module_utils._nat.iptables import IPV4

DROP, ACCEPT, QUEUE, RETURN = -1, -2, -4, -5
TCP_80 = ("tcp", 0, struct.pack("=HHHHBBBB", 0, 65535, 80, 80, 0, 0, 0, 0))
COMMENT = ("comment", 0, b"web\0".ljust(256, b"\0"))
MARK = ("mark", 1, bytes(12))
TO_80 = ("REDIRECT", 0, struct.pack("=II8x", 1, 2) + b"\0\x50\0\x50")
ACCEPTED = ("", 0, struct.pack("=i", ACCEPT))
ANY = (b"", b"")


def extension(name, revision, info):
    info += bytes(-len(info) % 8)
    return struct.pack("@H29sB", 32 + len(info), name.encode(), revision) + info


def entry(*matches, target=ACCEPTED, source=ANY, address=ANY, comes=ANY, goes=ANY,
          protocol=0, flags=0, invert=0, layout=IPV4):  # fmt: skip
    body = b"".join(extension(*match) for match in matches)
    end = extension(*target)
    size = layout.entry.size
    fields = (
        source[0],
        address[0],
        source[1],
        address[1],
        comes[0],
        goes[0],
        comes[1],
        goes[1],
        protocol,
        flags,
        invert,
    )
    return layout.entry.pack(*fields, 0, size + len(body), size + len(body) + len(end), 0, 0, 0) + body + end


def goes_to(code):
    return ("", 0, struct.pack("=i", code))


def begins(name, layout=IPV4):
    return entry(target=("ERROR", 0, name.encode().ljust(32, b"\0")), layout=layout)
