# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import CLAIM, Doubt
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    CLAIMED,
    DUPLICATE,
    REDIRECTED,
    REFUSED,
    UNAVAILABLE,
    UNKNOWN,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import (
    Container,
    Holder,
    redirected,
    unidentified,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CLOSING, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.advice import Circumstances, advice
from ansible_collections.preflight.ports.plugins.module_utils._verdict.runs import runs
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict
from support.records import APACHE, CONTAINER_ID, CURL, DOCKER_RULE, WEB, want

FREE = "free"
ROOT = Circumstances(is_root=True, ephemeral=Ephemeral(32768, 60999, frozenset([50000])))
USER = Circumstances()
WSL = Circumstances(is_wsl=True)
GAVE_UP = ROOT._replace(gave_up=True)

SERVER = Holder(("0.0.0.0",), "tcp", LISTENING, APACHE, (APACHE,), 0, "root")
CLIENT = Holder(("10.0.0.5",), "tcp", CONNECTED, CURL, (CURL,), 1000, "app", peer="10.0.0.9:443")
DYING = Holder(("10.0.0.5",), "tcp", CLOSING, kernel=True, peer="10.0.0.9:50000")
HIDDEN = Holder(("0.0.0.0",), "tcp", LISTENING, hidden=True, uid=33, user="www-data")
KERNEL = Holder(("0.0.0.0",), "udp", BOUND, kernel=True)
BRIDGE_RULE = DOCKER_RULE._replace(tool="nft", chains=("ip mine prerouting", "web"))
SERVICE_RULE = DOCKER_RULE._replace(chains=("ip nat PREROUTING", "KUBE-SERVICES"), label="default/web:http")
SHADOWED = redirected(DOCKER_RULE._replace(container=WEB), REDIRECTED, "tcp")


def of(unit, **rest):
    return SERVER._replace(process=APACHE._replace(unit=unit, **rest))


def advised(state, *holders, entry=80, circumstances=ROOT, **rest):
    fields = {key: rest.pop(key) for key in tuple(rest) if key in Verdict._fields}
    wanted = fields.pop("state", None) or rest.pop("wanted", None)
    requirement = want(entry, **({"state": wanted} if wanted else {}), **rest)
    verdict = Verdict(requirement, requirement.first, state, False, holders, **fields)
    (run,) = runs({(0, verdict.port): verdict})
    return advice(run, circumstances)


OTHER = Holder(("0.0.0.0",), "tcp", LISTENING, CURL, (CURL,), 1000, "app")
CLOSE = "Close the connection of curl (pid 4711)"
KEEP = "if it is to keep the port."


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        pytest.param(
            SERVER,
            f"Stop it (systemctl stop apache2.service), or name it in held_by (unit:apache2.service) {KEEP}",
            id="a service",
        ),
        pytest.param(
            of("cockpit.socket"),
            f"Stop it (systemctl stop cockpit.socket), or name it in held_by (unit:cockpit.socket) {KEEP}",
            id="a socket unit",
        ),
        pytest.param(
            of("user@1000.service/app.service", user="ann"),
            "Stop it (systemctl --user --machine=ann@ stop app.service), or name it in held_by"
            f" (unit:user@1000.service/app.service) {KEEP}",
            id="a service of a user's own manager",
        ),
        pytest.param(
            of("user@1000.service/$(reboot)*.service", user="ann"),
            "Stop it (systemctl --user --machine=ann@ stop '$(reboot)*.service'), or name it in held_by"
            f" (unit:user@1000.service/$(reboot)[*].service) {KEEP}",
            id="a unit whose name is a command",
        ),
        pytest.param(
            of("session-3.scope"),
            f"Stop apache2 (pid 812), or name it in held_by (apache2) {KEEP}",
            id="a session is nothing to stop",
        ),
        pytest.param(of(None), f"Stop apache2 (pid 812), or name it in held_by (apache2) {KEEP}", id="no unit"),
        pytest.param(
            of(None, name="java", program="kafka.Kafka"),
            f"Stop java running kafka.Kafka (pid 812), or name it in held_by (program:kafka.Kafka) {KEEP}",
            id="an interpreter",
        ),
        pytest.param(
            of(None, name="*"),
            f"Stop * (pid 812), or name it in held_by ([*]) {KEEP}",
            id="a name that would match all",
        ),
        pytest.param(of(None, name=""), "Stop a nameless process (pid 812).", id="no name"),
        pytest.param(
            of("docker.service", name="docker-proxy", container=WEB),
            f"Stop the container (docker stop web), or name it in held_by (container:web) {KEEP}",
            id="a container, not the engine that publishes it",
        ),
        pytest.param(
            of(None, container=Container(CONTAINER_ID, None, "podman")),
            "Stop the container (podman stop 0123456789ab).",
            id="a container without a name",
        ),
        pytest.param(
            of(None, container=Container(CONTAINER_ID, "web", "podman", "ann")),
            f"Stop the container (as user ann: podman stop web), or name it in held_by (container:ann/web) {KEEP}",
            id="a container of a user's own",
        ),
        pytest.param(
            of(None, container=Container(CONTAINER_ID, "web;reboot", "podman", "ann")),
            "Stop the container (as user ann: podman stop 'web;reboot'), or name it in held_by"
            f" (container:ann/web;reboot) {KEEP}",
            id="a container whose name is a command",
        ),
        pytest.param(
            of(None, container=Container(CONTAINER_ID, "etcd", "containerd")),
            f"Stop the container etcd, or name it in held_by (container:etcd) {KEEP}",
            id="a container of an orchestrator",
        ),
        pytest.param(
            of("systemd-resolved.service"),
            "Set DNSStubListener=no in /etc/systemd/resolved.conf, or bind single addresses of this host. Or name it in"
            f" held_by (systemd-resolved.service) {KEEP}",
            id="the host's resolver is never stopped",
        ),
        pytest.param(
            of("ssh.socket"),
            "Do not stop it, or you may lock yourself out: choose another port or another address. Or name it in"
            f" held_by (ssh.socket) {KEEP}",
            id="nor is the way in",
        ),
        pytest.param(
            KERNEL,
            f"Remove the device or kernel service that has the port, or name it in held_by (kernel) {KEEP}",
            id="the kernel",
        ),
    ],
)
def test_advice_on_a_holder(holder, expected):
    assert advised(LISTENING, holder) == expected


