# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many random rule sets, and what these tests need of the machine."""

from __future__ import annotations

import os
import shutil

import pytest

PACKAGES = {
    "ip": "iproute2",
    "nsenter": "util-linux",
    "nft": "nftables",
    "iptables-nft": "iptables",
    "iptables-legacy": "iptables",
    "ipset": "ipset",
    "firewalld": "firewalld",
    "ufw": "ufw",
    "fail2ban-server": "fail2ban",
    "dbus-daemon": "dbus-daemon",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, default=100, help="random rule sets (%(default)s)")
    parser.addoption("--seed", type=int, default=0, help="of the first of them (%(default)s)")


def pytest_sessionstart(session: pytest.Session) -> None:
    os.environ["PATH"] += os.pathsep + os.pathsep.join(("/usr/sbin", "/sbin"))
    missing = {package for command, package in PACKAGES.items() if not shutil.which(command)}
    if missing:
        pytest.exit(f"install {' '.join(sorted(missing))}", returncode=1)
    if os.geteuid():
        pytest.exit("only root may load rules of a firewall", returncode=1)
