# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of the role port_reach: plan the flows, hand each client its own, judge what came of them."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.preflight.ports.plugins.filter.profile_ports import profile_ports
from ansible_collections.preflight.ports.plugins.module_utils._reach import states, wire
from ansible_collections.preflight.ports.plugins.plugin_utils._play import report_files
from ansible_collections.preflight.ports.plugins.plugin_utils._play.failures import failure
from ansible_collections.preflight.ports.plugins.plugin_utils._play.options import (
    FactError,
    OptionError,
    check_facts,
    check_names,
)
from ansible_collections.preflight.ports.plugins.plugin_utils._play.shapes import Malformed
from ansible_collections.preflight.ports.plugins.plugin_utils._play.strategies import keeps_step, strategy_of
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import answers, judge, plan, reports, rows, words
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.summary import summary

_ROLE = "port_reach"

Vars = t.Mapping[str, t.Any]


class ActionModule(ActionBase):
    """Each step runs once for the whole play."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = False

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        return self._step(task_vars)

    def _step(self, task_vars: Vars) -> dict[str, t.Any]:
        step = self._task.args.get("step")
        try:
            if step == "plan":
                return self._plan(task_vars)
            if step == "clients":
                return self._clients(task_vars)
            if step == "record":
                return self._record(task_vars)
            if step == "judge":
                return _judged(str(self._task.args["message"]), boolean(self._task.args["stops"]))
        except (plan.PlanError, OptionError, FactError) as error:
            raise AnsibleActionFail(str(error)) from error
        raise AnsibleActionFail(f"step is plan, clients, record or judge; not {step!r}")

    # Before anything is started

    def _plan(self, task_vars: Vars) -> dict[str, t.Any]:
        check_names(_ROLE, task_vars)
        self._refuse_strategies()
        refuse_facts(task_vars)
        options = self._options()
        inventory = self._inventory(task_vars)
        flows = plan.make(self._task.args.get("flows"), inventory, options["sample"])
        in_play = list(task_vars["ansible_play_batch"])
        ports: dict[str, dict[tuple[str, int], plan.Port]] = {}
        clients = set()
        for flow in flows:
            clients.update(flow.sources)
            for target in flow.targets:
                if target.in_inventory and target.host in inventory.in_play:
                    ports.setdefault(target.host, {}).update({(each.protocol, each.port): each for each in flow.ports})
        return {
            "changed": False,
            "options": options,
            "flows": plain(flows),
            "play": in_play,
            "responders": {host: [_entry(each) for each in several.values()] for host, several in ports.items()},
            "clients": sorted(clients & inventory.in_play),
        }

    def _options(self) -> dict[str, t.Any]:
        given = self._task.args
        # Before ansible-core 2.19, what a template gives is text.
        options: dict[str, t.Any] = {
            "timeout": float(given["timeout"]),
            "reports": given["reports"],
            **{name: int(given[name]) for name in ("seconds", "sample")},
            **{name: boolean(given[name]) for name in ("responders", "witness", "enforce")},
            **{name: str(given[name]) for name in ("host_firewall", "unreachable")},
        }
        if not 0 < options["timeout"] <= wire.LONGEST_SECONDS:
            raise plan.PlanError(f"port_reach_timeout {options['timeout']}: it is more than 0 and at most 3600")
        if not 1 <= options["seconds"] <= wire.LONGEST_SECONDS:
            raise plan.PlanError(f"port_reach_seconds {options['seconds']}: it is 1 to 3600")
        if options["sample"] < 0:
            raise plan.PlanError(f"port_reach_sample {options['sample']}: it is 0, for all clients, or more")
        options["reports"] = report_files.paths(_listed(options["reports"]))
        for path in options["reports"]:
            problem = report_files.problem(path, reports.KINDS)
            if problem:
                raise plan.PlanError(f"port_reach_reports: {problem}")
        options["responders"] = options["responders"] and not self._task.check_mode
        return options

    def _inventory(self, task_vars: Vars) -> plan.Inventory:
        manager = InventoryManager(self._loader, parse=False)
        for group, hosts in task_vars["groups"].items():
            manager.add_group(group)
            for host in hosts:
                manager.add_host(host, group=group)
        hostvars, in_play = task_vars["hostvars"], frozenset(task_vars["ansible_play_batch"])
        names = frozenset(task_vars["groups"]) | {host for hosts in task_vars["groups"].values() for host in hosts}
        return plan.Inventory(
            lambda pattern: [str(host) for host in manager.get_hosts(pattern)],
            names,
            in_play,
            {host: plain(hostvars[host].get("__port_reach_address", host)) for host in in_play},
            _of_profiles,
        )

    def _refuse_strategies(self) -> None:
        """Clients may begin only when all responders are up: hosts must not go at their own pace."""
        strategy = strategy_of(self._task)
        if not keeps_step(strategy):
            raise plan.PlanError(
                f"the role port_reach does not work with strategy {strategy}: clients would begin before the "
                "responders are up; give its play the strategy linear"
            )

    # When the responders are up

    def _clients(self, task_vars: Vars) -> dict[str, t.Any]:
        planned = plain(self._task.args["plan"])
        flows = flows_of(planned)
        outside = self._outside(planned, task_vars)
        started = {host: side.started for host, side in self._targets(planned, task_vars).items()}
        to: dict[str, list[dict[str, t.Any]]] = {}
        for case in plan.cases(flows):
            if case.client not in planned["clients"] or not rows.is_asked(case, {}, outside):
                continue
            entry: dict[str, t.Any] = {
                "host": case.target.address,
                "port": case.port.port,
                "protocol": case.port.protocol,
                "expect": case.flow.expect,
            }
            known = started.get(case.target.host)
            bound = known and known.running and known.ports.get((case.port.protocol, case.port.port))
            if case.target.in_inventory and bound and bound.state == "bound" and planned["options"]["responders"]:
                entry["responder"] = case.target.host
            to.setdefault(case.client, []).append(entry)
        return {"changed": False, "to": to}

    def _outside(self, planned: Vars, task_vars: Vars) -> dict[str, str]:
        """Hosts to which nothing can be tested, and why."""
        inventory_hosts = {target.host: target for flow in flows_of(planned) for target in flow.targets}
        outside = {}
        for host, target in inventory_hosts.items():
            if not target.in_inventory:
                continue
            if host not in planned["play"]:
                outside[host] = _absence(host, task_vars)
            elif plan.is_loopback(target.address):
                outside[host] = (
                    f"the address of {host} is {target.address}, which leads every client to itself; "
                    "set port_reach_address"
                )
        return outside

    def _targets(self, planned: Vars, task_vars: Vars) -> dict[str, judge.Target]:
        """What each target of the play said, so far as it may be believed."""
        token, sides = self._task.args["token"], {}
        for host in planned["responders"]:
            known = task_vars["hostvars"].get(host, {})
            side = judge.Target(True)
            if planned["options"]["responders"] or planned["options"]["witness"]:
                identity = wire.responder_id(token, host).hex()
                start, problem = _believed(known.get("__port_reach_start"), identity, "id", answers.started)
                stop, stopped = _believed(known.get("__port_reach_stop"), identity, "id", answers.seen)
                side = side._replace(started=start, seen=stop, problem=problem or (stopped if start else None))
            sides[host] = side
        return sides

    # When all has been tried

    def _record(self, task_vars: Vars) -> dict[str, t.Any]:
        refuse_facts(task_vars)
        planned = plain(self._task.args["plan"])
        handed = plain(self._task.args["clients"])["to"]
        options, flows = planned["options"], flows_of(planned)
        tried, failed = self._tried(planned, handed, flows, task_vars)
        targets = self._targets(planned, task_vars)
        explained: dict[str, set[answers.End]] = {}
        outside = self._outside(planned, task_vars)
        places: dict[str, int] = {}
        for case in plan.cases(flows):
            if rows.is_asked(case, failed, outside):
                place = places.get(case.client, 0)
                places[case.client] = place + 1
                source = tried[case.client][place].source
                if source and case.target.in_inventory:
                    explained.setdefault(case.target.host, set()).add(source)
        sides = {host: side._replace(clients=frozenset(explained.get(host, ()))) for host, side in targets.items()}
        findings = rows.Findings(
            tried,
            failed,
            sides,
            outside,
            frozenset(task_vars["groups"]) | frozenset(task_vars["hostvars"]),
            frozenset(planned["play"]) - frozenset(task_vars["ansible_play_hosts"])
            | frozenset(task_vars["ansible_play_hosts_all"]) - frozenset(planned["play"]),
        )
        policy = rows.Policy(options["host_firewall"] == "warn", options["unreachable"] == "ignore")
        found = summary(rows.rows(flows, findings, policy))
        notes = [
            *words.left_out(flows),
            *words.addresses_of_hosts(flows, _hosts_by_address(planned, task_vars)),
            *self._notes(planned, sides),
            *words.translations(found.translated),
            *words.unresolved(found.unresolved),
        ]
        found = found._replace(notes=notes)
        message = words.message(found.unmet, found.total, notes, options["reports"])
        title = str(task_vars.get("ansible_play_name") or "")
        for path in options["reports"]:
            reports.write(path, found, title, message)
        return {
            "changed": False,
            "msg": message,
            "stops": options["enforce"] and not all(row.tolerated for row in found.unmet),
            "flows": [row.as_dict() for row in found.unmet],
            "ansible_stats": {"data": {_ROLE: found.figures}, "per_host": False, "aggregate": False},
        }

    def _tried(
        self, planned: Vars, handed: Vars, flows: list[plan.Flow], task_vars: Vars
    ) -> tuple[dict[str, list[answers.Tried]], dict[str, str]]:
        """What each client says, and why the others could not try."""
        tried, failed, run = {}, {}, wire.run_id(self._task.args["token"])
        for client in sorted({client for flow in flows for client in flow.sources}):
            if client not in planned["clients"]:
                failed[client] = _absence(client, task_vars)
                continue
            expected = [entry["expect"] == states.OPEN for entry in handed.get(client, ())]
            if not expected:
                tried[client] = []
                continue
            answer = task_vars["hostvars"].get(client, {}).get("__port_reach_connect")
            found, problem = _believed(answer, run, "run", lambda answer, many=expected: answers.tried(answer, many))
            if problem or found is None:
                failed[client] = f"{client} could not try: {problem}"
            else:
                tried[client] = found
        return tried, failed

    def _notes(self, planned: Vars, sides: t.Mapping[str, judge.Target]) -> list[str]:
        notes = []
        if not planned["options"]["responders"]:
            why = "in check mode no port is opened" if self._task.check_mode else "port_reach_responders is false"
            notes.append(
                f"No responder ran ({why}): a port on which nobody listens is 'answered'. The way to it is open,"
                " unless a firewall answers in its place."
            )
        # The witness tells who sent a reset.
        notes += words.unbound(
            [
                (host, protocol, port, found.reason)
                for host, side in sides.items()
                if side.started and not (side.seen and side.seen.witness)
                for (protocol, port), found in side.started.ports.items()
                if found.state in ("refused", "unavailable")
            ]
        )
        blind = [host for host, side in sides.items() if not (side.seen and side.seen.witness)]
        if blind and planned["options"]["witness"] and not self._task.check_mode:
            shown = ", ".join(blind[:3]) + (f" and {len(blind) - 3} more" if len(blind) > 3 else "")
            notes.append(
                f"Not watched, for lack of root or of an answer: {shown}. There, lost and dropped_by_host look alike."
            )
        return notes


def _judged(message: str, stops: bool) -> dict[str, t.Any]:
    """What everybody sees. Ansible shows what a failed task says as one text."""
    said = message if stops else message.splitlines()
    return {"changed": False, "failed": stops, "msg": said, "_ansible_verbose_always": True}


def _hosts_by_address(planned: Vars, task_vars: Vars) -> dict[str, str]:
    """Those of the play."""
    noted = {host: task_vars["hostvars"].get(host, {}).get("__port_reach_address", host) for host in planned["play"]}
    return {str(address): host for host, found in noted.items() for address in _listed(plain(found))}


def _of_profiles(names: t.Any) -> list[dict[str, t.Any]]:
    try:
        return profile_ports(names)
    except AnsibleFilterError as error:
        raise plan.PlanError(f"profiles: {error}") from error


def flows_of(planned: Vars) -> list[plan.Flow]:
    """The flows again, which went through Ansible's variables as lists."""
    return [
        plan.Flow(
            name,
            source,
            tuple(sources),
            to,
            tuple(plan.Target(*target) for target in targets),
            tuple(plan.Port(*port) for port in ports),
            expect,
            sample,
        )
        for name, source, sources, to, targets, ports, expect, sample in planned["flows"]
    ]


