# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside a virtual machine where SELinux enforces: port_check says of each domain what bind(2) says to it.

Imports what the oracle calls port_check with, so tests has to be on the path.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

from oracle import look as looks

COLLECTIONS = Path(__file__).parents[2] / ".collections"
DOMAINS = ("httpd_t", "postgresql_t", "mysqld_t", "named_t", "dnsmasq_t", "redis_t", "mongod_t", "postfix_master_t")
DOMAINS += ("squid_t", "memcached_t", "slapd_t", "dovecot_t", "varnishd_t", "snmpd_t")
PORTS_EACH = 100
INTERESTING = (53, 80, 81, 443, 953, 3306, 5432, 6379, 8008, 8080, 8081, 8443, 9000, 25, 465, 27017)
RELABELLED = (range(8123, 8124), range(5432, 5433), range(8124, 8131))
"""No type of their own, one, and several at once."""
SWITCHED = {"httpd_t": 21, "named_t": 80}
"""Ports of which a boolean tells whether the domain may bind them."""
FAMILIES = {"0.0.0.0": socket.AF_INET, "[::]": socket.AF_INET6}
ACTIVATED = {
    "httpd_exec_t": "httpd_t",
    "named_exec_t": "named_t",
    "postgresql_exec_t": "postgresql_t",
    "bin_t": "initrc_t",
}
CONTAINER = """
(type container_t)
(roletype system_r container_t)
(typeattributeset cil_gen_require http_port_t)
(typeattributeset cil_gen_require node_t)
(typeattributeset cil_gen_require security_t)
(typeattributeset cil_gen_require OWN)
(typeattributeset domain (container_t))
(allow OWN container_t (process (all)))
(allow container_t OWN (process (all)))
(allow container_t OWN (fd (all)))
(allow container_t OWN (fifo_file (all)))
(allow container_t OWN (unix_stream_socket (all)))
(allow container_t OWN (file (all)))
(allow container_t OWN (dir (all)))
(allow container_t OWN (lnk_file (all)))
(allow container_t self (process (all)))
(allow container_t self (capability (all)))
(allow container_t self (fifo_file (all)))
(allow container_t self (file (all)))
(allow container_t self (dir (all)))
(allow container_t self (lnk_file (all)))
(allow container_t self (tcp_socket (all)))
(allow container_t self (udp_socket (all)))
(allow container_t self (unix_stream_socket (all)))
(allow container_t self (unix_dgram_socket (all)))
(allow container_t self (netlink_route_socket (all)))
(allow container_t self (netlink_tcpdiag_socket (all)))
(allow container_t self (netlink_netfilter_socket (all)))
(allow container_t security_t (security (all)))
(allow container_t node_t (tcp_socket (node_bind)))
(allow container_t http_port_t (tcp_socket (name_bind)))
""" + "".join(
    f"(typeattributeset cil_gen_require {kind})\n"
    + "".join(f"(allow container_t {kind} ({each} (all)))\n" for each in ("file", "dir", "lnk_file", "chr_file"))
    for kind in ("file_type", "filesystem_type", "proc_type", "sysctl_type", "device_node")
)
"""The domain of a container, which Debian's policy has not: it may bind the ports of httpd alone."""
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
# Python may run in the domains and tell what bind(2) said. What they may bind is the policy's.
MODULE = "\n".join(
    f"""
(typeattributeset cil_gen_require {each})
(allow {each} tmp_t (file (append getattr ioctl write)))
(allow {each} file_type (dir (getattr open read search)))
(allow {each} file_type (file (execute getattr ioctl map open read)))
(allow {each} file_type (lnk_file (getattr read)))
"""
    for each in DOMAINS
)
SCRIPT, SAYS, UNIT = Path("/usr/lib/judged.py"), Path("/run/judged"), Path("/run/systemd/system/judged.service")
SERVER = """
import errno, json, socket, sys
kind, *ports = map(int, sys.argv[1:])
said = {}
for shown, address, family in (("0.0.0.0", "0.0.0.0", socket.AF_INET), ("[::]", "::", socket.AF_INET6)):
    for port in ports:
        try:
            with socket.socket(family, kind) as server:
                if family == socket.AF_INET6:
                    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                server.bind((address, port))
                if kind == socket.SOCK_STREAM:
                    server.listen()
                said[f"{shown}:{port}"] = "free"
        except OSError as error:
            said[f"{shown}:{port}"] = errno.errorcode[error.errno]
with open("/proc/self/attr/current") as file:
    print(json.dumps([file.read().strip('\\0\\n ').split(":")[2], said]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", help="the one that this has to be")
    parser.add_argument("--cases", type=int, help="is not used: the domains and ports are always as many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    release = os.uname().release
    print(f"Linux {release}, Python {sys.version.split()[0]}, SELinux {run('getenforce')}")
    if options.kernel and not release.startswith(options.kernel + "."):
        return 1
    permit()
    rng = random.Random(options.seed)
    # first, so that the types and the booleans that were changed then are judged, too
    faults = [*unknown(), *followed(), *switched(), *unnamed(), *activated(), *contained(), *in_container()]
    faults += [fault for domain in DOMAINS for fault in judged(domain, rng)]
    faults += permissive()
    print(*(faults or ["0 wrong"]), sep="\n")
    print(f"cost: {cost()}")
    return int(bool(faults))


def permit() -> None:
    """At once, as each change of the policy costs a minute on an emulated processor."""
    own = Path("/proc/self/attr/current").read_text().split(":")[2]
    Path("/run/judge.cil").write_text(MODULE + CONTAINER.replace("OWN", own))
    run("semodule", "-i", "/run/judge.cil")


def judged(domain: str, rng: random.Random) -> list[str]:
    """What is wrong, of TCP and of UDP."""
    faults = []
    for protocol in KINDS:
        ports = drawn(rng)
        answers = bound(domain, protocol, ports)
        started = time.monotonic()
        verdicts = verdict(domain, protocol, ports)
        seconds = time.monotonic() - started
        wrong = [each for each in answers if (answers[each] == "EACCES") != (verdicts.get(each) == "refused")]
        wrong += [each for each in answers if answers[each] not in ("free", "EACCES")]
        by_itself = verdict(None, protocol, ports)
        refused = [each for each in answers if answers[each] == "EACCES"]
        missed = [each for each in refused if each not in by_itself]
        wrong += [each for each in by_itself if each not in refused]
        faults += [f"{domain} {each}/{protocol}: {answers[each]}, {verdicts.get(each)}" for each in wrong]
        count = collections.Counter(answers.values())
        print(
            f"  {domain} {protocol}: {dict(count)}, {len(wrong)} wrong, {seconds:.1f} s;"
            f" by its unit alone, {len(missed)} of {len(refused)} not known"
        )
    return faults


def drawn(rng: random.Random) -> list[int]:
    """Some of each kind of ports."""
    ports = set(INTERESTING)
    while len(ports) < PORTS_EACH:
        ports.add(
            rng.randrange(*rng.choice([(1, 1024), (1024, 10000), (10000, 32768), (32768, 61000), (61000, 65536)]))
        )
    return sorted(ports)


def bound(domain: str, protocol: str, ports: list[int]) -> dict[str, str]:
    """What bind(2) says to a service of systemd that runs in the domain, by the label of its executable."""
    install(f"{domain[:-2]}_exec_t", f"-I -S {SCRIPT} {int(KINDS[protocol])} {' '.join(map(str, ports))}")
    run("systemctl", "start", UNIT.name)
    ran_in, answers = json.loads(SAYS.read_text())
    if ran_in != domain:
        raise RuntimeError(f"the service ran in {ran_in}, not in {domain}")
    return answers


def install(label: str, arguments: str = "", more: str = "") -> None:
    """A service whose program has the label."""
    program = Path("/usr/sbin", f"judged-{label}")
    if not program.exists():
        shutil.copy(os.path.realpath(sys.executable), program)
        os.setxattr(program, "security.selinux", f"system_u:object_r:{label}:s0".encode())
    SAYS.write_text("")
    os.setxattr(SAYS, "security.selinux", b"system_u:object_r:tmp_t:s0")
    SCRIPT.write_text(SERVER)
    UNIT.write_text(
        f"""
