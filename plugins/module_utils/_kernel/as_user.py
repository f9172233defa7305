# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""bind(2), asked with the rights of another user: a forked child gives up root and answers.

All else is as it is for this process: a policy that is attached to the service's control group is not met.
"""

from __future__ import annotations

import os
import pwd
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind, child
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError

_SECONDS = 20.0


class UserError(RequirementError):
    """The module cannot run as this user; the text says why."""


class _Identity(t.NamedTuple):
    uid: int
    gid: int
    groups: tuple[int, ...]


def probe(user: str, questions: t.Sequence[Question]) -> list[str]:
    """What bind(2) answers to each of the *questions*. Raises UserError, ProbeError."""
    identity = _identity(user)
    if os.geteuid():
        raise UserError(f"user: {user!r}: only root can ask with another user's rights; run the task with become: true")

    def answer() -> list[str]:
        if identity.uid:
            os.setgroups(identity.groups)
            os.setresgid(identity.gid, identity.gid, identity.gid)
            os.setresuid(identity.uid, identity.uid, identity.uid)  # root loses all capabilities with it
        return [bind.probe(question) for question in questions]

    try:
        return [str(each) for each in child.ask(answer, _SECONDS)]
    except child.ChildError as error:
        raise bind.ProbeError(f"bind(2) as user {user}: {error}") from error


def _identity(user: str) -> _Identity:
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except KeyError:
        if user.isdigit():
            return _Identity(int(user), int(user), ())
        raise UserError(f"user: {user!r} does not exist on this host; name one that does, or its number") from None
    return _Identity(entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)))
