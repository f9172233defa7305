#!/usr/bin/python

# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_check
short_description: Check that ports can be bound, or are listened on, and name who holds them
version_added: 1.0.0
description:
  - Tells for every required port whether a server could bind it on the target now, and if not, who holds it.
  - Two witnesses are asked, the kernel's socket table and C(bind) itself. The verdict is what the kernel would answer
    to a server that sets C(SO_REUSEADDR) on TCP, as servers do, and does not on UDP.
  - In one thing the module is stricter than the kernel, a TCP socket that is bound but does not listen occupies its
    port.
  - The module changes nothing on the target and never listens.
author:
  - preflight.ports contributors (@preflight)
extends_documentation_fragment:
  - preflight.ports._attributes
  - preflight.ports._attributes.info_module
attributes:
  platform:
    platforms: posix
options:
  ports:
    description:
      - The required ports.
      - An entry is a port number, a string C([ADDRESS:]PORT[-PORT][/PROTOCOL]), or a dictionary.
      - In a string, an IPv6 address stands in brackets, C(PORT) may be a name of the target's services database, and
        the protocol is V(tcp) (the default) or V(udp). For example V(80), V(8000-8010), V(127.0.0.1:5432),
        V([::1]:53/udp), or V(https).
      - Without an address, the wildcard addresses of the families that the host has are meant, C(0.0.0.0) and C(::)
        with C(IPV6_V6ONLY). V(0.0.0.0) is the IPv4 wildcard alone, V(::) one dual-stack socket, any other address
        itself alone.
      - A dictionary has the keys C(port) (a number, C(FIRST-LAST), or a service name; required), C(protocol) (V(tcp),
        V(udp), or a list of both), C(address) (an IP address), C(name) (who needs the port, for messages), C(state)
        and C(held_by), which override O(state) and O(held_by) for the entry.
      - Two entries with different names that want a port free on overlapping addresses are a conflict too.
      - An empty list is met.
    type: list
    elements: raw
    required: true
  state:
    description:
      - What every port must be.
      - With V(free), a server could bind it now, or one that O(held_by) allows holds it.
      - With V(listening), a TCP socket listens, or a UDP socket is bound, on the address, or on any address if none
        is required.
    type: str
    choices: [free, listening]
    default: free
  held_by:
    description:
      - Who may hold the port, as shell globs. They are matched, case-sensitively, against the holder's process name,
        its systemd unit (with and without the suffix), and the name of its container.
      - A prefix C(process:), C(unit:), C(container:), C(user:) (the name or number), or C(exe:) narrows a pattern to
        that one.
      - With O(state=free), such holders are no conflict, so that a playbook can be run again.
      - With O(state=listening), one of them must hold the port.
      - The kernel itself, which has the ports of tunnels and of NFS, is matched as the process V(kernel).
      - A holder that cannot be identified never matches.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - For how many seconds to keep looking until every entry is met.
    type: int
    default: 0
  sleep:
    description:
      - How many seconds to wait between two looks.
    type: int
    default: 1
  probe:
    description:
      - Whether to ask C(bind) about what the socket table calls free. The socket is closed at once.
      - Without it, a port with connections on it counts as taken, although some connections would allow a bind, and
        an address that the host does not have goes unnoticed.
    type: bool
    default: true
  redirects:
    description:
      - Whether to look at the NAT rules of the target, those of nftables and of iptables, where the user may read them.
      - A port that nothing holds, and whose incoming traffic they send elsewhere, as they do for published ports of
        containers, is V(redirected). A server there would start and never be reached.
      - Where it cannot be told what rules do to a port, because that depends for example on who connects, the port
        counts as free and there is a warning.
    type: bool
    default: true
  ephemeral:
    description:
      - What to do about a port that is to be free and that the kernel may give to any outgoing connection, because it
        lies in C(net.ipv4.ip_local_port_range) and not in C(net.ipv4.ip_local_reserved_ports).
    type: str
    choices: [warn, fail, ignore]
    default: warn
  source:
    description:
      - Where the socket table comes from.
      - V(netlink) asks the kernel (C(NETLINK_SOCK_DIAG)), V(procfs) reads C(/proc/net), V(psutil) uses the Python
        library.
      - V(auto) takes the first of them that works. With another value it is an error if that one does not.
      - Only V(netlink), on Linux 6.8 and later, shows TCP sockets that are bound but do not listen. Elsewhere the
        probe notices them. An administrator gets to know their holders on Linux 5.6 and later, for others their state
        is RV(conflicts[].state=unknown).
    type: str
    choices: [auto, netlink, procfs, psutil]
    default: auto
  cmdline:
    description:
      - Whether to return the holders' command lines.
      - They can contain passwords.
    type: bool
    default: false
requirements:
  - psutil, on targets other than Linux
notes:
  - Without privileges the verdicts are the same, but other users' processes are returned as hidden. Use C(become) to
    have every holder named. On ports that only a privileged user may bind, there is no probe without privileges; the
    socket table decides, and a port with connections on it counts as taken. NAT rules cannot be read without them.
  - The verdict holds for the moment of the check and for the network namespace of the task.
