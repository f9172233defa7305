#!/usr/bin/python

# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_check
short_description: Check that ports are free or that the right service listens, and name who holds them
version_added: 1.0.0
description:
  - For every required port, says whether a server could bind it on the target now, and if not, who holds it.
  - The module reads the kernel's socket table and tries C(bind) itself. Its verdict is what the kernel would answer to
    a server that sets C(SO_REUSEADDR) for TCP but not for UDP, as is usual.
  - It is stricter than the kernel in two cases. A TCP socket that is bound but does not listen counts as holding its
    port. A port whose traffic NAT rules send elsewhere (O(redirects)) is not free, although a server could bind it.
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
      - The required ports, 200,000 at most.
      - An entry is a port number, a string C([ADDRESS[%INTERFACE]:]PORT[-PORT][/PROTOCOL[+PROTOCOL]]), or a dictionary.
        A string may hold several entries, separated by commas or blanks.
      - C(PORT) may be a name of the target's services database. The protocol is V(tcp) (the default) or V(udp). An
        IPv6 address is in brackets. For example V(80), V(8000-8010), V(127.0.0.1:5432), V(53/tcp+udp),
        V([::1]:53/udp), V(0.0.0.0%eth1:67/udp), or V(https).
      - Without an address, or with V(*), the server binds the wildcard addresses of the families that the host has,
        C(0.0.0.0) and C(::) with C(IPV6_V6ONLY). V(0.0.0.0) is only the IPv4 wildcard, V(::) is one dual-stack socket,
        and any other address is only that address.
      - An interface is the one that a server binds to with C(SO_BINDTODEVICE), as DHCP servers do.
      - A dictionary must have the key C(port). It may have C(protocol) (V(tcp), V(udp), or a list of both), C(address),
        C(interface), and C(name) (who needs the port). Its keys C(state), C(held_by), C(nonlocal), C(user),
        C(selinux_domain), C(firewall) and C(clients) override the options of the same name.
      - Two entries with different names that want a port free on overlapping addresses are a conflict, too.
      - With an empty list, the module has nothing to check, and succeeds.
    type: list
    elements: raw
    required: true
  state:
    description:
      - What every port must be.
      - With V(free), a server could bind it now, or a holder that O(held_by) allows has it.
      - With V(listening), a TCP socket that listens or a UDP socket that is bound serves clients of the address, or of
        any address if none is required. If NAT rules send the clients elsewhere, a service must answer there.
    type: str
    choices: [free, listening]
    default: free
  held_by:
    description:
      - Who may hold the port, as case-sensitive shell globs. They are matched against the name of the process, its
        systemd unit (with and without the suffix), and the name of its container. If several processes share a socket,
        one that matches is enough.
      - A prefix C(process:), C(unit:), C(container:), C(program:), C(user:) (the name or number), or C(exe:) narrows a
        pattern to that property. A program is what an interpreter runs, with or without its folder, as in
        V(program:kafka.Kafka), V(program:app.jar), or V(program:shop.wsgi:app).
      - Units and containers of ordinary users begin with their owner, as in V(unit:user@1000.service/app) and
        V(container:alice/web). A pattern without a slash matches none of them.
      - C(nat:) names NAT rules by a chain, a comment, or their target, as in V(nat:10.88.0.5:80).
      - With O(state=free), a listening or bound socket of such a holder is no conflict, so that a playbook can be run
        again. A connection that blocks the port is always a conflict, no matter who holds it.
      - With O(state=listening), every socket that clients may reach must belong to such a holder.
      - The kernel itself holds the ports of tunnels and of NFS. Its name is V(kernel).
      - A holder that cannot be identified never matches.
    type: list
    elements: str
    default: []
  nonlocal:
    description:
      - Whether the host may get a required address later, as a virtual address does. The port is then checked as if the
        address were there (C(IP_FREEBIND)). With V(false), such a port is V(unavailable). This option has no effect
        with O(probe=false).
    type: bool
    default: false
  user:
    description:
      - The name or number of the user that the server runs as when it binds. The module then tries C(bind) with that
        user's rights and without capabilities. Only root can do that. This option has no effect with O(probe=false).
      - Without it, the module tries C(bind) as the user of the task.
    type: str
  selinux_domain:
    description:
      - The SELinux domain in which the server runs as a service of init, for example V(httpd_t). The option has no
        effect on a host where SELinux is off.
      - If SELinux is enforcing and denies the domain a port that nothing holds, the port is V(refused), and the advice
        has the C(semanage port) command, and C(setsebool) where a boolean alone would allow it. If SELinux or the
        domain is permissive, RV(doubts) says so.
      - A domain that the policy of the host does not have is an error. If a C(-) precedes the domain, as in
        V(-httpd_t), RV(doubts) says so instead. Profiles name their domains that way.
      - The types of ports are read from the loaded policy with libsepol, including local changes. If the policy or the
        library cannot be read, RV(doubts) says so.
      - If the task runs in a container, SELinux is asked about the container's domain instead, unless a process of the
        container may start a server in the named one.
      - Without this option, and with C(-), the domain is that of the services in O(held_by), if all patterns there are
        C(unit:) without wildcards. The module takes it from C(SELinuxContext) of the unit, or from the label of the
        unit's program and the policy's transition for init. If these do not tell the domain, SELinux is asked about the
        domain after the C(-), or not at all.
      - With an empty string, SELinux is not asked.
    type: str
  timeout:
    description:
      - How many seconds to keep checking until every entry is met. If a port must be listening, the module does not try
        to bind it before the last check, so that the service can start meanwhile.
    type: int
    default: 0
  sleep:
    description:
      - How many seconds to wait between two checks.
    type: int
    default: 1
  probe:
    description:
      - Whether to try C(bind) on each port that the socket table shows as free. The socket is closed at once.
      - With V(false), a port with connections on it counts as taken, although some connections would allow a bind. An
        address that the host lacks, and a policy that refuses the port, go unnoticed.
    type: bool
    default: true
  redirects:
    description:
      - Whether to read the NAT rules of the target, those of nftables and of iptables, if the user may read them.
      - If nothing holds a port but NAT rules send its incoming traffic elsewhere, as they do for published ports of
        containers, it is V(redirected). A server there would start, but clients would never reach it.
      - If the effect of the rules depends on something, such as who connects, the port counts as free, and RV(doubts)
        says so.
    type: bool
    default: true
  ephemeral:
    description:
      - What to do about an ephemeral port that must be free. The kernel may give such a port to any outgoing
        connection, because it is in C(net.ipv4.ip_local_port_range) and not in C(net.ipv4.ip_local_reserved_ports).
      - With V(warn), RV(doubts) and a warning say so. With V(fail), it is a conflict. With V(ignore), it has no effect.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  claims:
    description:
      - What to do about a port that is free now but claimed, because a claimant will take it at the next boot or when
        the claimant starts. Claimants are enabled socket units of systemd, stopped containers that Docker starts by
        itself, and quadlets.
      - With V(warn), RV(doubts) and a warning say so. With V(fail), it is a conflict. With V(ignore), the module does
        not look for claims. A claimant that O(held_by) names has no effect.
      - Docker's files are read only if the user may read them.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  firewall:
    description:
      - What to do about a port that is as required, but that this host's own firewall does not open to all of
        O(clients). The module reads all rules of nftables and of iptables, if the user may read them.
      - With V(warn), RV(doubts) and a warning say so. With V(fail), a port that no client can reach is a conflict; if
        some clients can reach it, or that is unknown, it is still a doubt. With V(ignore), the firewall is not checked.
      - Ports on loopback addresses are not checked.
      - The module does not see firewalls outside of the host, nor eBPF programs.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  clients:
    description:
      - The addresses and networks from which clients must get past the firewall, for example V(10.0.0.0/8).
      - With an empty list, every other host must get past the firewall.
    type: list
    elements: str
    default: []
  source:
    description:
      - Where the socket table comes from.
      - V(netlink) asks the kernel (C(NETLINK_SOCK_DIAG)), V(procfs) reads C(/proc/net), V(psutil) uses the Python
        library.
      - V(auto) takes the first of them that works. With any other value, it is an error if that source does not work.
      - Only V(netlink), on Linux 6.8 and later, shows TCP sockets that are bound but do not listen. With another
        source, or before Linux 6.8, the bind probe (O(probe)) notices them. Root then learns who holds them on Linux
        5.6 and later. For other users, their state is RV(conflicts[].state=unknown).
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
  - Without root, the module knows less. It cannot probe ports below C(net.ipv4.ip_unprivileged_port_start), so the
    socket table decides, and a port with connections on it counts as taken. It cannot read NAT and firewall rules.
    Other users' processes are returned as hidden, so O(held_by) never allows them. RV(msg) and RV(doubts) say what
    could not be checked. Use C(become) to have that checked, too.
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

