# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule sets as large as those of busy nodes, in the shapes that kube-proxy, the portmap plugin and others give them."""

from __future__ import annotations

from typing import Callable, NamedTuple

TARGET = "172.17.0.2"


def kube_proxy(services):
    """5 rules for each service, with a node port from 30000 on, in the format of iptables-restore."""
    chains, rules = [], []
    for number in range(services):
        key = f"{number:016X}"
        service, cluster_ip = f"default/web{number}:http", f"10.96.{number >> 8}.{number & 255}"
        chains += [f":KUBE-SVC-{key} - [0:0]", f":KUBE-SEP-{key} - [0:0]"]
        rules += [
            f'-A KUBE-SERVICES -d {cluster_ip}/32 -p tcp -m comment --comment "{service} cluster IP" -m tcp --dport 80'
            f" -j KUBE-SVC-{key}",
            f'-A KUBE-NODEPORTS -p tcp -m comment --comment "{service}" -m tcp --dport {30000 + number}'
            f" -j KUBE-SVC-{key}",
            f'-A KUBE-SVC-{key} -m comment --comment "{service} -> {TARGET}:8080" -j KUBE-SEP-{key}',
            f'-A KUBE-SEP-{key} -s {TARGET}/32 -m comment --comment "{service}" -j KUBE-MARK-MASQ',
            f'-A KUBE-SEP-{key} -p tcp -m comment --comment "{service}" -m tcp -j DNAT --to-destination {TARGET}:8080',
        ]
    head = [":KUBE-SERVICES - [0:0]", ":KUBE-NODEPORTS - [0:0]", ":KUBE-MARK-MASQ - [0:0]"]
    first = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
    last = (
        '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this'
        ' chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS'
    )
    mark = "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"
    return "\n".join([*head, *chains, first, mark, *rules, last])


def portmap(containers):
    """4 rules for each container, with a host port from 20000 on."""
    chains, rules = [], []
    for number in range(containers):
        chain, port = f"CNI-DN-{number:021x}", 20000 + number
        chains.append(f":{chain} - [0:0]")
        rules += [
            f'-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"podman\\" id: \\"{number:064x}\\""'
            f" -m multiport --dports {port} -j {chain}",
            f"-A {chain} -s 172.17.0.0/16 -p tcp -m tcp --dport {port} -j CNI-HOSTPORT-SETMARK",
            f"-A {chain} -s 127.0.0.1/32 -p tcp -m tcp --dport {port} -j CNI-HOSTPORT-SETMARK",
            f"-A {chain} -p tcp -m tcp --dport {port} -j DNAT --to-destination {TARGET}:80",
        ]
    head = [":CNI-HOSTPORT-DNAT - [0:0]", ":CNI-HOSTPORT-SETMARK - [0:0]"]
    first = "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT"
    mark = "-A CNI-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000"
    return "\n".join([*head, *chains, first, mark, *rules])


def published(ports):
    """One rule of nft for each port from 10000 on."""
    rules = "\n".join(f"tcp dport {10000 + number} dnat to {TARGET}:80" for number in range(ports))
    return f"table ip published {{\nchain prerouting {{\ntype nat hook prerouting priority -100\n{rules}\n}}\n}}\n"


def kube_proxy_nft(services):
    """5 rules or elements for each service, in the format of nft."""
    chains, cluster, nodes = [], [], []
    for number in range(services):
        service = f"service-{number:08d}-default/web{number}/tcp/http"
        endpoint = f"endpoint-{number}"
        chains += [
            f"chain {endpoint} {{\nip saddr {TARGET} jump mark-for-masquerade",
            f"meta l4proto tcp dnat to {TARGET}:8080\n}}",
            f"chain {service} {{\nnumgen random mod 1 vmap {{ 0 : goto {endpoint} }}\n}}",
        ]
        cluster.append(f"10.96.{number >> 8}.{number & 255} . tcp . 80 : goto {service}")
        nodes.append(f"tcp . {30000 + number} : goto {service}")
    return "\n".join(
        (
            "table ip kube-proxy {",
            "chain mark-for-masquerade {\nmeta mark set meta mark or 0x4000\n}",
            *chains,
            "map service-ips {\ntype ipv4_addr . inet_proto . inet_service : verdict",
            f"elements = {{ {', '.join(cluster)} }}\n}}",
            "map service-nodeports {\ntype inet_proto . inet_service : verdict",
            f"elements = {{ {', '.join(nodes)} }}\n}}",
            "chain services {\nip daddr . meta l4proto . th dport vmap @service-ips",
            "fib daddr type local meta l4proto . th dport vmap @service-nodeports\n}",
            "chain prerouting {\ntype nat hook prerouting priority -100\njump services\n}\n}\n",
        )
    )


class Shape(NamedTuple):
    name: str
    tool: str
    make: Callable[[int], str]
    rules_each: int
    first_port: int

    def load(self, world, rules):
        """The ports that go elsewhere."""
        count = rules // self.rules_each
        if self.tool == "nft":
            world.nft(self.make(count))
        else:
            world.iptables(self.tool, self.make(count))
        return range(self.first_port, self.first_port + count)


SHAPES = [
    Shape("kube-proxy, iptables-nft", "iptables-nft", kube_proxy, 5, 30000),
    Shape("kube-proxy, iptables-legacy", "iptables-legacy", kube_proxy, 5, 30000),
    Shape("kube-proxy, nft", "nft", kube_proxy_nft, 5, 30000),
    Shape("portmap, iptables-nft", "iptables-nft", portmap, 4, 20000),
    Shape("portmap, iptables-legacy", "iptables-legacy", portmap, 4, 20000),
    Shape("published ports, nft", "nft", published, 1, 10000),
]
