# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a port that is not as required: the command or the setting for this very case. Pure."""

from __future__ import annotations

import re
import typing as t
from shlex import quote

from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    REDIRECTED,
    REFUSED,
    UNAVAILABLE,
    UNKNOWN,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Holder, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CLOSING, CONNECTED
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined
from ansible_collections.preflight.ports.plugins.module_utils._verdict.names import name_of
from ansible_collections.preflight.ports.plugins.module_utils._verdict.runs import Run
from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import is_for_ipv6_alone, only_devices
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, allows

_TIME_WAIT_SECONDS = 60  # TCP_TIMEWAIT_LEN of the kernel's include/net/tcp.h
_LOW_PORTS = 1024
_MOST_NAMES = 3  # the reason has them all
_ENGINES = ("docker", "podman")


class Circumstances(t.NamedTuple):
    """What advice depends on beside the verdict."""

    is_root: bool = False
    is_wsl: bool = False
    """Whether Windows runs this kernel: WSL shares its ports with Windows, whose processes no table here shows."""
    ephemeral: Ephemeral | None = None
    """The kernel's range for outgoing connections, where it has one."""
    gave_up: bool = False
    """Whether the search for holders ended before its end, because somebody let it wait."""


def advice(run: Run, circumstances: Circumstances) -> str | None:
    """Whole sentences; None where there is nothing to say that the reason does not."""
    verdict = run.verdict
    if verdict.doubt:
        return verdict.doubt.advice
    if verdict.requirement.state == LISTENING:
        return _for_listening(verdict, circumstances)
    if verdict.state == DUPLICATE:
        return "Give one of them another port or address."
    if verdict.state == REFUSED:
        return _for_refused(verdict)
    if verdict.state == UNAVAILABLE:
        return _for_unavailable(verdict)
    if verdict.state == REDIRECTED:
        return _for_redirected(verdict)
    if verdict.state == UNKNOWN or any(holder.hidden for holder in verdict.holders):
        return _for_hidden(circumstances)
    if verdict.state == CLOSING:
        return _for_closing(verdict)
    if verdict.state == CONNECTED:
        return _for_connected(run, circumstances)
    elsewhere = f" Or bind {verdict.free_on}, where the port is free." if verdict.free_on else ""
    strangers = [holder for holder in verdict.holders if not allows(verdict.requirement, holder)]
    return f"{_for_holders(strangers or verdict.holders)}{elsewhere}"


def _for_listening(verdict: Verdict, circumstances: Circumstances) -> str | None:
    requirement = verdict.requirement
    is_here = any(allows(requirement, holder) for holder in verdict.holders)
    ports = () if is_here else verdict.instead
    instead = f" {_wanted(verdict)} listens on {joined(ports)} instead." if ports else ""
    if verdict.elsewhere:
        return f"Let the service listen on {requirement.address}, too, or ask for an address that it serves."
    if verdict.state == FREE:
        return f"Start the service, or look at why it did not start.{instead}"
    if verdict.state == REFUSED:
        return _for_refused(verdict)
    if verdict.state == UNAVAILABLE:
        return _for_unavailable(verdict)
    if verdict.state == UNKNOWN or any(holder.hidden for holder in verdict.holders):
        return _for_hidden(circumstances)
    if verdict.state == REDIRECTED:
        return _for_redirected(verdict)
    if verdict.strangers:
        return f"{_for_holders(verdict.strangers, is_kept=False)}{instead}"
    if verdict.state == BOUND:
        return "Wait until the service listens (timeout), or look at why it does not."
    devices = only_devices(verdict)
    if devices:
        return f"Let the service bind no device, or ask for an address that {joined(devices, 'or')} has."
    if is_for_ipv6_alone(verdict):
        return "Let the service listen on 0.0.0.0, too."
    if requirement.address:
        return f"Let the service listen on {requirement.address}."
    return None


def _wanted(verdict: Verdict) -> str:
    return joined([pattern.text for pattern in verdict.requirement.held_by], "or")


def _for_refused(verdict: Verdict) -> str:
    if verdict.requirement.user and verdict.port < _LOW_PORTS:
        return (
            "Let its unit have AmbientCapabilities=CAP_NET_BIND_SERVICE, or run"
            " setcap cap_net_bind_service=+ep on its program, or set"
            f" net.ipv4.ip_unprivileged_port_start = {verdict.port}"
        )
    return (
        "Look for the policy: SELinux (ausearch -m AVC), a seccomp filter, or an eBPF program on the control group"
        " (bpftool cgroup tree)."
    )


def _for_unavailable(verdict: Verdict) -> str:
    if verdict.lacks_family:
        return "Let the service bind 0.0.0.0, or turn IPv6 on (net.ipv6.conf.all.disable_ipv6, ipv6.disable=1)."
    if verdict.requirement.may_come_later:
        return "Create the device first: nonlocal is about addresses."
    return (
        "Configure the address on this host first, or ask for one that it has. If it comes later, as a virtual address"
        " does, set nonlocal: true."
    )


