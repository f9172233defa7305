# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources of the socket table, and the choice between them."""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Socket, SourceError

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._table.bound_only import Bound

# The sources are imported when their turn comes: on a target, Python compiles a module's files anew in each task.

Answer = t.TypeVar("Answer")


class Source(t.NamedTuple):
    """Where the socket table comes from."""

    name: str
    read: t.Callable[[str, int, int, frozenset[str]], list[Socket]]
    """(protocol, first port, last port, states) -> at least the TCP sockets in these states, or all UDP sockets.

    Raises SourceError.
    """
    find_bound: t.Callable[[t.Container[int]], Bound] | None
    """Finds the TCP sockets that are bound but don't listen, given the inodes of those in the table.

    None where the table has them itself.
    """
    shows_options: bool
    """Whether the table tells IPV6_V6ONLY, and which device, and so which VRF, a socket is bound to."""


def candidates(name: str) -> t.Iterator[Source]:
    """The sources that the option value *name* allows on this machine, the best first."""
    on_linux = sys.platform.startswith("linux")
    if name == "netlink" or (name == "auto" and on_linux):
        from ansible_collections.preflight.ports.plugins.module_utils._table import sock_diag

        yield Source("netlink", sock_diag.read, None if sock_diag.shows_bound() else _find_bound, shows_options=True)
    if name == "procfs" or (name == "auto" and on_linux):
        from ansible_collections.preflight.ports.plugins.module_utils._table import proc_net

        yield Source("procfs", proc_net.read, _find_bound, shows_options=False)
    if name in ("psutil", "auto"):
        from ansible_collections.preflight.ports.plugins.module_utils._table import psutil_net

        yield Source("psutil", psutil_net.read, _find_bound if on_linux else psutil_net.find_bound, shows_options=False)


def _find_bound(listed: t.Container[int]) -> Bound:
    from ansible_collections.preflight.ports.plugins.module_utils._table import bound_only

    return bound_only.find(listed)


def first_that_works(name: str, use: t.Callable[[Source], Answer]) -> Answer:
    """What *use* makes of the first source that does not fail while it is used. Raises SourceError."""
    failures = []
    for source in candidates(name):
        try:
            return use(source)
        except SourceError as failure:
            failures.append(f"{source.name}: {failure}")
    raise SourceError(f"No socket table can be had from the source {name!r}. {'; '.join(failures)}")
