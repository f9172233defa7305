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
PORTS_EACH = 100
INTERESTING = (53, 80, 81, 443, 953, 3306, 5432, 6379, 8008, 8080, 8081, 8443, 9000, 25, 465, 27017)
RELABELLED = (range(8123, 8124), range(5432, 5433), range(8124, 8131))
"""No type of their own, one, and several at once."""
SWITCHED = {"httpd_t": 21, "named_t": 80}
"""Ports of which a boolean tells whether the domain may bind them."""
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
for port in ports:
    try:
        with socket.socket(socket.AF_INET, kind) as server:
            server.bind(("0.0.0.0", port))
            if kind == socket.SOCK_STREAM:
                server.listen()
            said[port] = "free"
    except OSError as error:
        said[port] = errno.errorcode[error.errno]
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
    Path("/run/judge.cil").write_text(MODULE)
    run("semodule", "-i", "/run/judge.cil")
    rng = random.Random(options.seed)
    # first, so that the types and the booleans that were changed then are judged, too
    faults = [*unknown(), *followed(), *switched(), *unnamed(), *activated(), *contained()]
    faults += [fault for domain in DOMAINS for fault in judged(domain, rng)]
    faults += permissive()
    print(*(faults or ["0 wrong"]), sep="\n")
    return int(bool(faults))


def judged(domain: str, rng: random.Random) -> list[str]:
    """What is wrong, of TCP and of UDP."""
    faults = []
    for protocol in KINDS:
        ports = drawn(rng)
        answers = bound(domain, protocol, ports)
        started = time.monotonic()
        verdicts = verdict(domain, protocol, ports)
        seconds = time.monotonic() - started
        wrong = [port for port in ports if (answers[str(port)] == "EACCES") != (verdicts.get(port) == "refused")]
        wrong += [port for port in ports if answers[str(port)] not in ("free", "EACCES")]
        by_itself = verdict(None, protocol, ports)
        refused = [port for port in ports if answers[str(port)] == "EACCES"]
        missed = [port for port in refused if port not in by_itself]
        wrong += [port for port in by_itself if port not in refused]
        faults += [f"{domain} {port}/{protocol}: {answers[str(port)]}, {verdicts.get(port)}" for port in wrong]
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
        if bound(domain, "tcp", [port]) != {str(port): "free"}:
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
    """What is wrong about sockets that systemd binds: they have the label of the service, not of systemd."""
    unit = UNIT.with_suffix(".socket")
    unit.write_text("[Socket]\nListenStream=0.0.0.0:9998\n")
    for label, is_refused in (("httpd_exec_t", True), ("bin_t", False)):
        install(label)
        try:
            run("systemctl", "start", unit.name)
            run("systemctl", "stop", unit.name)
            was_refused = False
        except RuntimeError:
            was_refused = True
        print(f"  9998/tcp, the socket unit of {label}: {'refused' if was_refused else 'free'}")
        if was_refused != is_refused:
            yield f"a socket unit of {label} does not have the label of its service"
    unit.unlink()


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
    if bound("httpd_t", "tcp", [9999]) != {"9999": "free"}:
        yield "bind(2) refuses a permissive domain"


def verdict(domain: str | None, protocol: str, ports: list[int]) -> dict[int, str]:
    """The state of each port that is not free."""
    result = answer(domain, [f"0.0.0.0:{port}/{protocol}" for port in ports])
    if result.get("failed") and not result["conflicts"]:
        raise RuntimeError(json.dumps(result))
    return {conflict["port"]: conflict["state"] for conflict in result["conflicts"]}


def answer(domain: str | None, ports: list[str]) -> dict[str, Any]:
    """*domain*: that of the unit where it is None."""
    arguments: dict[str, Any] = {"ports": ports, "ephemeral": "ignore", "firewall": "ignore"}
    arguments.update({"selinux_domain": domain} if domain else {"held_by": [f"unit:{UNIT.name}"]})
    return looks.run(arguments, COLLECTIONS, Path("/"), direct=True, user=None)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
