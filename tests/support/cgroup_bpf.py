# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""eBPF programs on a control group that refuse to bind some ports: bpf(2), in a cgroup2 mount of the scene's own."""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
from pathlib import Path
from typing import NamedTuple

from support.namespaces import mount
from support.sandbox import libc

GROUP = Path("/mnt")  # of the scene's own mounts
SYS_BPF = {"i686": 357, "x86_64": 321, "aarch64": 280, "riscv64": 280}
PROG_LOAD, PROG_ATTACH = 5, 8
SOCK_ADDR, SOCK = 18, 9  # enum bpf_prog_type: CGROUP_SOCK_ADDR, CGROUP_SOCK
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class Hook(NamedTuple):
    """Where a program is attached, and where its context has the port and the type of the socket."""

    attach: int  # enum bpf_attach_type
    program: int
    port: int  # struct bpf_sock_addr, or bpf_sock
    kind: int
    is_swapped: bool  # whether the port is in network byte order


HOOKS = {
    "bind4": Hook(8, SOCK_ADDR, 24, 32, True),
    "bind6": Hook(9, SOCK_ADDR, 24, 32, True),
    "post_bind4": Hook(12, SOCK, 44, 8, False),
    "post_bind6": Hook(13, SOCK, 44, 8, False),
}

R0, R1, R2 = 0, 1, 2
LOAD, SET, SWAP, EXIT = 0x61, 0xB7, 0xDC, 0x95
UNLESS_EQUAL, IF_LESS, IF_GREATER = 0x55, 0xA5, 0x25


def refuse(hook_name: str, protocol: str, first: int, last: int) -> None:
    """From now on, this process and its children get EPERM for these ports."""
    hook = HOOKS[hook_name]
    swap = [_step(SWAP, R2, value=16)] if hook.is_swapped else []
    past = len(swap)
    program = [
        _step(SET, R0, value=1),
        _step(LOAD, R2, R1, hook.kind),
        _step(UNLESS_EQUAL, R2, jump=past + 4, value=KINDS[protocol]),
        _step(LOAD, R2, R1, hook.port),
        *swap,
        _step(IF_LESS, R2, jump=2, value=first),
        _step(IF_GREATER, R2, jump=1, value=last),
        _step(SET, R0, value=0),
        _step(EXIT),
    ]
    if not (GROUP / "cgroup.procs").exists():
        mount("cgroup2", str(GROUP), "cgroup2")
    own = GROUP / f"policy-{os.getpid()}"
    own.mkdir(exist_ok=True)
    (own / "cgroup.procs").write_text(str(os.getpid()))
    _attach(_load(hook, program), own, hook)


def leave() -> None:
    """Back to the group that all are in, without the programs."""
    (GROUP / "cgroup.procs").write_text(str(os.getpid()))
    (GROUP / f"policy-{os.getpid()}").rmdir()


def _load(hook: Hook, program: list[bytes]) -> int:
    code = ctypes.create_string_buffer(b"".join(program))
    licence = ctypes.create_string_buffer(b"GPL")
    head = struct.pack("=IIQQ", hook.program, len(program), ctypes.addressof(code), ctypes.addressof(licence))
    # log_level, log_size, log_buf, kern_version, prog_flags, prog_name, prog_ifindex, expected_attach_type
    return _bpf(PROG_LOAD, head + struct.pack("=IIQII16sII", 0, 0, 0, 0, 0, b"", 0, hook.attach))


def _attach(program: int, group: Path, hook: Hook) -> None:
    directory = os.open(group, os.O_RDONLY)
    _bpf(PROG_ATTACH, struct.pack("=IIII", directory, program, hook.attach, 2))  # BPF_F_ALLOW_MULTI
    os.close(directory)
    os.close(program)  # the group keeps it


def _bpf(command: int, attributes: bytes) -> int:
    packed = ctypes.create_string_buffer(attributes)
    answer: int = libc.syscall(SYS_BPF[platform.machine()], command, packed, len(attributes))
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"bpf(2) command {command}: {os.strerror(ctypes.get_errno())}")
    return answer


def _step(code: int, to: int = 0, source: int = 0, offset: int = 0, jump: int = 0, value: int = 0) -> bytes:
    return struct.pack("=BBhi", code, to | source << 4, offset or jump, value)
