# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be right before the first target is asked: names of variables, and where options come from. Pure."""

from __future__ import annotations

import difflib
import functools
import pathlib
import typing as t

import yaml

_ROLES = pathlib.Path(__file__).parents[3] / "roles"


class OptionError(ValueError):
    """Something that the user has to mend; the text names it and says what would be right."""


class FactError(ValueError):
    """A target that says what only the user may say."""


@functools.lru_cache(maxsize=None)
def known(role: str) -> tuple[str, ...]:
    """The variables of the role."""
    specs = (_ROLES / role / "meta/argument_specs.yml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(specs)["argument_specs"]["main"]["options"])


def check_names(role: str, variables: t.Iterable[str]) -> None:
    """Raises OptionError for one that looks like an option of the role and is none."""
    prefix = f"{role}_"
    for name in sorted(variables):
        if name.startswith(prefix) and name not in known(role):
            endings = {option[len(prefix) :]: option for option in known(role)}
            near = difflib.get_close_matches(name[len(prefix) :], endings, n=1)
            hint = f"did you mean {endings[near[0]]}?" if near else f"the role knows {', '.join(known(role))}"
            raise OptionError(f"unknown variable {name}; {hint}")


def check_facts(role: str, facts: t.Iterable[str]) -> None:
    """Raises FactError for facts with the names of options: what a target says of itself must not steer the check."""
    found = sorted(name for name in facts if isinstance(name, str) and name.lstrip("_").startswith(role))
    if found:
        raise FactError(f"this host returned a fact that is named like an option, {found[0][:100]}; facts are none")