def _for_hidden(circumstances: Circumstances) -> str:
    if circumstances.is_wsl:
        return "Look for the holder on Windows: netstat.exe -abno, and netsh.exe interface portproxy show all."
    if not circumstances.is_root:
        return "Run the task with become: true, which names the holder."
    if circumstances.gave_up:
        return (
            "Look for a process with very many threads and descriptors, or one that does not answer (ps, state D): the"
            " search for the holder took too long and was given up."
        )
    return "Look for the holder outside this container or namespace: from here not even root sees it."


def _for_redirected(verdict: Verdict) -> str:
    return " ".join(dict.fromkeys(_for_rule(holder.redirect, verdict) for holder in verdict.holders if holder.redirect))


def _for_rule(redirect: Redirect, verdict: Verdict) -> str:
    if redirect.container and redirect.container.runtime != "unknown":
        return f"{_stop_container(redirect.container)}{_or_name(_container_pattern(redirect.container))}"
    if any("KUBE-" in chain or "kube-proxy" in chain for chain in redirect.chains):
        return (
            "Kubernetes publishes this port. Choose another one, delete the service, or name its rules in held_by"
            f" (nat:{redirect.label or 'KUBE-*'}) if they are to keep the port."
        )
    table, chain = redirect.chains[0].rpartition(" ")[0], redirect.chains[-1].rpartition(" ")[2]
    show = f"nft --handle list chain {table} {chain}"
    if redirect.tool != "nft":
        command = "ip6tables" if table.startswith("ip6") else "iptables"
        show = f"{command}{'-legacy' if redirect.tool.endswith('legacy') else ''} -t nat -L {chain} -n --line-numbers"
    if verdict.answering:
        delete = f"Delete the rule ({show} shows it)"
    elif verdict.requirement.state != FREE:
        delete = f"Nothing is known to answer at {redirect.target}: delete the rule ({show} shows it)"
    else:  # nobody was asked who answers there
        delete = f"Delete the rule if nothing answers at {redirect.target} any more ({show} shows it)"
    # Of a run, each port has a target of its own; where the targets are several, the way to them has one name.
    target = chain if redirect.targets else re.sub(r":\d+-\d+$", ":*", redirect.target)
    return f"{delete}{_or_name(f'nat:{target}')}"


def _for_closing(verdict: Verdict) -> str:
    seconds = max((holder.seconds_left or 0 for holder in verdict.holders), default=0) or _TIME_WAIT_SECONDS
    return f"Wait for {seconds} seconds, for instance with timeout: {seconds}."


def _for_connected(run: Run, circumstances: Circumstances) -> str:
    ports, settings = range(run.first, run.last + 1), circumstances.ephemeral
    whose = [f"{name_of(holder)} (pid {holder.process.pid})" for holder in run.verdict.holders if holder.process]
    close = f"Close the connection{f' of {joined(whose)}' if 0 < len(whose) <= _MOST_NAMES else ''}"
    if settings and settings.threatened(ports):
        return f"{close}, and keep others off the port: set {settings.sysctl(ports)}"
    return f"{close}."


def _for_holders(holders: t.Sequence[Holder], is_kept: bool = True) -> str:
    """*is_kept*: whether ``held_by`` could let them keep the port."""
    return " ".join(dict.fromkeys(_for_holder(holder, is_kept) for holder in holders))


def _for_holder(holder: Holder, is_kept: bool) -> str:
    process = holder.process
    if holder.kernel or process is None:
        return f"Remove the device or kernel service that has the port{_or_name('kernel', is_kept)}"
    if holder.container:
        return f"{_stop_container(holder.container)}{_or_name(_container_pattern(holder.container), is_kept)}"
    unit = process.unit or ""
    careful = _CAREFUL.get(unit.partition(".")[0])
    if careful:
        return f"{careful}{_or_name(unit, is_kept, '. Or ')}" if is_kept else f"{careful}."
    if unit.endswith((".service", ".socket")):
        user = f"--user --machine={process.user}@ " if "/" in unit else ""
        stop = f"systemctl {user}stop {quote(unit.rpartition('/')[2])}"
        return f"Stop it ({stop}){_or_name(f'unit:{_literal(unit)}', is_kept)}"
    pattern = f"program:{process.program}" if process.program else process.name or ""
    return f"Stop {name_of(holder)} (pid {process.pid}){_or_name(_literal(pattern), is_kept)}"


_CAREFUL = {
    "systemd-resolved": "Set DNSStubListener=no in /etc/systemd/resolved.conf, or bind single addresses of this host",
    "ssh": "Do not stop it, or you may lock yourself out: choose another port or another address",
    "sshd": "Do not stop it, or you may lock yourself out: choose another port or another address",
}
"""What must not simply be stopped, by the name of its unit."""


def _literal(name: str) -> str:
    """A pattern that matches this name alone: whoever chose it may have put wildcards in."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _or_name(pattern: str, is_kept: bool = True, joint: str = ", or ") -> str:
    return f"{joint}name it in held_by ({pattern}) if it is to keep the port." if is_kept and pattern else "."


def _stop_container(container: Container) -> str:
    name = container.name or container.id[:12]
    if container.runtime in _ENGINES:
        whose = f"as user {container.user}: " if container.user else ""
        return f"Stop the container ({whose}{container.runtime} stop {quote(name)})"
    return f"Stop the container {name}"


def _container_pattern(container: Container) -> str:
    return f"container:{_literal(container.full_name)}" if container.full_name else ""