def test_advice_names_each_holder_once():
    other = of("b.service")
    assert advised(LISTENING, SERVER, other, SERVER) == f"{advised(LISTENING, SERVER)} {advised(LISTENING, other)}"


def test_advice_names_an_address_on_which_the_port_is_free():
    assert advised(LISTENING, SERVER, free_on="10.0.0.5").endswith(f"{KEEP} Or bind 10.0.0.5, where the port is free.")


POLICY = (
    "Look for the policy: SELinux (ausearch -m AVC), a seccomp filter, or an eBPF program on the control group"
    " (bpftool cgroup tree)."
)
NO_ADDRESS = (
    "Configure the address on this host first, or ask for one that it has. If it comes later, as a virtual address"
    " does, set nonlocal: true."
)
BECOME = "Run the task with become: true, which names the holder."
OUTSIDE = "Look for the holder outside this container or namespace: from here not even root sees it."
TOO_LONG = (
    "Look for a process with very many threads and descriptors, or one that does not answer (ps, state D): the search"
    " for the holder took too long and was given up."
)
WINDOWS = "Look for the holder on Windows: netstat.exe -abno, and netsh.exe interface portproxy show all."


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(advised(DUPLICATE, rivals=("web",)), "Give one of them another port or address.", id="duplicate"),
        pytest.param(advised(REFUSED), POLICY, id="refused by a policy"),
        pytest.param(advised(REFUSED, entry=8080, user="app"), POLICY, id="refused to a user, a high port"),
        pytest.param(
            advised(REFUSED, user="app"),
            "Let its unit have AmbientCapabilities=CAP_NET_BIND_SERVICE, or run setcap cap_net_bind_service=+ep on its"
            " program, or set net.ipv4.ip_unprivileged_port_start = 80",
            id="refused to a user, a low port",
        ),
        pytest.param(advised(UNAVAILABLE, entry="10.0.0.5:80"), NO_ADDRESS, id="unavailable"),
        pytest.param(
            advised(UNAVAILABLE, entry="[::1]:80", lacks_family=True),
            "Let the service bind 0.0.0.0, or turn IPv6 on (net.ipv6.conf.all.disable_ipv6, ipv6.disable=1).",
            id="no IPv6",
        ),
        pytest.param(advised(CLOSING, DYING), "Wait for 60 seconds, for instance with timeout: 60.", id="closing"),
        pytest.param(
            advised(CLOSING, DYING._replace(seconds_left=7), DYING._replace(seconds_left=42), DYING),
            "Wait for 42 seconds, for instance with timeout: 42.",
            id="closing, and the kernel says how long",
        ),
        pytest.param(advised(CONNECTED, CLIENT), f"{CLOSE}.", id="connected"),
        pytest.param(
            advised(CONNECTED, CLIENT, entry=45000),
            f"{CLOSE}, and keep others off the port: set net.ipv4.ip_local_reserved_ports = 45000,50000",
            id="connected by an outgoing connection",
        ),
        pytest.param(advised(CONNECTED, CLIENT, entry=50000), f"{CLOSE}.", id="connected, reserved"),
        pytest.param(advised(CONNECTED, CLIENT, entry=45000, circumstances=USER), f"{CLOSE}.", id="no such range"),
        pytest.param(advised(LISTENING, HIDDEN, circumstances=USER), BECOME, id="hidden from a user"),
        pytest.param(advised(LISTENING, HIDDEN), OUTSIDE, id="hidden from root"),
        pytest.param(advised(LISTENING, HIDDEN, circumstances=GAVE_UP), TOO_LONG, id="hidden because it took too long"),
        pytest.param(advised(LISTENING, SERVER, HIDDEN, circumstances=USER), BECOME, id="one of two is hidden"),
        pytest.param(advised(UNKNOWN, unidentified(UNKNOWN, "tcp")), OUTSIDE, id="unknown"),
        pytest.param(
            advised(UNKNOWN, unidentified(UNKNOWN, "tcp"), circumstances=WSL), WINDOWS, id="unknown, Windows beneath"
        ),
        pytest.param(
            advised(REDIRECTED, SHADOWED),
            f"Stop the container (docker stop web), or name it in held_by (container:web) {KEEP}",
            id="published by a container",
        ),
        pytest.param(
            advised(REDIRECTED, redirected(SERVICE_RULE, REDIRECTED, "tcp")),
            "Kubernetes publishes this port. Choose another one, delete the service, or name its rules in held_by"
            " (nat:default/web:http) if they are to keep the port.",
            id="published by Kubernetes",
        ),
        pytest.param(
            advised(REDIRECTED, redirected(BRIDGE_RULE, REDIRECTED, "tcp")),
            "Delete the rule if nothing answers at 172.17.0.2:80 any more (nft --handle list chain ip mine web shows"
            f" it), or name it in held_by (nat:172.17.0.2:80) {KEEP}",
            id="a rule of nftables",
        ),
        pytest.param(
            advised(REDIRECTED, redirected(BRIDGE_RULE._replace(target="172.17.0.2:80-90"), REDIRECTED, "tcp")),
            "Delete the rule if nothing answers at 172.17.0.2:80-90 any more (nft --handle list chain ip mine web shows"
            f" it), or name it in held_by (nat:172.17.0.2:*) {KEEP}",
            id="a rule that keeps each port of a run",
        ),
        pytest.param(
            advised(REDIRECTED, redirected(DOCKER_RULE, REDIRECTED, "tcp")),
            "Delete the rule if nothing answers at 172.17.0.2:80 any more (iptables -t nat -L DOCKER -n --line-numbers"
            f" shows it), or name it in held_by (nat:172.17.0.2:80) {KEEP}",
            id="a rule that may have outlived its container",
        ),
        pytest.param(
            advised(
                REDIRECTED,
                redirected(
                    DOCKER_RULE._replace(tool="iptables-legacy", chains=("ip6 nat PREROUTING",)), REDIRECTED, "tcp"
                ),
            ),
            "Delete the rule if nothing answers at 172.17.0.2:80 any more (ip6tables-legacy -t nat -L PREROUTING -n"
            f" --line-numbers shows it), or name it in held_by (nat:172.17.0.2:80) {KEEP}",
            id="a rule of the older tables",
        ),
        pytest.param(
            advised(FREE, doubt=Doubt(0, 80, 80, CLAIM, "x", "Disable it.")), "Disable it.", id="that of a doubt"
        ),
        pytest.param(advised(CLAIMED, doubt=Doubt(0, 80, 80, CLAIM, "x")), None, id="a doubt without any"),
    ],
)
def test_advice_on_a_state(found, expected):
    assert found == expected


