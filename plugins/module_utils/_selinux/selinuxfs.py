# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SELinux in the kernel, asked by the files of selinuxfs: what is enforced, and what a domain may do."""

from __future__ import annotations

import errno
import os
import time
import typing as t

ROOT = "/sys/fs/selinux"
_LONGEST = 4096  # bytes, of an answer
_MOST_POLICY = 1 << 27  # bytes
_ATTEMPTS, _PAUSE = 20, 0.1  # seconds
_PERMISSIVE = 1  # SELINUX_AVD_FLAGS_PERMISSIVE of the kernel's security/selinux/include/security.h


class Permission(t.NamedTuple):
    """A permission, as the loaded policy numbers it."""

    object_class: int
    bit: int


class Access(t.NamedTuple):
    """What the policy says to it."""

    is_allowed: bool
    is_enforced: bool
    """Of the domain, wherever SELinux itself enforces."""


def is_enforcing() -> bool:
    """Raises OSError."""
    return _text(f"{ROOT}/enforce") == "1"


def is_hidden() -> bool:
    """Whether the kernel cannot be asked, although a policy is loaded."""
    return not os.path.exists(f"{ROOT}/access")


def context_of(process: str, proc: str = "/proc") -> str:
    """*process*: its number, or ``self``. Raises OSError."""
    return _text(f"{proc}/{process}/attr/current")


def initial_context(name: str) -> str:
    """That of what the policy does not name, for example of a ``port``. Raises OSError."""
    return _text(f"{ROOT}/initial_contexts/{name}")


def service_context(domain: str, proc: str = "/proc") -> str | None:
    """That of a service which init starts in the *domain*; None if the policy has none. Raises OSError."""
    user, role, _domain, *level = context_of("1", proc).split(":")
    try:
        return _transaction("context", ":".join([user, role, domain, *level]))
    except ValueError:
        return None


def permission(object_class: str, name: str) -> Permission:
    """Raises OSError."""
    folder = f"{ROOT}/class/{object_class}"
    return Permission(int(_text(f"{folder}/index")), 1 << int(_text(f"{folder}/perms/{name}")) - 1)


def access(source: str, target: str, asked: Permission) -> Access:
    """Whether the context *source* has the permission on *target*. Raises OSError, ValueError."""
    # allowed, decided, auditallow, auditdeny, policy's number, flags: sel_write_access() of the kernel's selinuxfs.c
    allowed, *_others, flags = _transaction("access", f"{source} {target} {asked.object_class}").split()
    return Access(bool(int(allowed, 16) & asked.bit), not int(flags, 16) & _PERMISSIVE)


def transition(source: str, target: str) -> str:
    """The context of a process of *source* that executes a file of *target*. Raises OSError, ValueError."""
    index = _text(f"{ROOT}/class/process/index")
    return _transaction("create", f"{source} {target} {index}")


def policy() -> bytes:
    """The loaded policy as the kernel hands it out. Raises OSError."""
    for _attempt in range(_ATTEMPTS):
        try:
            with open(f"{ROOT}/policy", "rb") as file:
                return file.read(_MOST_POLICY)
        except OSError as error:
            if error.errno != errno.EBUSY:  # the kernel lets one process at a time read it
                raise
        time.sleep(_PAUSE)
    raise OSError(errno.EBUSY, "another process keeps reading the policy")


def _transaction(name: str, question: str) -> str:
    """Raises OSError; ValueError for a context that the policy does not know."""
    file = os.open(f"{ROOT}/{name}", os.O_RDWR)
    try:
        os.write(file, question.encode())
        return os.read(file, _LONGEST).rstrip(b"\0").decode()
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise ValueError(question) from error
        raise
    finally:
        os.close(file)


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip("\0\n ")