seealso:
  - module: ansible.builtin.wait_for
  - module: community.general.listen_ports_facts
"""

EXAMPLES = r"""
- name: The ports of a web server must be free, or its own
  preflight.ports.port_check:
    ports: [80, 443, 443/udp]
    held_by: [nginx]

- name: Say who needs a port, and on which address
  preflight.ports.port_check:
    ports:
      - port: 5432
        address: 127.0.0.1
        name: PostgreSQL
        held_by: ["unit:postgresql@*", postgres]
      - port: 53
        protocol: [tcp, udp]
        name: resolver
      - 30000-30100

- name: After the installation the service must listen within half a minute
  preflight.ports.port_check:
    ports: ["[::1]:6379", "127.0.0.1:6379"]
    state: listening
    held_by: [redis-server]
    timeout: 30

- name: Choose a free port
  preflight.ports.port_check:
    ports: [20000-20099]
  register: candidates
  failed_when: candidates.ports[0].first_free is none
"""

RETURN = r"""
msg:
  description: What was found in one sentence; on failure a headline and one line for each conflict, 200 at most.
  returned: always
  type: str
  sample: |-
    1 of 2 required ports is taken:
      80/tcp (nginx): listening on 0.0.0.0 and ::, held by apache2 (pid 812, apache2.service, user root)
ports:
  description: The entries as they were asked for, one for each protocol; ranges are kept whole.
  returned: always
  type: list
  elements: dict
  contains:
    port:
      description: The port number, or C(FIRST-LAST) for a range.
      type: raw
      returned: always
      sample: 80
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
      sample: tcp
    address:
      description: The required address; V(none) for the wildcard addresses.
      type: str
      returned: always
      sample: 127.0.0.1
    name:
      description: Who needs it.
      type: str
      returned: always
      sample: nginx
    met:
      description: Whether it is as required.
      type: bool
      returned: always
      sample: true
    state:
      description: As RV(conflicts[].state), or V(free); of a range the worst.
      type: str
      returned: always
      sample: free
    free:
      description: How many ports of the range are free.
      type: int
      returned: for a range
      sample: 100
    first_free:
      description: The first free port of the range; V(none) if there is none.
      type: int
      returned: for a range
      sample: 20000
conflicts:
  description: The ports that are not as required.
  returned: always
  type: list
  elements: dict
  contains:
    port:
      description: The port number.
      type: int
      returned: always
      sample: 80
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
      sample: tcp
    address:
      description: The required address; V(none) for the wildcard addresses.
      type: str
      returned: always
      sample: 127.0.0.1
    name:
      description: Who needs it.
      type: str
      returned: always
      sample: nginx
    state:
      description:
        - V(free) when nothing holds it, V(listening) when a TCP socket listens.
        - V(bound) for an unconnected UDP socket, or a TCP socket that does not listen yet.
        - V(connected) when a connection, or a connected UDP socket, has it as its local port.
        - V(closing) when only dying sockets such as those in C(TIME_WAIT) are left, and still block a bind.
        - V(redirected) when nothing holds it, but a NAT rule sends elsewhere what is sent to it.
        - V(duplicate) when another entry with another name wants it too.
        - V(unavailable) when the address is not on the host.
        - V(unknown) when something holds it that neither the table nor C(/proc) shows.
      type: str
      returned: always
      sample: listening
    wanted:
      description: The required state.
      type: str
      returned: always
      sample: free
    reason:
      description: Why it is not as required.
      type: str
      returned: always
      sample: listening on 0.0.0.0 and ::, held by apache2 (pid 812, apache2.service, user root)
    advice:
      description: What to do about it, if there is something to say.
      type: str
      returned: always
      sample: Stop apache2.service, or name it in held_by if it is to keep the port.
    holders:
      description: Who holds it, one item for each process or kernel object. What is unknown is V(none).
      type: list
      elements: dict
      returned: always
      contains:
        addresses:
          description: The local addresses of its sockets on the port.
          type: list
          elements: str
          returned: always
          sample: ["0.0.0.0", "::"]
        protocol:
          description: V(tcp) or V(udp).
          type: str
          returned: always
          sample: tcp
        state:
          description:
            - What it does with the port, V(listening), V(bound), V(connected), V(closing), or V(unknown).
            - V(redirected) for a NAT rule, which has no addresses and no process.
          type: str
          returned: always
          sample: listening
        pid:
          description: The eldest process that has the socket.
          type: int
          returned: always
          sample: 812
        pids:
          description: All processes that have it.
          type: list
          elements: int
          returned: always
          sample: [812, 813]
        process:
          description: The name of the process.
          type: str
          returned: always
          sample: apache2
        exe:
          description: The path of its program.
          type: str
          returned: always
          sample: /usr/sbin/apache2
        user:
          description: The name of its effective user.
          type: str
          returned: always
          sample: root
        uid:
          description: The number of its effective user.
          type: int
          returned: always
          sample: 0
        unit:
          description: Its systemd unit; the socket unit for a socket that systemd itself holds.
          type: str
          returned: always
          sample: apache2.service
        container:
          description: The container it belongs to or publishes a port for.
          type: dict
          returned: always
          contains:
            id:
              description: The container's ID.
              type: str
              returned: always
            name:
              description: The container's name.
              type: str
              returned: always
            runtime:
              description: For example V(docker), V(podman), V(containerd), V(cri-o), V(lxc), or V(nspawn).
              type: str
              returned: always
        started:
          description: When the process started, in UTC.
          type: str
          returned: always
          sample: "2026-01-31T12:00:00Z"
        interface:
          description: The device that the socket is bound to.
          type: str
          returned: always
          sample: eth0
        peer:
          description: The other end of a connected socket, or where the traffic of a redirected port goes.
          type: str
          returned: always
          sample: 10.0.0.9:443
        hidden:
          description: Whether it is a process that the user of the task may not see.
          type: bool
          returned: always
          sample: false
        kernel:
          description: Whether no process has it, but the kernel itself.
          type: bool
          returned: always
          sample: false
        cmdline:
          description: The command line.
          type: str
          returned: if O(cmdline=true)
          sample: /usr/sbin/apache2 -k start
