# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the role takes with many flows: python -m reach.scale CLIENTS TARGETS PORTS."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from reach.hosts import Hosts

DROP = "table inet t { chain c { type filter hook input priority 0; tcp dport 2001 drop; } }"
TIMEOUT = 5


def main(clients: int, targets: int, ports: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Hosts(Path(folder), web=clients, db=targets) as hosts:
        for host in hosts.groups["db"][: targets // 2]:
            hosts.rules(hosts.namespace(host), DROP)
        report = Path(folder, "r.json")
        flows = [{"from": "web", "to": "db", "ports": [f"2001-{2000 + ports}"]}]
        began = time.monotonic()
        variables = {"port_reach_flows": flows, "port_reach_timeout": TIMEOUT, "port_reach_seconds": 600}
        status, output = hosts.play({**variables, "port_reach_reports": [str(report)]}, "-v")
        took = time.monotonic() - began
        elapsed = [float(line.split(": ")[1]) for line in output.splitlines() if line.strip().startswith("elapsed: ")]
        content = json.loads(report.read_text())
        print(f"{clients} x {targets} x {ports}: {content['figures']}")
        print(f"status {status}, play {took:.1f} s, slowest client {max(elapsed):.2f} s with timeout {TIMEOUT} s")
        print(f"report {report.stat().st_size} bytes; {content['message'][:400]}")
        assert max(elapsed) <= TIMEOUT + 2


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
