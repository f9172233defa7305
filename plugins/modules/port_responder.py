#!/usr/bin/python

# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_responder
short_description: Answer on ports for a short time, so that their flows can be tested before the service exists
version_added: 1.0.0
description:
  - With O(state=present), starts one process that binds the ports, answers clients that know the token, and watches
    which packets arrive. With O(state=absent), ends the process and returns which clients came.
  - It does not touch ports that are taken, and returns them with their holder.
  - The process ends by itself after O(seconds). It leaves no file, no unit and no C(TIME_WAIT). As root it binds the
    ports, opens the sockets that watch, and becomes C(nobody).
  - The role P(preflight.ports.port_reach#role) uses it with M(preflight.ports.port_connect).
author:
  - preflight.ports contributors (@preflight)
extends_documentation_fragment:
  - preflight.ports._attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode, no process is started and no port is opened. Ports that could be bound are returned as V(bound).
  diff_mode:
    support: none
  platform:
    support: full
    platforms: linux
options:
  state:
    description:
      - Whether the responder runs.
    type: str
    choices: [present, absent]
    default: present
  token:
    description:
      - A secret of at least 16 characters, made for this run. Anyone who knows it can use the responder and end it.
      - It is in no result, log, command line or file.
    type: str
    required: true
  name:
    description:
      - The name of this responder. It lets clients distinguish responders with the same token. Several with different
        names may run on one host.
    type: str
    default: ""
  ports:
    description:
      - The ports to answer on, as in O(preflight.ports.port_check#module:ports). At most 2000.
    type: list
    elements: raw
    default: []
  seconds:
    description:
      - After how many seconds the process ends by itself.
    type: int
    default: 120
  listen:
    description:
      - Whether to open the ports. With V(false), the process only watches what arrives, which needs root.
    type: bool
    default: true
  witness:
    description:
      - Whether to watch, as root, which packets reach this host, and which of them pass its own firewall.
    type: bool
    default: true
  brief:
    description:
      - Whether RV(visits) leaves out flows that came through completely.
    type: bool
    default: false
notes:
  - The responder answers only clients that show that they know the token (HMAC-SHA256 of a nonce). No UDP answer is
    longer than its question.
  - Where the host ends a user's processes with the session (C(KillUserProcesses=yes)), root has systemd put the process
    into a scope of its own. Without root, the process may end early, and RV(may_end_early) says so.
seealso:
  - module: preflight.ports.port_connect
"""

EXAMPLES = r"""
- name: Make a token that all tasks share
  ansible.builtin.set_fact:
    responder_token: "{{ lookup('ansible.builtin.password', '/dev/null', length=32) }}"
  run_once: true
  no_log: true

- name: Answer on the port of the database for two minutes
  preflight.ports.port_responder:
    token: "{{ responder_token }}"
    ports: [5432]

- name: End it, and see which clients came
  preflight.ports.port_responder:
    token: "{{ responder_token }}"
    state: absent
  register: responder
"""

RETURN = r"""
msg:
  description: What was done.
  returned: always
  type: str
  sample: The responder answers on 1 of 2 ports for 120 s
running:
  description: With O(state=present), whether the process runs now. With O(state=absent), whether it still ran.
  returned: always
  type: bool
  sample: true
id:
  description: The identity of this responder, which clients see. It is made from token and name but reveals neither.
  returned: always
  type: str
  sample: 0f1e2d3c4b5a69788796a5b4c3d2e1f0
pid:
  description: The process; V(null) if none was started.
  returned: if O(state=present)
  type: int
  sample: 4711
ports:
  description: The ports of O(ports), and whether the responder has them.
  returned: if O(state=present)
  type: list
  elements: dict
  contains:
    port:
      description: The port.
      type: int
      returned: always
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
    address:
      description: The address of the entry; V(null) for all.
      type: str
      returned: always
    name:
      description: The label of the entry.
      type: str
      returned: always
    state:
      description: V(bound), V(taken), V(refused) (this user may not), or V(unavailable) (this host lacks the address).
      type: str
      returned: always
    reason:
      description: Why, for people.
      type: str
      returned: always
    holder:
      description: Who has it, if it is taken and the holder is known.
      type: str
      returned: always
witness:
  description: Whether arriving packets are watched.
  returned: always
  type: bool
  sample: true
may_end_early:
  description: What may end the process early; V(null) if nothing is known.
  returned: if O(state=present)
  type: str
visits:
  description: The clients that came.
  returned: if O(state=absent)
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
    source:
      description: The address that this host saw.
      type: str
      returned: always
    source_port:
      description: The port that this host saw.
      type: int
      returned: always
    destination:
      description: The address of this host.
      type: str
      returned: always
    port:
      description: The port of this host.
      type: int
      returned: always
    stage:
      description:
        - How far the flow came. V(arrived), it reached this host. V(passed), it also passed this host's firewall.
          V(asked), a question with the token was read. V(finished), data of full size came, too.
      type: str
      returned: always
firewall:
  description:
    - What the host's own rules do to the clients that arrived and did not pass, a row for each client and port. At most
      500 are asked about.
    - Empty if the rules cannot be read.
  returned: if O(state=absent)
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
    port:
      description: The port of this host.
      type: int
      returned: always
    destination:
      description: The address of this host.
      type: str
      returned: always
    source:
      description: The address of the client that this host saw.
      type: str
      returned: always
    verdict:
      description: V(open), V(blocked), V(limited) or V(unknown), as in RV(preflight.ports.port_check#module:firewall).
      type: str
      returned: always
    by:
      description: Whose rule it is; V(null) if no rule stops the client.
      type: str
      returned: always
    rule:
      description: The rule, or the policy of the chain.
      type: str
      returned: always
    advice:
      description: What to do about it.
      type: str
      returned: always
    sent_to:
      description: Where NAT rules send the port; V(null) if they do not, or may not.
      type: str
      returned: always
finished:
  description: How many flows finished.
  returned: if O(state=absent)
  type: int
missed:
  description: How many packets the responder missed because they came too fast or were too many.
  returned: if O(state=absent)
  type: int
"""

import errno
import gc
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._reach import control, wire
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse

LONGEST_SECONDS = 3600


def main() -> None:
    # What is imported stays to the end: looking through it for garbage, again and again, only takes time.
    gc.freeze()
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "token": {"type": "str", "required": True, "no_log": True},
            "name": {"type": "str", "default": ""},
            "ports": {"type": "list", "elements": "raw", "default": []},
            "seconds": {"type": "int", "default": 120},
            "listen": {"type": "bool", "default": True},
            "witness": {"type": "bool", "default": True},
            "brief": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    if len(options["token"]) < 16:
        fail(module, "token: it has at least 16 characters")
    if not 1 <= options["seconds"] <= LONGEST_SECONDS:
        fail(module, f"seconds {options['seconds']}: it is 1 to {LONGEST_SECONDS}")
    if options["state"] == "present":
        present(module)
    else:
        absent(module)


def fail(module: AnsibleModule, message: str) -> t.NoReturn:
    options = module.params
    result: dict[str, t.Any] = {"running": False, "id": identity(module), "witness": False}
    if options["state"] == "present":
        result.update(pid=None, ports=[], may_end_early=None)
    else:
        result.update(visits=[], firewall=[], finished=0, missed=0)
    module.fail_json(msg=message, **result)


def identity(module: AnsibleModule) -> str:
    return wire.responder_id(module.params["token"], module.params["name"]).hex()


def absent(module: AnsibleModule) -> None:
    options = module.params
    report = None
    if not module.check_mode:
        try:
            report = control.stop(options["token"], options["name"])
        except control.ControlError as error:
            fail(module, str(error))
    if report is None:
        report = {"visits": [], "finished": 0, "missed": 0, "witness": False}
        message, running = "No responder runs", False
    else:
        message, running = f"The responder has ended; {report['finished']} flows finished", True
    firewall = rules(report["visits"]) if report["witness"] else []
    module.exit_json(changed=running, msg=message, running=running, id=identity(module), firewall=firewall, **report)


def rules(visits: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """What stopped those who did not get to the responder."""
    if not any(each["stage"] == "arrived" for each in visits):
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._reach import stopped

    return stopped.rules(visits)


def present(module: AnsibleModule) -> None:
    # Only now: what ends a responder needs none of it, and on a target each import costs time.
    from ansible_collections.preflight.ports.plugins.module_utils._reach import listeners

    options = module.params
    try:
        requirements = parse(options["ports"])
    except RequirementError as error:
        fail(module, str(error))
    count = sum(len(requirement.ports) for requirement in requirements)
    if count > listeners.MOST_PORTS:
        fail(module, f"ports: these are {count}; a responder answers on at most {listeners.MOST_PORTS}")

    listen = options["listen"] and not module.check_mode
    channel = None
    if not module.check_mode:
        try:
            channel = control.listen(options["token"], options["name"])
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                fail(module, f"no control socket: {error.strerror}")
            fail(module, "A responder with this token and name runs already; end it with state: absent")
    found = listeners.bind_all(requirements, listen)
    witness = watcher(module, [(each.protocol, each.port) for each in found])
    pid, early = None, None
    if channel and (listen or witness):
        pid, early = start(module, channel, found, witness)
    bound = sum(each.state == listeners.BOUND for each in found)
    if not listen:
        message = f"{bound} of {len(found)} ports could be bound; no port was opened"
    else:
        message = f"The responder answers on {bound} of {len(found)} ports for {options['seconds']} s"
    module.exit_json(
        changed=pid is not None,
        msg=message,
        running=pid is not None,
        id=identity(module),
        pid=pid,
        ports=rows(found),
        witness=witness is not None,
        may_end_early=early,
    )


def watcher(module: AnsibleModule, ports: list[tuple[str, int]]) -> t.Any:
    """What sees packets arrive; None where this user may not."""
    if not module.params["witness"] or module.check_mode or os.geteuid() != 0:
        return None
    from ansible_collections.preflight.ports.plugins.module_utils._reach.witness import Witness

    try:
        return Witness(ports)
    except OSError:
        return None


def start(module: AnsibleModule, channel: t.Any, found: t.Any, witness: t.Any) -> tuple[int, str | None]:
    """(pid, what may end the process early)."""
    from ansible_collections.preflight.ports.plugins.module_utils._reach import daemon, listeners, responder, session

    options = module.params
    servers = [(each.protocol, sock) for each in found for sock in each.sockets]
    watching = list(witness.sockets) if witness else []
    deadline = time.monotonic() + options["seconds"]

    def run() -> None:
        room = listeners.room_for_peers(len(servers) + len(watching), responder.MOST_PEERS)
        server = responder.Responder(options["token"], options["name"], options["brief"], room)
        server.control(channel)
        for protocol, sock in servers:
            server.serve(protocol, sock)
        if witness:
            server.watch(witness)
        server.run(deadline)

    sockets = [channel, *(sock for _protocol, sock in servers), *watching]
    try:
        pid = daemon.start(run, sockets, options["seconds"])
    except daemon.DaemonError as error:
        fail(module, str(error))
    finally:
        for sock in sockets:  # they are the new process's alone
            sock.close()
    return pid, session.leave(pid, options["seconds"])


def rows(found: t.Any) -> list[dict[str, t.Any]]:
    from ansible_collections.preflight.ports.plugins.module_utils._reach import listeners

    taken = [(each.protocol, each.port) for each in found if each.state == listeners.TAKEN]
    holders = holders_of(taken) if taken else {}
    return [
        {
            "port": each.port,
            "protocol": each.protocol,
            "address": each.address,
            "name": each.name,
            "state": each.state,
            "reason": each.reason,
            "holder": holders.get((each.protocol, each.port)) if each.state == listeners.TAKEN else None,
        }
        for each in found
    ]


def holders_of(taken: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """(protocol, port) -> the name of the process that has it, so far as this user may know."""
    from ansible_collections.preflight.ports.plugins.module_utils._look.inventory import Filter, take
    from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
    from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
    from ansible_collections.preflight.ports.plugins.module_utils._table.sources import first_that_works

    ports = [range(port, port + 1) for port in sorted({port for _protocol, port in taken})]
    wanted = Filter(ports, sorted({protocol for protocol, _port in taken}), frozenset(("listening", "bound")))
    try:
        rows = first_that_works("auto", lambda source: take(wanted, source))
    except SourceError:
        return {}
    known: dict[tuple[str, int], str] = {}
    for held, holder in rows:
        name = holder.as_dict()["process"]
        if name:
            known.setdefault((held.protocol, held.port), printable(name)[:64])
    return known


if __name__ == "__main__":
    main()