- name: A virtual address comes to this host later, and the service binds it as its own user
  preflight.ports.port_check:
    ports:
      - address: 10.0.0.100
        port: 8443
        nonlocal: true
        user: nobody

- name: On a host with SELinux, nginx must be allowed to bind the port
  preflight.ports.port_check:
    ports: [8081]
    held_by: [nginx]
    selinux_domain: httpd_t

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
  description:
    - A headline, and for each conflict and each doubt a line with its advice below, 200 lines at most.
    - If every port is as required, one sentence that also says what could not be checked.
  returned: always
  type: str
  sample: |-
    1 of 2 required ports is taken:
      80/tcp (nginx): listening on 0.0.0.0 and ::, held by httpd (pid 812, httpd.service, user root)
        Stop it (systemctl stop httpd.service), or name it in held_by (unit:httpd.service) if it is to keep the port.
ports:
  description: The required entries, one for each protocol. Ranges stay whole.
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
      description: The required address; V(null) for the wildcard addresses.
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
      description: As RV(conflicts[].state), or V(free). For a range, the worst state.
      type: str
      returned: always
      sample: free
    free:
      description: How many ports of the range are free.
      type: int
      returned: for a range
      sample: 100
    first_free:
      description: The first free port of the range; V(null) if there is none.
      type: int
      returned: for a range
      sample: 20000
