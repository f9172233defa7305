# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strangers, floods and faults: bounded memory and time, no amplification, nothing left."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from reach.network import KEY, TARGET4, Network, wait_until

FLOOD = """
import random, resource, socket, time
chance = random.Random(1)
until = time.monotonic() + 4
sent = received = connections = 0
print("ready", flush=True)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setblocking(False)
held = []
resource.setrlimit(resource.RLIMIT_NOFILE, (2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
while time.monotonic() < until:
    data = chance.randbytes(chance.choice([0, 1, 52, 64, 96, 200, 1400, 9000, 60000]))
    if chance.random() < .3:
        data = b"pfp1" + data
    try:
        sent += udp.sendto(data[:60000], (TARGET, 5432))
    except OSError:
        pass
    try:
        received += len(udp.recv(65535))
    except OSError:
        pass
    stranger = socket.socket()
    stranger.setblocking(False)
    stranger.connect_ex((TARGET, 5432))
    connections += 1
    held.append((stranger, data))
    if len(held) > 1500:
        each, said = held.pop(0)
        try:
            each.send(said)
        except OSError:
            pass
        each.close()
print(sent, received, connections, flush=True)
"""


def ended(network: Network) -> bool:
    return not network.on(network.target, "ss -Hltnp; ss -Hlunp").strip()


def left(network: Network) -> str:
    """What of a responder is on the target."""
    pids = network.on(network.target, f"ip netns pids {network.target}").split()
    shells = [pid for pid in pids if name_of(pid) == "port_responder"]
    sockets = network.on(network.target, "ss -Htan; ss -Huan; ss -Hx | grep preflight || true")
    return "".join(shells) + sockets


def name_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:  # it has ended since
        return ""


def started(network: Network, ports: list[object], **options: object) -> int:
    result = network.start(ports, **options)
    pid = result["pid"]
    assert isinstance(pid, int), result
    return pid


def memory(pid: int) -> int:
    """In KiB."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def test_a_flood_of_strangers(network: Network):
    """Clients get in while it lasts; nobody gets a byte over UDP; memory and descriptors have a bound."""
    pid = started(network, ["5432/tcp+udp"])
    before = memory(pid)
    flood = network.python(network.client, FLOOD.replace("TARGET", repr(TARGET4)))
    entry = {"host": TARGET4, "port": 5432, "responder": "target"}
    rows = network.connect([entry, {**entry, "protocol": "udp"}], timeout=5)["flows"]
    assert [row["state"] for row in rows] == ["open", "open"]
    assert flood.stdout
    sent, received, connections = map(int, flood.stdout.readline().split())
    assert sent > 100000
    assert connections > 1000
    assert received == 0
    assert memory(pid) - before < 30000
    assert network.stop()["running"]
    assert wait_until(lambda: not left(network)), left(network)


def test_it_runs_as_nobody_without_capabilities(network: Network):
    pid = started(network, [443])
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert (status["Uid"].split()[0], status["Groups"].strip(), status["NoNewPrivs"]) == ("65534", "", "1")
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    kinds = {os.readlink(f"/proc/{pid}/fd/{name}").partition(":")[0] for name in os.listdir(f"/proc/{pid}/fd")}
    assert kinds == {"/dev/null", "socket", "anon_inode"}
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert os.getsid(pid) != os.getsid(0)
    network.stop()


def test_nothing_is_left_after_each_kind_of_end(network: Network):
    pid = started(network, ["5432/tcp+udp"])
    network.connect([{"host": TARGET4, "port": 5432, "responder": "target"}])
    network.stop()
    assert wait_until(lambda: not left(network)), left(network)

    pid = started(network, ["5432/tcp+udp"], seconds=1)
    assert wait_until(lambda: not left(network)), left(network)

    pid = started(network, ["5432/tcp+udp"])
    network.connect([{"host": TARGET4, "port": 5432, "responder": "target"}])
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not left(network)), left(network)
    # a server that does not set SO_REUSEADDR gets the port at once
    network.on(network.target, "python3 -c 'import socket; socket.socket().bind((\"\", 5432))'")


def test_a_stopped_process_is_ended_by_the_kernel(network: Network):
    """SIGALRM ends it whatever it does; one that is stopped ends when it goes on."""
    pid = started(network, [5432], seconds=1)
    os.kill(pid, signal.SIGSTOP)
    assert not wait_until(lambda: not Path(f"/proc/{pid}").exists(), 7)
    os.kill(pid, signal.SIGCONT)
    assert wait_until(lambda: ended(network))


def test_two_responders_of_two_runs(network: Network):
    started(network, [5432])
    other = network.module(
        network.target,
        "port_responder",
        token=KEY[::-1],
        name="target",
        ports=[5432, 5433],
        seconds=20,
    )
    assert [(port["state"], port["holder"]) for port in other["ports"]] == [
        ("taken", "port_responder"),
        ("bound", None),
    ]
    assert network.stop()["running"]
    assert not ended(network)


def test_random_questions(network: Network):
    """Bytes of all kinds to each port and to the control socket, from the same host too: it answers the next client."""
    pid = started(network, ["5432/tcp+udp"])
    name = network.on(network.target, "ss -Hxl | grep -o '@preflight[^ ]*'").strip()
    program = f"""
import random, socket
chance = random.Random({random.randrange(1000)})
for number in range(400):
    data = chance.choice([b"", b"pfp1"]) + chance.randbytes(chance.randrange(300))
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 5432)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 5432)),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + {name[1:]!r}),
    ):
        with socket.socket(family, kind) as sock:
            sock.settimeout(.2)
            try:
                sock.connect(address)
                sock.sendall(data)
            except OSError:
                pass
print("done", flush=True)
"""
    network.python(network.target, program)
    row = network.connect([{"host": TARGET4, "port": 5432, "responder": "target"}])["flows"][0]
    assert row["state"] == "open"
    assert Path(f"/proc/{pid}").exists()
    assert network.stop()["running"]
