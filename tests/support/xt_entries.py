# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An assembler for what the kernel says of the iptables that is not built on nf_tables."""

from __future__ import annotations

import struct

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.entries import IPV4, IPV6, Table

DROP, ACCEPT, QUEUE, RETURN = -1, -2, -4, -5
_ENTRY = {
    IPV4: struct.Struct("@4s4s4s4s16s16s16s16sHBBIHHIQQ"),
    IPV6: struct.Struct("@16s16s16s16s16s16s16s16sHxBBIHHIQQ"),
}


def tcp(first, last=None, sources=(0, 65535), invert=0):
    return ("tcp", 0, struct.pack("=HHHHBBBB", *sources, first, last or first, 0, 0, 0, invert))


def multiport(*ports, which=1, ranges=(), invert=0):
    numbers = [*ports, *[0] * (15 - len(ports))]
    begin_ranges = [int(place in ranges) for place in range(15)]
    return ("multiport", 1, struct.pack("=BB15H15BB", which, len(ports), *numbers, *begin_ranges, invert))


TCP_80 = tcp(80)
COMMENT = ("comment", 0, b"web\0".ljust(256, b"\0"))
MARK = ("mark", 1, bytes(12))
LENGTH = ("length", 0, bytes(8))
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
    size = layout.entry_bytes
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
    return _ENTRY[layout].pack(*fields, 0, size + len(body), size + len(body) + len(end), 0, 0, 0) + body + end


def goes_to(code):
    return ("", 0, struct.pack("=i", code))


def begins(name, layout=IPV4):
    return entry(target=("ERROR", 0, name.encode().ljust(32, b"\0")), layout=layout)


def table(*made, layout=IPV4, output=()):
    """One whose chain PREROUTING begins with what is *made*, and OUTPUT with *output*."""
    prerouting, rest = b"".join(made), b"".join(output or [entry(layout=layout)])
    hooks = {0: 0, 3: len(prerouting)}
    return Table(layout, "nat", hooks, (), prerouting + rest + begins("ERROR", layout))
