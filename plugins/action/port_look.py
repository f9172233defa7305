# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The look of the role port_preflight at one host: port_check, its answer checked and kept for the verdict."""

from __future__ import annotations

import re
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFilterError
from ansible.plugins.action import ActionBase
from ansible_collections.preflight.ports.plugins.filter.profile_ports import profile_ports
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement, RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._request.terms import OPTIONS
from ansible_collections.preflight.ports.plugins.module_utils._verdict.message import headline
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.answers import Answer, checked
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.profiled import Profiled, advised, profiled
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.reports import KINDS
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.spool import Spool, use_of
from ansible_collections.preflight.ports.plugins.plugin_utils._play import report_files
from ansible_collections.preflight.ports.plugins.plugin_utils._play.failures import failure, first_line
from ansible_collections.preflight.ports.plugins.plugin_utils._play.options import (
    FactError,
    OptionError,
    check_facts,
    check_names,
)
from ansible_collections.preflight.ports.plugins.plugin_utils._play.shapes import Malformed

Dict = t.Dict[str, t.Any]

_MODULE = "preflight.ports.port_check"
_GATE = ("profiles", "scope", "enforce", "unreachable", "reports")
_FIRST_UNKNOWN = 70_000
_TIMES = ("timeout", "sleep")


class ActionModule(ActionBase):
    """What Ansible loads."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: Dict | None = None) -> Dict:
        variables = task_vars or {}
        result: Dict = {**super().run(tmp, variables), "changed": False}
        options, arguments = _split(self._task.args)
        stops_all = options["scope"] == "play"
        spool = Spool(C.DEFAULT_LOCAL_TMP, use_of(self._task))
        about: Dict = {"lost": _lost(variables)}
        try:
            entry: Dict = {"answer": self._answer(options, arguments, variables)}
        except AnsibleConnectionFailure:
            entry = {"problem": "unreachable", "unreachable": True}
            if stops_all and options["enforce"] and options["unreachable"] == "fail":
                spool.put(variables["inventory_hostname"], {**entry, **about, "stopped": True})
                raise
        except AnsibleError as error:
            # The user that the task should become, for instance. The host has failed like one that gave no answer.
            entry = {"problem": first_line(error)}
        except _Refused as error:
            entry = {"problem": str(error), "refused": True}
        except (_ModuleFailed, FactError) as error:
            entry = {"problem": str(error)}
        except Malformed as error:
            entry = {"problem": f"its answer is malformed: it has {error}"}
        unmet, result["msg"] = _said(entry)
        # What is refused has to be mended by the user, whether the gate is enforced or not.
        is_error = options["enforce"] or entry.get("refused", False)
        result["failed"] = bool(stops_all and unmet and is_error and not entry.get("unreachable"))
        spool.put(variables["inventory_hostname"], {**entry, **about, "stopped": result["failed"]})
        return result

    def _answer(self, options: Dict, arguments: Dict, variables: Dict) -> Answer:
        try:
            check_names("port_preflight", variables)
            _check_reports(options["reports"])
            wanted = _of_profiles(options["profiles"])
        except OptionError as error:
            raise _Refused(str(error)) from error
        arguments = {**arguments, "ports": [*wanted.entries, *arguments["ports"]]}
        try:
            requirements = _requirements(arguments)
        except RequirementError as error:
            raise _Refused(_with_variable(str(error), len(wanted.entries))) from error
        check_facts("port_preflight", variables.get("ansible_facts") or {})
        answer = self._ask(arguments, requirements, variables)
        return {**answer, **{key: advised(answer[key], wanted) for key in ("conflicts", "doubts")}}

    def _ask(self, arguments: Dict, requirements: t.Sequence[Requirement], variables: Dict) -> Answer:
        found = self._execute_module(_MODULE, module_args=arguments, task_vars=variables)
        if found.get("failed") and not found.get("conflicts"):
            raise _ModuleFailed(_with_variable(failure(found), 0))
        return checked(found, requirements)


class _Refused(Exception):
    """Something in the request that the user has to mend."""


class _ModuleFailed(Exception):
    """The module could not look; the text is what it says."""


def _with_variable(said: str, of_profiles: int) -> str:
    """An error of the module, which begins with its option, about the role's variable.

    The entries of profiles come before those of the variable.
    """
    found = re.match(r"ports\[([0-9]+)\]", said)
    if found:
        return f"port_preflight_ports[{int(found[1]) - of_profiles}]{said[found.end() :]}"
    option = said.partition(":")[0]
    return f"port_preflight_{said}" if option in OPTIONS or option in _TIMES else said


def _split(arguments: Dict) -> tuple[Dict, Dict]:
    options = {name: arguments.get(name) for name in _GATE}
    return options, {name: value for name, value in arguments.items() if name not in _GATE}


def _check_reports(names: t.Sequence[str]) -> None:
    problems = [problem for path in report_files.paths(names) if (problem := report_files.problem(path, KINDS))]
    if problems:
        raise OptionError(f"port_preflight_reports: {' - '.join(problems)}")


def _of_profiles(items: t.Any) -> Profiled:
    try:
        return profiled(items, profile_ports)
    except AnsibleFilterError as error:
        raise OptionError(f"port_preflight_profiles: {error}") from error


def _requirements(arguments: Dict) -> list[Requirement]:
    """As the target reads them, except for the ports of services, which only its own database has."""
    services: dict[tuple[str, str], int] = {}

    def service(name: str, protocol: str) -> int:
        return services.setdefault((name, protocol), _FIRST_UNKNOWN + len(services))

    return parse(arguments["ports"], service, **{option: arguments.get(option) for option in OPTIONS})


def _lost(variables: Dict) -> list[str]:
    """The hosts that had left the play before."""
    everybody, present = variables["ansible_play_hosts_all"], frozenset(variables["ansible_play_hosts"])
    return [] if len(everybody) == len(present) else [host for host in everybody if host not in present]


def _said(entry: Dict) -> tuple[bool, str]:
    """Whether it is not as required, and that in a line."""
    if "problem" in entry:
        return True, f"not checked, {entry['problem']}"
    answer = entry["answer"]
    if not answer["conflicts"]:
        return False, "as required"
    return True, f"{headline(answer).rstrip(':')}; the verdict names all of it"
