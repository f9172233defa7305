# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random trees of unit files: systemd itself says which sockets a boot starts, and where they listen."""

from __future__ import annotations

import os
import random
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._claims import socket_units
from ansible_collections.preflight.ports.plugins.module_utils._claims.units import units

SYSTEMD = "/lib/systemd/systemd"
FOLDERS = ("etc/systemd/system", "run/systemd/system", "run/systemd/generator", "usr/lib/systemd/system")
NAMES = ("a", "a-b", "a-b-c", "a--", "d")
TEMPLATES = ("t@", "t-u@")
INSTANCES = ("t@1", "t-u@2")
TARGETS = ("sockets", "basic", "multi-user", "graphical", "own")
CASES = 100


@pytest.fixture
def root():
    """A folder that nobody may read, too: systemd does not run this test for root."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def plant(root: Path, dice: random.Random) -> None:
    """The targets of a boot, then units, links and drop-ins at random."""
    lib = root / FOLDERS[-1]
    chain = {"graphical": "multi-user", "multi-user": "basic", "basic": "sysinit sockets"}
    for name in (*TARGETS, "sysinit", "shutdown"):
        needs = "".join(f"Requires={each}.target\n" for each in chain.get(name, "").split())
        write(lib / f"{name}.target", f"[Unit]\nDefaultDependencies=no\n{needs}")
    for name in (*NAMES, *TEMPLATES):
        write(lib / f"{name}.service", "[Service]\nExecStart=/bin/true\n")
    link(root / FOLDERS[dice.choice((0, 3))] / "default.target", f"{dice.choice(TARGETS[2:4])}.target")
    for _unused in range(dice.randint(4, 40)):
        folder = root / dice.choice(FOLDERS)
        name = dice.choice((*NAMES, *TEMPLATES, *INSTANCES))
        kind = dice.randrange(6)
        if kind == 0:
            write(folder / f"{name}.socket", f"[Socket]\n{listens(dice)}" if dice.random() < 0.9 else "")
        elif kind == 1:
            wanting = dice.choice((*(f"{target}.target" for target in TARGETS), "d.service", "a-.service"))
            target = "/dev/null" if dice.random() < 0.1 else "../x.socket"
            link(folder / f"{wanting}.wants" / f"{dice.choice((*NAMES, *INSTANCES))}.socket", target)
        elif kind == 2:
            pulled = dice.choice(("own.target", "d.service"))
            link(folder / f"multi-user.target.{dice.choice(('wants', 'requires'))}" / pulled, f"../{pulled}")
        elif kind == 3:
            link(folder / f"alias-{name}.socket", f"{name}.socket")
        else:
            where = dice.choice((f"{name}.socket", "a-.socket", "a-b-.socket", "t-.socket", "socket", "alias-a.socket"))
            write(folder / f"{where}.d" / f"{dice.choice('123')}.conf", f"[Socket]\n{listens(dice)}")


def listens(dice: random.Random) -> str:
    values = ("", str(dice.randint(1, 65535)), f"127.0.0.1:{dice.randint(1, 65535)}", "/run/x")
    keys = ("ListenStream", "ListenDatagram")
    return "".join(f"{dice.choice(keys)}={dice.choice(values)}\n" for _unused in range(dice.randint(1, 3)))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path):
        path.write_text(text)


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path):
        path.symlink_to(target)


def asked(root: Path) -> set[tuple[str, str, int]]:
    """(unit, protocol, port) of all sockets that systemd would start."""
    # Where systemd has not booted, it wants to make folders in /run.
    apart = ["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs -o mode=1777 none /run; exec "$@"', "-"]
    nobody = ["setpriv", "--reuid=nobody", "--clear-groups"]
    command = [*apart, *nobody, SYSTEMD, "--test", "--system", "--unit=default.target"]
    environment = {
        "SYSTEMD_UNIT_PATH": ":".join(str(root / folder) for folder in FOLDERS),
        "SYSTEMD_LOG_LEVEL": "debug",
        "SYSTEMD_LOG_TARGET": "console",
        "XDG_RUNTIME_DIR": str(root),
    }
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    text = said.stdout + said.stderr
    started = set(re.findall(r"Action: (\S+) -> start", text))
    assert "sockets.target" in started, text
    found = set()
    for part in re.split("(?:->|\N{RIGHTWARDS ARROW}) Unit ", text)[1:]:
        name = part.split(":\n", 1)[0]
        for key, port in re.findall(r"^\t\tListen(Stream|Datagram): \S*?(\d+)$", part, re.MULTILINE):
            if name in started:
                found.add((name, {"Stream": "tcp", "Datagram": "udp"}[key], int(port)))
    return found


@pytest.mark.parametrize("seed", range(CASES))
def test_systemd_starts_what_we_say(seed, root):
    plant(root, random.Random(seed))
    ours = {(claim.name, claim.protocol, claim.first) for claim in socket_units.claims(units(str(root)))}
    assert ours == asked(root)