conflicts:
  description:
    - The ports that are not as required.
    - Neighbouring ports of one entry that have the same state, holders and reason are one item.
  returned: always
  type: list
  elements: dict
  contains:
    port:
      description: The port number, or C(FIRST-LAST) for neighbours.
      type: raw
      returned: always
      sample: 80
    count:
      description: How many ports the item is about.
      type: int
      returned: always
      sample: 1
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
      sample: tcp
    address:
      description: The required address; V(null) for the wildcard addresses.
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
        - V(redirected) when nothing holds it, but a NAT rule sends its traffic elsewhere.
        - V(duplicate) when another entry with another name wants it free on an overlapping address.
        - V(unavailable) when the address is not on the host.
        - V(refused) when a policy (SELinux, eBPF, seccomp) or the rights of O(user) do not let the server bind it. With
          O(selinux_domain), the reason names what SELinux denies.
        - V(ephemeral) when it may go to any outgoing connection, with O(ephemeral=fail).
        - V(blocked) when this host's firewall lets no client in, with O(firewall=fail).
        - V(claimed) when something will take it later, with O(claims=fail).
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
      description: What to do about it. V(null) if there is nothing to add.
      type: str
      returned: always
      sample: >-
        Stop it (systemctl stop apache2.service), or name it in held_by (unit:apache2.service) if it is to keep
        the port.
    holders:
      description:
        - Who holds it, one item for each process or kernel object. What is unknown is V(null).
        - For a port that is V(unavailable), who would be in its way.
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
            - What the holder does with the port, as V(listening), V(bound), V(connected), V(closing), or V(unknown).
            - V(redirected) for a NAT rule, which has no addresses and no process.
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
          sample: apache2
        exe:
          description: The path of its program.
          type: str
          returned: always
          sample: /usr/sbin/apache2
        program:
          description:
            - What an interpreter runs, according to its command line, such as a script, a module, a jar, or a main
              class.
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
          sample: apache2.service
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
          description: Whether the kernel itself has it, and no process.
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
    - The items have the keys of RV(conflicts).
  returned: always
  type: list
  elements: dict
doubts:
  description: What speaks against ports that are as required. Neighbouring ports of one entry are one item.
  returned: always
  type: list
  elements: dict
  contains:
    port:
      description: The port number, or C(FIRST-LAST) for neighbours.
      type: raw
      returned: always
      sample: 45000
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
      sample: tcp
    address:
      description: The required address; V(null) for the wildcard addresses.
      type: str
      returned: always
      sample: 127.0.0.1
    name:
      description: Who needs it.
      type: str
      returned: always
      sample: etcd
    kind:
      description:
        - V(nat) when NAT rules may send its traffic elsewhere.
        - V(ephemeral) when it may go to any outgoing connection.
        - V(not_probed) when C(bind) gave no answer, so that only the socket table decided.
        - V(firewall) when this host's firewall does not let all clients in, or that is unknown.
        - V(claim) when it is free now, but a claimant will take it at the next boot or when the claimant starts.
        - V(selinux) when SELinux is permissive and would otherwise deny it to O(selinux_domain), or that is unknown.
      type: str
      returned: always
      sample: ephemeral
    reason:
      description: What speaks against the port.
      type: str
      returned: always
      sample: it may go to any outgoing connection (net.ipv4.ip_local_port_range is 32768-60999)
    advice:
      description: What to do about it. V(null) if there is nothing to add.
      type: str
      returned: always
      sample: To prevent that, set net.ipv4.ip_local_reserved_ports = 45000