[Service]
Type=oneshot
ExecStart={program} {arguments}
StandardOutput=truncate:{SAYS}
{more}
"""
    )
    run("systemctl", "daemon-reload")


def followed() -> Iterator[str]:
    """What is wrong after the advice has been followed."""
    for ports in RELABELLED:
        asked = f"0.0.0.0:{ports[0]}-{ports[-1]}/tcp"
        (conflict,) = answer("httpd_t", [asked])["conflicts"]
        print(f"  {conflict['port']}/tcp: {conflict['reason']}", f"    {conflict['advice']}", sep="\n")
        command = re.search(r"semanage port -[am] -t \w+ -p tcp [\d-]+", conflict["advice"])
        run(*command[0].split())
        if set(bound("httpd_t", "tcp", list(ports)).values()) != {"free"}:
            yield f"bind(2) still refuses {ports}"
        if answer("httpd_t", [asked])["conflicts"]:
            yield f"port_check still calls {ports} refused"


def switched() -> Iterator[str]:
    """What is wrong after the boolean of the advice has been changed."""
    for domain, port in SWITCHED.items():
        asked = [f"0.0.0.0:{port}/tcp"]
        (conflict,) = answer(domain, asked)["conflicts"]
        print(f"  {port}/tcp: {conflict['reason']}", f"    {conflict['advice']}", sep="\n")
        command = re.search(r"setsebool -P \w+ (on|off)", conflict["advice"])
        if not command:
            yield f"no boolean for {domain} and {port}"
            continue
        run(*command[0].split())
        if set(bound(domain, "tcp", [port]).values()) != {"free"}:
            yield f"bind(2) still refuses {port} to {domain}"
        if answer(domain, asked)["conflicts"]:
            yield f"port_check still calls {port} refused to {domain}"


def unnamed() -> Iterator[str]:
    """What is wrong about domains that nobody named."""
    context = "SELinuxContext=system_u:system_r:httpd_t:s0"
    bounded = "NoNewPrivileges=yes"
    for label, more, expected in (
        ("httpd_exec_t", "", "httpd_t"),
        ("httpd_exec_t", bounded, "httpd_t"),
        ("bin_t", context, "httpd_t"),
        ("bin_t", "", None),
        ("shell_exec_t", "", None),
        ("mysqld_safe_exec_t", "", None),
    ):
        install(label, more=more)
        conflicts = answer(None, ["0.0.0.0:9999"])["conflicts"]
        reason = conflicts[0]["reason"] if conflicts else None
        print(f"  9999/tcp, {label} {more}: {reason}")
        if (f"{UNIT.name} (in {expected})" in reason) if reason else expected is None:
            continue
        yield f"the domain of {label} {more} is not {expected}: {reason}"


def activated() -> Iterator[str]:
    """What is wrong about sockets that systemd binds: they have the label of the service's program, not of systemd."""
    unit = UNIT.with_suffix(".socket")
    for label, domain in ACTIVATED.items():
        install(label)
        unit.write_text("[Socket]\nListenStream=0.0.0.0:9998\n")
        said = answer(None, [f"0.0.0.0:{port}/tcp" for port in INTERESTING], unit.name)
        refused = {conflict["port"]: conflict["reason"] for conflict in said["conflicts"]}
        wrong = [port for port, reason in refused.items() if f"{unit.name} (in {domain})" not in reason]
        for port in INTERESTING:
            unit.write_text(f"[Socket]\nListenStream=0.0.0.0:{port}\n")
            run("systemctl", "daemon-reload")
            try:
                run("systemctl", "start", unit.name)
                run("systemctl", "stop", unit.name)
                was_refused = False
            except RuntimeError:
                run("systemctl", "reset-failed", unit.name)
                was_refused = True
            if was_refused != (port in refused):
                wrong.append(port)
        print(f"  the socket unit of {label}: {len(refused)} of {len(INTERESTING)} refused, {len(wrong)} wrong")
        yield from (f"the socket unit of {label}, {port}: {refused.get(port)}" for port in wrong)
    unit.unlink()