def missed(state, *holders, **rest):
    return advised(state, *holders, wanted="listening", **rest)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(missed(FREE), "Start the service, or look at why it did not start.", id="nothing listens"),
        pytest.param(
            missed(FREE, held_by=["nginx", "unit:web"], instead=("8080/tcp", "8443/tcp")),
            "Start the service, or look at why it did not start. nginx or unit:web listens on 8080/tcp and 8443/tcp"
            " instead.",
            id="the service has other ports",
        ),
        pytest.param(
            missed(FREE, entry="10.0.0.5:80", elsewhere=("127.0.0.1",)),
            "Let the service listen on 10.0.0.5, too, or ask for an address that it serves.",
            id="something listens elsewhere",
        ),
        pytest.param(
            missed(LISTENING, SERVER, strangers=(SERVER,), held_by=["nginx"], instead=("8080/tcp",)),
            "Stop it (systemctl stop apache2.service). nginx listens on 8080/tcp instead.",
            id="another one listens, and held_by is no way out",
        ),
        pytest.param(
            missed(LISTENING, SERVER, OTHER, strangers=(SERVER,), held_by=["process:curl"], instead=("8080/tcp",)),
            "Stop it (systemctl stop apache2.service).",
            id="another one shares the port with the allowed one",
        ),
        pytest.param(
            missed(BOUND, SERVER._replace(state=BOUND)),
            "Wait until the service listens (timeout), or look at why it does not.",
            id="the service does not listen yet",
        ),
        pytest.param(
            missed(LISTENING, of("ssh.service"), strangers=(of("ssh.service"),), held_by=["nginx"]),
            "Do not stop it, or you may lock yourself out: choose another port or another address.",
            id="the way in listens",
        ),
        pytest.param(
            missed(LISTENING, SERVER, entry="10.0.0.5:80"), "Let the service listen on 10.0.0.5.", id="elsewhere"
        ),
        pytest.param(
            missed(LISTENING, SERVER._replace(interface="eth0"), entry="10.0.0.5:80"),
            "Let the service bind no device, or ask for an address that eth0 has.",
            id="on another device",
        ),
        pytest.param(
            missed(LISTENING, SERVER._replace(addresses=("::",)), entry="[::]:80"),
            "Let the service listen on 0.0.0.0, too.",
            id="the other version of IP",
        ),
        pytest.param(missed(LISTENING, HIDDEN, circumstances=USER, held_by=["nginx"]), BECOME, id="hidden"),
        pytest.param(missed(REFUSED), POLICY, id="refused"),
        pytest.param(missed(UNAVAILABLE, entry="10.0.0.5:80"), NO_ADDRESS, id="unavailable"),
        pytest.param(
            missed(REDIRECTED, redirected(BRIDGE_RULE, REDIRECTED, "tcp"), answering=(SERVER,), held_by=["nginx"]),
            "Delete the rule (nft --handle list chain ip mine web shows it), or name it in held_by"
            f" (nat:172.17.0.2:80) {KEEP}",
            id="another one answers where a rule leads",
        ),
    ],
)
def test_advice_on_what_is_to_listen(found, expected):
    assert found == expected


def test_nobody_is_told_to_stop_the_allowed_one():
    said = advised(LISTENING, OTHER, SERVER, held_by=["process:curl"])
    assert said == f"Stop it (systemctl stop apache2.service), or name it in held_by (unit:apache2.service) {KEEP}"


def test_a_device_that_is_not_there_does_not_come_by_nonlocal():
    entry = {"port": 80, "interface": "none0", "nonlocal": True}
    assert advised(UNAVAILABLE, entry=entry) == "Create the device first: nonlocal is about addresses."