ephemeral:
  description:
    - The ports that any outgoing connection may take, each a number, or C(FIRST-LAST) for neighbours.
    - Empty with O(ephemeral=ignore).
  returned: always
  type: list
  elements: raw
  sample: [45000, 46000-46009]
source:
  description: Where the socket table came from; V(null) if no port was required.
  returned: always
  type: str
  sample: netlink
probed:
  description: Whether C(bind) gave an answer for every port that the table shows as free.
  returned: always
  type: bool
  sample: true
redirects_checked:
  description: Whether the NAT rules were read, or are known not to exist.
  returned: always
  type: bool
  sample: true
firewall:
  description:
    - The ports that this host's firewall does not open to all of O(clients). Neighbouring ports of one entry with the
      same verdict are one item. Empty if all are open, or with O(firewall=ignore). If the rules were not read, it has
      only ports with O(firewall=fail), as V(unknown).
  returned: always
  type: list
  elements: dict
  contains:
    port:
      description: The port number, or C(FIRST-LAST) for neighbours.
      type: raw
      returned: always
      sample: 5432
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
      sample: tcp
    address:
      description: The required address; V(null) for the wildcard addresses.
      type: str
      returned: always
      sample: 192.0.2.1
    name:
      description: Who needs it.
      type: str
      returned: always
      sample: postgresql
    verdict:
      description:
        - V(blocked) when no client gets in.
        - V(limited) when some clients get in, or when the outcome depends on RV(firewall[].depends_on).
        - V(unknown) when the outcome depends on something that the module does not understand or could not read.
      type: str
      returned: always
      sample: blocked
    by:
      description: Whose rule stops packets. V(null) if that is not known.
      type: str
      returned: always
      sample: firewalld (zone public)
    chain:
      description: The base chain with its table, and the chain that has the rule.
      type: str
      returned: always
      sample: inet firewalld filter_INPUT > filter_IN_public
    rule:
      description: The rule that decides, or the policy of the chain, as its tool prints it.
      type: str
      returned: always
      sample: reject with icmpx admin-prohibited
    depends_on:
      description: What decides whether a client gets in.
      type: list
      elements: str
      returned: always
      sample: [a rate limit]
    advice:
      description: The command that would open the port. V(null) if the module knows none.
      type: str
      returned: always
      sample: "Run: firewall-cmd --zone=public --add-port=5432/tcp --permanent && firewall-cmd --reload"
firewall_checked:
  description: Whether the firewall was checked, or is known not to exist. It is not checked with O(firewall=ignore).
  returned: always
  type: bool
  sample: true
elapsed:
  description: How many seconds the check took.
  returned: always
  type: float
  sample: 0.004
"""

import gc

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.preflight.ports.plugins.module_utils._module.compiling import compile_once


def main() -> None:
    compile_once()
    # Only now, so that it holds for all of them.
    from ansible_collections.preflight.ports.plugins.module_utils._check.check import check

    # What is imported stays to the end, and records make no cycles: looking through them for garbage, again and again,
    # takes an eighth of the time on a host with very many sockets.
    gc.set_threshold(1_000_000)
    module = AnsibleModule(
        argument_spec={
            "ports": {"type": "list", "elements": "raw", "required": True},
            "state": {"type": "str", "choices": ["free", "listening"], "default": "free"},
            "held_by": {"type": "list", "elements": "str", "default": []},
            "nonlocal": {"type": "bool", "default": False},
            "user": {"type": "str"},
            "selinux_domain": {"type": "str"},
            "timeout": {"type": "int", "default": 0},
            "sleep": {"type": "int", "default": 1},
            "probe": {"type": "bool", "default": True},
            "redirects": {"type": "bool", "default": True},
            "ephemeral": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "warn"},
            "claims": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "warn"},
            "firewall": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "warn"},
            "clients": {"type": "list", "elements": "str", "default": []},
            "source": {"type": "str", "choices": ["auto", "netlink", "procfs", "psutil"], "default": "auto"},
            "cmdline": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    check(module.params).end(module)


if __name__ == "__main__":
    main()
