# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What these tests need of the machine."""

from __future__ import annotations

import os
import shutil
from typing import Iterator

import pytest
from reach.network import Network

PACKAGES = {"ip": "iproute2", "nft": "nftables", "iptables-nft": "iptables", "iptables-legacy": "iptables"}


def pytest_sessionstart(session: pytest.Session) -> None:
    os.environ["PATH"] += os.pathsep + os.pathsep.join(("/usr/sbin", "/sbin"))
    missing = {package for command, package in PACKAGES.items() if not shutil.which(command)}
    if missing:
        pytest.exit(f"install {' '.join(sorted(missing))}", returncode=1)
    if os.geteuid():
        pytest.exit("only root may connect network namespaces", returncode=1)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as made:
        yield made
