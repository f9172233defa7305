#!/usr/bin/python

# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_info
short_description: List the listening and bound sockets of a host with their holders
version_added: 1.0.0
description:
  - Lists every TCP and UDP socket of the target's network namespace that listens or is bound, with the process,
    systemd unit, container, or kernel object that holds it.
  - On Linux it needs nothing but Python. The only command that it runs is C(systemctl), to name socket units.
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
      - The ports to list, each a number, C(FIRST-LAST), or a name of the target's services database. An empty list
        means all ports.
    type: list
    elements: raw
    default: []
  protocols:
    description:
      - The protocols to list. An empty list lists nothing.
    type: list
    elements: str
    choices: [tcp, udp]
    default: [tcp, udp]
  states:
    description:
      - The states to list, see RV(sockets[].state). An empty list lists nothing.
    type: list
    elements: str
    choices: [listening, bound, connected, closing]
    default: [listening, bound]
  source:
    description:
      - Where the socket table comes from.
      - V(netlink) asks the kernel (C(NETLINK_SOCK_DIAG)), V(procfs) reads C(/proc/net), V(psutil) uses the Python
        library.
      - V(auto) takes the first of them that works. With any other value, it is an error if that source does not work.
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
  - Without root, other users' processes are returned as hidden. Use C(become) to have every holder named.
  - TCP sockets that are bound but do not listen are listed for every user with O(source=netlink) on Linux 6.8 and
    later, and otherwise only for root on Linux 5.6 and later.
seealso:
  - module: preflight.ports.port_check
  - module: community.general.listen_ports_facts
"""

EXAMPLES = r"""
- name: List what listens or is bound
  preflight.ports.port_info:
  register: info

- name: Who serves HTTP?
  preflight.ports.port_info:
    ports: [80, 443, 8000-8999]
    protocols: [tcp]
    states: [listening]
"""

RETURN = r"""
msg:
  description: Who has which port, one line for each holder of a port, 200 lines at most.
  returned: always
  type: str
  sample: |-
    22/tcp on 0.0.0.0 and ::: sshd (pid 640, ssh.service, user root)
    53/tcp+udp on 0.0.0.0 and ::: dnsmasq (pid 4502, user root)
sockets:
  description: The sockets, by protocol, port, and address. What is unknown is V(null).
  returned: always
  type: list
  elements: dict
  contains:
    address:
      description: The local address.
      type: str
      returned: always
      sample: 0.0.0.0
    port:
      description: The local port.
      type: int
      returned: always
      sample: 80
    addresses:
      description: The local address in a list, like the holders of M(preflight.ports.port_check).
      type: list
      elements: str
      returned: always
      sample: ["0.0.0.0"]
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
      sample: tcp
    state:
      description:
        - V(listening) for a TCP socket that listens.
        - V(bound) for an unconnected UDP socket, or a TCP socket that does not listen yet.
        - V(connected) for a connection or a connected UDP socket.
        - V(closing) for a dying socket, such as one in C(TIME_WAIT).
      type: str
      returned: always
      sample: listening
    pid:
      description: The oldest process that has the socket.
      type: int
      returned: always
      sample: 812
    pids:
      description: All processes that have it, 100 at most for each socket.
      type: list
      elements: int
      returned: always
      sample: [812, 813]
    process:
      description: The name of the process.
      type: str
      returned: always
      sample: nginx
    exe:
      description: The path of its program.
      type: str
      returned: always
      sample: /usr/sbin/nginx
    program:
      description:
        - What an interpreter runs, according to its command line, such as a script, a module, a jar, or a main class.
        - An application comes after the name of its server, as in V(gunicorn shop.wsgi:app).
      type: str
      returned: always
      sample: kafka.Kafka
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
      description:
        - Its systemd unit. For a socket that systemd itself holds, the socket unit.
        - A user's own unit is named with the user's manager, as in V(user@1000.service/web.service).
      type: str
      returned: always
      sample: nginx.service
    container:
      description: The container that the process belongs to, or publishes a port for.
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
        user:
          description: The ordinary user whose container it is; V(null) if it is root's.
          type: str
          returned: always
    started:
      description: When the process started, in UTC.
      type: str
      returned: always
      sample: "2026-01-31T12:00:00Z"
    interface:
      description: The interface that the socket is bound to.
      type: str
      returned: always
      sample: eth0
    peer:
      description: The other end of a connected socket.
      type: str
      returned: always
      sample: 10.0.0.9:443
    hidden:
      description: Whether it is a process that the user of the task may not see.
      type: bool
      returned: always
      sample: false
    kernel:
      description: Whether the kernel itself has it, and no process.
      type: bool
      returned: always
      sample: false
    cmdline:
      description: The command line.
      type: str
      returned: if O(cmdline=true)
      sample: nginx -g daemon off;
source:
  description: Where the socket table came from.
  returned: always
  type: str
  sample: netlink
"""


import gc

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.preflight.ports.plugins.module_utils._module.compiling import compile_once


def main() -> None:
    compile_once()
    # Only now, so that it holds for all of them.
    from ansible_collections.preflight.ports.plugins.module_utils._check.inventory import inventory

    # What is imported stays to the end, and records make no cycles: looking through them for garbage, again and again,
    # takes an eighth of the time on a host with very many sockets.
    gc.set_threshold(1_000_000)
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "list", "elements": "raw", "default": []},
            "protocols": {"type": "list", "elements": "str", "choices": ["tcp", "udp"], "default": ["tcp", "udp"]},
            "states": {
                "type": "list",
                "elements": "str",
                "choices": ["listening", "bound", "connected", "closing"],
                "default": ["listening", "bound"],
            },
            "source": {"type": "str", "choices": ["auto", "netlink", "procfs", "psutil"], "default": "auto"},
            "cmdline": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    inventory(module.params).end(module)


if __name__ == "__main__":
    main()