def in_container(domain: str = "container_t") -> Iterator[str]:
    """What is wrong in a container whose domain is not that of the host's tasks."""
    SCRIPT.write_text(SERVER)
    ports = [*INTERESTING, *range(7000, 7000 + PORTS_EACH - len(INTERESTING))]
    for protocol, kind in KINDS.items():
        apart = ("unshare", "--mount", "--pid", "--fork", "--mount-proc")
        enter = (*apart, "runcon", f"system_u:system_r:{domain}:s0", "sh", "-c", '"$@"; exit $?', "sh", sys.executable)
        ran_in, answers = json.loads(run(*enter, "-I", "-S", str(SCRIPT), str(int(kind)), *map(str, ports)))
        asking = "import json, sys; from kernels import confined; print(json.dumps([*confined.verdict("
        asking += f"'httpd_t', '{protocol}', {ports}).items()]))"
        verdicts = dict(json.loads(run(*enter, "-c", asking)))
        refused = [each for each in answers if answers[each] == "EACCES"]
        wrong = sorted(set(refused) ^ set(verdicts))
        print(f"  a container of {ran_in}, {protocol}: {len(refused)} of {len(answers)} refused, {len(wrong)} wrong")
        if ran_in != domain or not refused:
            yield f"the container ran in {ran_in}, {refused} were refused"
        yield from (f"{domain} {each}/{protocol}: {answers[each]}, {verdicts.get(each)}" for each in wrong)


