# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What many hosts answered -> one message, figures and reports, on the controller."""

from __future__ import annotations

import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible_collections.preflight.ports.plugins.plugin_utils._gate import reports
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.spool import Entries, Spool, use_of
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.summary import LOST, summary
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.words import verdict
from ansible_collections.preflight.ports.plugins.plugin_utils._play import report_files
from ansible_collections.preflight.ports.plugins.plugin_utils._play.options import FactError, check_facts
from ansible_collections.preflight.ports.plugins.plugin_utils._play.strategies import keeps_step, strategy_of

Dict = t.Dict[str, t.Any]

_NONE_REQUIRED = (
    "No port is required on any host: set port_preflight_ports or port_preflight_profiles (check_ports of the playbook "
    "check), or check their spelling."
)


class ActionModule(ActionBase):
    """What Ansible loads."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: Dict | None = None) -> Dict:
        """``step: record`` writes reports and figures, ``step: judge`` says what was found and stops the play."""
        variables = task_vars or {}
        result: Dict = {**super().run(tmp, variables), "changed": False}
        host, options = variables["inventory_hostname"], self._task.args
        spool = Spool(C.DEFAULT_LOCAL_TMP, use_of(self._task))
        try:
            check_facts("port_preflight", variables.get("ansible_facts") or {})
        except FactError as error:
            return {**result, "failed": True, "msg": f"{host}: {error}"}
        entries = spool.take()
        everybody = _everybody(entries, variables)
        if options["step"] == "record":
            return {**result, **_record(summary(everybody), options, variables)}
        if options["scope"] == "host":
            everybody.setdefault(host, LOST)
            about, speaks = [host], True
        else:
            about = spool.unjudged(name for name in everybody if name in entries.own or everybody[name] is LOST)
            speaks = spool.claim(about)
        said = verdict(
            summary({name: everybody[name] for name in about})["hosts"], report_files.paths(options["reports"])
        )
        result.update({"msg": said, "_ansible_verbose_always": True} if speaks else {"msg": "see the verdict"})
        if _asks_for_nothing(everybody, variables):
            return {**result, "failed": True, "msg": _NONE_REQUIRED}
        if entries.own.get(host, {}).get("unreachable"):
            return {**result, "unreachable": True}  # it goes without stopping the others
        culprits = [everybody[name] for name in about if _is_culprit(everybody[name], options)]
        if not options["enforce"]:
            culprits = [entry for entry in culprits if entry.get("refused")]
        if _must_stop(culprits, options, keeps_step(strategy_of(self._task))):
            # Ansible shows what a failed task says as one text.
            return {**result, "failed": True, "msg": "\n".join(said) if speaks else result["msg"]}
        return {**result, "failed": False}


def _everybody(entries: Entries, variables: Dict) -> dict[str, Dict]:
    """Those of this use, of earlier batches, and those who had left the play before."""
    batch = frozenset(variables["ansible_play_batch"])
    earlier = {host: entry for host, entry in entries.earlier.items() if host not in batch}
    known = {**earlier, **entries.own}
    lost = dict.fromkeys(host for entry in entries.own.values() for host in entry["lost"] if host not in known)
    return {**known, **dict.fromkeys(lost, LOST)}


def _record(found: Dict, options: Dict, variables: Dict) -> Dict:
    """Writes the reports, and hands the figures to set_stats. A path that cannot be written stopped the look."""
    paths = report_files.paths(options["reports"])
    try:
        for path in [] if any(report_files.problem(path, reports.KINDS) for path in paths) else paths:
            reports.write(path, found, variables.get("ansible_play_name", ""))
    except OSError as error:
        return {"failed": True, "msg": f"port_preflight_reports: {error}"}
    stats = {"data": {"port_preflight": found["figures"]}, "per_host": False, "aggregate": False}
    return {"ansible_stats": stats}


def _is_culprit(entry: Dict, options: Dict) -> bool:
    if "problem" in entry:
        return not (entry.get("unreachable") and options["unreachable"] == "ignore")
    return bool(entry["answer"]["conflicts"])


def _must_stop(culprits: t.Sequence[Dict], options: Dict, in_step: bool) -> bool:
    """With scope play, a look that failed has stopped all hosts already, unless the strategy lets each host run on."""
    return any(options["scope"] == "host" or not in_step or not entry.get("stopped") for entry in culprits)


def _asks_for_nothing(everybody: t.Mapping[str, Dict], variables: Dict) -> bool:
    """Whether no host of the play requires a port, and none is to come that may."""
    batch = frozenset(variables["ansible_play_batch"])
    if any(host not in everybody and host not in batch for host in variables["ansible_play_hosts"]):
        return False
    return bool(everybody) and all("answer" in entry and not entry["answer"]["ports"] for entry in everybody.values())
