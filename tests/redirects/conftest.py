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
    "podman": "podman",
    "runc": "runc",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, default=30, help="random rule sets (%(default)s)")
    parser.addoption("--seed", type=int, default=0, help="of the first of them (%(default)s)")


def pytest_sessionstart(session: pytest.Session) -> None:
    os.environ["PATH"] += os.pathsep + os.pathsep.join(("/usr/sbin", "/sbin"))
    missing = {package for command, package in PACKAGES.items() if not shutil.which(command)}
    if missing:
        pytest.exit(f"install {' '.join(sorted(missing))}", returncode=1)
    if os.geteuid():
        pytest.exit("only root may load rules of iptables and publish ports of containers", returncode=1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("seed")
        metafunc.parametrize("seed", range(first, first + metafunc.config.getoption("cases")))