def contained() -> Iterator[str]:
    """What is wrong where all processes have the domain of the first one, as in containers."""
    own = Path("/proc/self/attr/current").read_text().split(":")[2]
    for setting, expected in (("umount /sys/fs/selinux", own), ("true", "httpd_t")):
        inside = "import json; from kernels import confined; print(json.dumps(confined.answer('httpd_t', ['9999'])))"
        apart = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", f'{setting} && exec "$@"', "sh")
        said = json.loads(run(*apart, sys.executable, "-c", inside))
        reason = (said["conflicts"] + said["doubts"])[0]["reason"]
        print(f"  9999/tcp, a container of {own} ({setting}): {reason}")
        if expected not in reason:
            yield f"in a container of {own} it says: {reason}"


def unknown() -> Iterator[str]:
    said = answer("htpd_t", ["80"])
    print(f"  {said['msg']}")
    if not said.get("failed") or "near it: httpd_t" not in said["msg"]:
        yield "an unknown domain is no error that names the nearest one"
    said = answer("-htpd_t", ["80"])
    print(f"  {said['msg']}")
    if said.get("failed") or [doubt["kind"] for doubt in said["doubts"]] != ["selinux"]:
        yield "a domain that need not be there is no doubt"


def permissive() -> Iterator[str]:
    """What is wrong where the domain is not enforced."""
    run("semanage", "permissive", "-a", "httpd_t")
    said = answer("httpd_t", ["0.0.0.0:9999"])
    if said.get("failed") or [doubt["kind"] for doubt in said["doubts"]] != ["selinux"]:
        yield f"of a permissive domain it says {said}"
        return
    print(f"  9999/tcp: {said['doubts'][0]['reason']}")
    if set(bound("httpd_t", "tcp", [9999]).values()) != {"free"}:
        yield "bind(2) refuses a permissive domain"


def verdict(domain: str | None, protocol: str, ports: list[int]) -> dict[str, str]:
    """The state of each address and port that is not free."""
    result = answer(domain, [f"{address}:{port}/{protocol}" for address in FAMILIES for port in ports])
    if result.get("failed") and not result["conflicts"]:
        raise RuntimeError(json.dumps(result))
    return {f"{shown(conflict['address'])}:{conflict['port']}": conflict["state"] for conflict in result["conflicts"]}


def shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def answer(domain: str | None, ports: list[str], unit: str = UNIT.name) -> dict[str, Any]:
    """*domain*: that of the unit where it is None."""
    arguments: dict[str, Any] = {"ports": ports, "ephemeral": "ignore", "firewall": "ignore"}
    arguments.update({"selinux_domain": domain} if domain else {"held_by": [f"unit:{unit}"]})
    return looks.run(arguments, COLLECTIONS, Path("/"), direct=True, user=None)


def cost() -> str:
    """Of a check of 16 ports with a domain, and without one."""
    seconds = {}
    ports = [f"0.0.0.0:{port}" for port in INTERESTING]
    for name, domain in {"without": "", "with a denied port": "httpd_t", "with nothing denied": "unconfined_t"}.items():
        started = time.monotonic()
        for _each in range(3):
            looks.run(
                {"ports": ports, "ephemeral": "ignore", "firewall": "ignore", "selinux_domain": domain},
                COLLECTIONS,
                Path("/"),
                direct=True,
                user=None,
            )
        seconds[name] = (time.monotonic() - started) / 3
    return ", ".join(f"{name} {each:.2f} s" for name, each in seconds.items())


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