def plain(value: t.Any) -> t.Any:
    """A copy in plain Python types: Ansible's own are slow to read, and some are subclasses of str."""
    if isinstance(value, t.Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, str):
        return str.__str__(value)
    return value


def refuse_facts(task_vars: Vars) -> None:
    """A host's answer may bring facts that look like variables of the role: no host may set these."""
    for host in task_vars["ansible_play_hosts_all"]:
        try:
            check_facts(_ROLE, task_vars["hostvars"].get(host, {}).get("ansible_facts") or {})
        except FactError as error:
            raise FactError(f"{host}: {error}") from error


def _believed(answer: t.Any, identity: str, key: str, read: t.Callable[[t.Any], t.Any]) -> tuple[t.Any, str | None]:
    """(what the answer says, None) or (None, why it says nothing)."""
    answer = plain(answer)
    if not isinstance(answer, dict) or answer.get("skipped"):
        return None, "it was not asked, or has left the play"
    if answer.get("unreachable"):
        return None, "it is unreachable"
    if key not in answer:
        return None, f"its module failed: {failure(answer)}"
    if answer[key] != identity:
        return None, "its answer is not of this run"
    if answer.get("failed") and not answer.get("flows"):
        return None, f"its {'responder' if key == 'id' else 'module'} failed: {failure(answer)}"
    try:
        return read(answer), None
    except Malformed as error:
        return None, f"its answer is malformed: {error}"


def _absence(host: str, task_vars: Vars) -> str:
    if host in task_vars["ansible_play_hosts_all"]:
        return f"{host} is unreachable, has failed before, or is in another batch (serial)"
    return f"{host} is not in this play: its hosts, or --limit, leave it out"


def _entry(port: plan.Port) -> dict[str, t.Any]:
    return {"port": port.port, "protocol": port.protocol}


def _listed(value: t.Any) -> list[str]:
    return [each.strip() for each in value.split(",")] if isinstance(value, str) else list(value)