held:
  description:
    - The ports that are as required because O(held_by) allows their holder.
    - The items are those of RV(conflicts).
  returned: always
  type: list
  elements: dict
ephemeral:
  description: The ports that any outgoing connection may take; empty with O(ephemeral=ignore).
  returned: always
  type: list
  elements: int
  sample: [45000]
source:
  description: Where the socket table came from; V(none) if no port was required.
  returned: always
  type: str
  sample: netlink
probed:
  description: Whether C(bind) gave an answer wherever the table had none.
  returned: always
  type: bool
  sample: true
redirects_checked:
  description: Whether the NAT rules were looked at, or are known not to be there.
  returned: always
  type: bool
  sample: true
elapsed:
  description: For how many seconds the module looked.
  returned: always
  type: float
  sample: 0.004
"""

import gc
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.preflight.ports.plugins.module_utils._kernel import ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import ProbeError
from ansible_collections.preflight.ports.plugins.module_utils._look.look import Look, look
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    Requirement,
    RequirementError,
    ports_to_be_free,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import first_that_works
from ansible_collections.preflight.ports.plugins.module_utils._verdict.results import NOTHING, result

FOREVER = 10**9  # seconds; time.sleep() takes no more than its clock can count


def main() -> None:
    # What is imported stays to the end: looking through it for garbage, again and again, only takes time.
    gc.freeze()
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "list", "elements": "raw", "required": True},
            "state": {"type": "str", "choices": ["free", "listening"], "default": "free"},
            "held_by": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 0},
            "sleep": {"type": "int", "default": 1},
            "probe": {"type": "bool", "default": True},
            "redirects": {"type": "bool", "default": True},
            "ephemeral": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "warn"},
            "source": {"type": "str", "choices": ["auto", "netlink", "procfs", "psutil"], "default": "auto"},
            "cmdline": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    started = time.monotonic()
    try:
        for name in ("timeout", "sleep"):
            if options[name] < 0:
                raise RequirementError(f"{name} {options[name]}: a number of seconds is 0 or more")
        requirements = parse(options["ports"], options["state"], options["held_by"])
        seen = look_until_met(module, requirements, started + min(options["timeout"], FOREVER))
    except (RequirementError, SourceError, ProbeError) as error:
        module.fail_json(msg=str(error), elapsed=since(started), **NOTHING)
    settings = ephemeral.read()
    outcome = {
        **result(requirements, seen.verdicts, options["cmdline"], os.geteuid() == 0, settings),
        "source": seen.source if requirements else None,
        "probed": seen.probed,
        "redirects_checked": seen.redirects_checked,
        "ephemeral": [],
    }
    # _sentences only now: on a target, each import costs time in each task.
    if seen.doubts:
        from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import redirect_findings

        for finding in redirect_findings(seen.doubts):
            module.warn(finding)
    failed = bool(outcome["conflicts"])
    threatened = settings.threatened(ports_to_be_free(requirements)) if settings else []
    if settings and threatened and options["ephemeral"] != "ignore":
        outcome["ephemeral"] = threatened
        from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import ephemeral_finding

        finding = ephemeral_finding(settings, threatened)
        if options["ephemeral"] == "fail":
            outcome["msg"] = f"{outcome['msg']}\n{finding}" if failed else finding
            failed = True
        else:
            module.warn(finding)
    outcome["elapsed"] = since(started)
    if failed:
        module.fail_json(**outcome)
    module.exit_json(**outcome)


def look_until_met(module: AnsibleModule, requirements: t.Sequence[Requirement], deadline: float) -> Look:
    """The first look that finds all as required, or the last one before the deadline."""
    options = module.params
    while True:
        seen = first_that_works(
            options["source"],
            lambda source: look(requirements, source, options["probe"], options["redirects"], module.run_command),
        )
        unmet = [verdict for verdict in seen.verdicts.values() if not verdict.met]
        left = deadline - time.monotonic()
        if not unmet or left <= 0 or any(verdict.is_final for verdict in unmet):
            return seen
        time.sleep(min(options["sleep"], left))


def since(started: float) -> float:
    return round(time.monotonic() - started, 3)


if __name__ == "__main__":
    main()
