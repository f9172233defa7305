# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pattern: who may hold a port, as ``held_by`` says it. Pure."""

from __future__ import annotations

import fnmatch
import typing as t

WITHOUT_PREFIX = ("process", "unit", "container")
FIELDS = (*WITHOUT_PREFIX, "program", "user", "exe", "nat")


_OF_USERS = ("unit", "container")
"""What ordinary users have, too. Theirs begin with the owner and a slash: ``user@1000.service/``, ``alice/``."""


class Pattern(t.NamedTuple):
    """A shell glob (fnmatch(3), case-sensitive) for some of the holder's names.

    A glob without a slash matches nothing that belongs to an ordinary user.
    """

    text: str
    fields: tuple[str, ...]
    glob: str

    def matches(self, names: t.Mapping[str, t.Sequence[str]]) -> bool:
        """Whether one of *names* (field -> the names that the holder has there) is what the pattern allows."""
        return any(
            fnmatch.fnmatchcase(name, self.glob)
            for field in self.fields
            for name in names.get(field, ())
            if field not in _OF_USERS or "/" in self.glob or "/" not in name
        )
