# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process of its own that outlives the task: no terminal, no descriptor of ours, no rights of root, a hard end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import signal
import socket
import struct
import typing as t

NAME = "port_responder"
"""What ps(1) shows as the name of the process."""
_PR_SET_DUMPABLE, _PR_SET_NAME, _PR_SET_NO_NEW_PRIVS = 4, 15, 38
_NOBODY = 65534
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = (b"CapInh:", b"CapPrm:", b"CapEff:", b"CapAmb:")
_GRACE_SECONDS = 5


class DaemonError(Exception):
    """The process could not be started; the text says why."""


def start(run: t.Callable[[], None], keep: t.Iterable[socket.socket], seconds: float) -> int:
    """Runs *run* in a process that has only the sockets of *keep*, and returns its pid. Raises DaemonError.

    The kernel ends it some seconds after *seconds*, whatever *run* does.
    """
    descriptors = sorted(each.fileno() for each in keep)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            os.setsid()
            if os.fork():
                os._exit(0)
            _isolate({*descriptors, writing}, seconds)
            os.write(writing, b"%d" % os.getpid())
            os.close(writing)
            run()
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.write(writing, f"!{error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read(1000)
    if not said.isdigit():
        raise DaemonError(f"the responder could not start: {said[1:].decode(errors='replace') or 'it was ended'}")
    return int(said)


def _isolate(keep: set[int], seconds: float) -> None:
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.alarm(int(seconds) + _GRACE_SECONDS)
    os.chdir("/")
    os.umask(0o077)
    _close_others(keep)
    libc = ctypes.CDLL(None, use_errno=True)
    _become_nobody()
    libc.prctl(_PR_SET_NAME, NAME.encode(), 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _close_others(keep: set[int]) -> None:
    """Closes each descriptor but these; the standard ones lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        if number not in keep:
            os.dup2(nowhere, number)
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number not in keep:
            with contextlib.suppress(OSError):  # the one that listed them is closed already
                os.close(number)


def _drop_inheritable() -> None:
    """Engines of containers may have left these; setuid(2) does not take them away (capset(2))."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    ctypes.CDLL(None, use_errno=True).capset(header, bytes(24))


def _become_nobody() -> None:
    """A process of root gives all rights up: setuid(2) of root leaves no capability behind (capabilities(7))."""
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam("nobody")
        uid, gid = user.pw_uid, user.pw_gid
    except KeyError:
        uid = gid = _NOBODY
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _drop_inheritable()
    # As bytes: from now on, this user may be unable to read the files of Python itself, codecs among them.
    with open("/proc/self/status", "rb") as status:
        kept = [line for line in status if line.startswith(_CAPABILITIES) and int(line.split()[1], 16)]
    if os.geteuid() == 0 or kept:
        raise DaemonError("it could not give up the rights of root")
