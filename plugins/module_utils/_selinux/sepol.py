# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contexts of ports and addresses, read from a binary policy by libsepol, which SELinux hosts have."""

from __future__ import annotations

import ctypes
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import child
from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import Patience

_NAMES = ("libsepol.so.2", "libsepol.so.1")
_PROTOCOLS = {0: "udp", 1: "tcp"}  # SEPOL_PROTO_UDP and _TCP of its port_record.h
_SECONDS = 30.0

Ports = t.List[t.Tuple[str, int, int, str]]
"""(protocol, first, last, context), as the kernel looks through them."""
Nodes = t.List[t.Tuple[str, str, str]]
"""(address, mask, context): the first two in hexadecimal digits."""


class SepolError(ValueError):
    """libsepol is missing, or does not read this policy; the text says it."""


def read(policy: bytes) -> tuple[Ports, Nodes]:
    """Raises SepolError."""
    library = _library()
    ports, nodes = _asked(lambda: _contexts(library, policy))
    return ports, nodes


def in_rules(policy: bytes, find: t.Callable[[str], t.Any]) -> t.Any:
    """What *find* finds in all rules of the policy, written in CIL. Raises SepolError."""
    library = _library()
    return _asked(lambda: find(_cil(library, policy)))


def _asked(answer: t.Callable[[], t.Any]) -> t.Any:
    """Raises SepolError. A child asks: a fault of the library ends nothing else, and what it took is given back."""
    try:
        # it computes, and waits for nobody
        return child.ask(answer, _SECONDS, Patience(_SECONDS))
    except child.ChildError as error:
        raise SepolError(f"libsepol does not read this policy: {error}") from error


def _library() -> ctypes.CDLL:
    for name in _NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise SepolError("the library libsepol is not installed")


def _cil(library: ctypes.CDLL, policy: bytes) -> str:
    """In the child, too. libsepol's sepol_policydb begins with the policydb that its own tools hand on here."""
    _handle, database = _loaded(library, policy)
    libc, file = ctypes.CDLL(None), os.memfd_create("rules")
    libc.fdopen.restype = ctypes.c_void_p
    stream = ctypes.c_void_p(libc.fdopen(os.dup(file), b"w"))
    _check(library.sepol_kernel_policydb_to_cil(stream, database))
    _check(libc.fclose(stream))
    os.lseek(file, 0, os.SEEK_SET)
    with open(file, encoding="utf-8", errors="replace") as text:
        return text.read()


def _loaded(library: ctypes.CDLL, policy: bytes) -> tuple[ctypes.c_void_p, ctypes.c_void_p]:
    """In the child, whose end frees all of it."""
    pointer = ctypes.c_void_p
    library.sepol_handle_create.restype = pointer
    handle, file, database = pointer(library.sepol_handle_create()), pointer(), pointer()
    _check(library.sepol_policy_file_create(ctypes.byref(file)))
    _check(library.sepol_policydb_create(ctypes.byref(database)))
    library.sepol_msg_set_callback(handle, None, None)  # it would print to the standard error
    library.sepol_policy_file_set_handle(file, handle)
    library.sepol_policy_file_set_mem(file, policy, ctypes.c_size_t(len(policy)))
    _check(library.sepol_policydb_read(database, file))
    return handle, database


def _contexts(library: ctypes.CDLL, policy: bytes) -> tuple[Ports, Nodes]:
    pointer = ctypes.c_void_p
    handle, database = _loaded(library, policy)
    for kind in ("port", "node"):
        getattr(library, f"sepol_{kind}_get_con").restype = pointer

    def context_of(kind: str, record: int) -> str:
        text = ctypes.c_char_p()
        context = pointer(getattr(library, f"sepol_{kind}_get_con")(pointer(record)))
        _check(library.sepol_context_to_string(handle, context, ctypes.byref(text)))
        return (text.value or b"").decode()

    def bytes_of(part: str, record: int) -> str:
        data, size = pointer(), ctypes.c_size_t()
        ask = getattr(library, f"sepol_node_get_{part}_bytes")
        _check(ask(handle, pointer(record), ctypes.byref(data), ctypes.byref(size)))
        return ctypes.string_at(data, size.value).hex()

    def port(record: int) -> None:
        protocol = _PROTOCOLS.get(library.sepol_port_get_proto(pointer(record)))
        if protocol:
            first, last = (getattr(library, f"sepol_port_get_{end}")(pointer(record)) for end in ("low", "high"))
            ports.append((protocol, first, last, context_of("port", record)))

    def node(record: int) -> None:
        nodes.append((bytes_of("addr", record), bytes_of("mask", record), context_of("node", record)))

    ports: Ports = []
    nodes: Nodes = []
    for kind, take in (("port", port), ("node", node)):
        _each(getattr(library, f"sepol_{kind}_iterate"), handle, database, take)
    return ports, nodes


def _each(
    iterate: t.Callable[..., int],
    handle: ctypes.c_void_p,
    database: ctypes.c_void_p,
    take: t.Callable[[int], None],
) -> None:
    """Raises what *take* raises: ctypes would only print it."""
    problems: list[Exception] = []

    def visit(record: int, _unused: int) -> int:
        try:
            take(record)
        except Exception as error:
            problems.append(error)
            return -1
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(visit)
    code = iterate(handle, database, callback, None)
    if problems:
        raise problems[0]
    _check(code)


def _check(code: int) -> None:
    if code < 0:
        raise SepolError("an error inside of it")
