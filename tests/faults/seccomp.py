# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the kernel refuse system calls of this process, for good."""

from __future__ import annotations

import ctypes
import platform
import struct

from support.sandbox import libc, prctl

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ALLOW = 0x7FFF0000
SECCOMP_RET_ERRNO = 0x00050000

SOCKET = {"x86_64": 41, "aarch64": 198, "riscv64": 198}
BIND = {"x86_64": 49, "aarch64": 200, "riscv64": 200}

# struct seccomp_data: the number of the call, and where the low half of each argument is on a little-endian machine
NUMBER = 0
ARGUMENTS = 16

LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


def refuse_socket(error: int, arguments: dict[int, int]) -> None:
    """socket(2) fails with the error where its arguments, by position, are these."""
    _refuse(error, SOCKET[platform.machine()], arguments)


def refuse_bind(error: int) -> None:
    """Each bind(2) fails with the error."""
    _refuse(error, BIND[platform.machine()], {})


def _refuse(error: int, call: int, arguments: dict[int, int]) -> None:
    expected = {NUMBER: call}
    expected.update({ARGUMENTS + 8 * position: value for position, value in arguments.items()})
    steps = []
    for number, (offset, value) in enumerate(expected.items()):
        past_refusal = 2 * (len(expected) - number) - 1
        steps += [_step(LOAD, 0, 0, offset), _step(JUMP_IF_EQUAL, 0, past_refusal, value)]
    steps += [_step(RETURN, 0, 0, SECCOMP_RET_ERRNO | error), _step(RETURN, 0, 0, SECCOMP_RET_ALLOW)]
    code = ctypes.create_string_buffer(b"".join(steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), program, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def _step(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
