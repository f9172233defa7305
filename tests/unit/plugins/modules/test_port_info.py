# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import os
import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._table import psutil_net, sock_diag
from ansible_collections.preflight.ports.plugins.modules import port_info


@pytest.fixture
def run(run_module):
    return functools.partial(run_module, port_info)


@pytest.fixture
def port(loopback):
    return loopback.listening("127.0.0.1").getsockname()[1]


SOURCES = pytest.mark.parametrize("source", ["netlink", "procfs", "psutil"])


@pytest.mark.linux
@SOURCES
def test_a_listener(source, run, port, documented):
    result = run(ports=[port], source=source)
    assert result["source"] == source
    (found,) = result["sockets"]
    assert (found["address"], found["port"], found["protocol"], found["state"]) == (
        "127.0.0.1",
        port,
        "tcp",
        "listening",
    )
    assert (found["pid"], found["uid"]) == (os.getpid(), os.geteuid())
    assert set(found) == documented(port_info, "sockets")


@pytest.mark.linux
@SOURCES
def test_states_and_protocols(source, run, loopback):
    server = loopback.listening("127.0.0.1")
    client, served = loopback.connection(server)
    port = server.getsockname()[1]
    loopback.bound("udp", "127.0.0.1", port)

    def found(**wanted):
        sockets = run(ports=[port], source=source, **wanted)["sockets"]
        return [(each["protocol"], each["state"]) for each in sockets]

    assert found() == [("tcp", "listening"), ("udp", "bound")]
    assert found(protocols=["udp"]) == [("udp", "bound")]
    assert found(states=["connected"]) == [("tcp", "connected")]
    served.close()
    client.close()
    until = time.monotonic() + 5
    while not found(states=["closing"]) and time.monotonic() < until:
        pass  # on a busy machine the two ends have not said goodbye yet
    assert found(states=["closing"]) == [("tcp", "closing")]


@pytest.mark.linux
@SOURCES
def test_bound_but_not_listening(source, run, loopback):
    port = loopback.bound().getsockname()[1]
    sockets = run(ports=[f"{port}-{port}"], source=source)["sockets"]
    assert [(each["state"], each["pid"]) for each in sockets] == [("bound", os.getpid())]


@pytest.mark.linux
@pytest.mark.parametrize("cmdline", [True, False], ids=["asked for", "not asked for"])
def test_command_lines(cmdline, run, port):
    (found,) = run(ports=[port], cmdline=cmdline)["sockets"]
    assert found.get("cmdline") == (" ".join(command_lines.read([os.getpid()])[os.getpid()]) if cmdline else None)
    assert ("cmdline" in found) is cmdline


@pytest.mark.linux
def test_a_listing_loads_no_more_than_it_needs(port, loaded_by):
    script = f"""
from ansible_collections.preflight.ports.plugins.module_utils._check.inventory import inventory
options = {{"ports": [{port}], "protocols": ["tcp"], "states": ["listening"], "source": "netlink", "cmdline": False}}
found = inventory(options).result
assert [each["pid"] for each in found["sockets"]] == [{os.getpid()}]
assert found["msg"]
"""
    assert [
        name for name in loaded_by(script) if name != "_holders.containers"
    ] == [  # which is there if the tests run in one
        "_check.inventory",
        "_holders.census",
        "_holders.cgroups",
        "_holders.command_lines",  # this process is an interpreter
        "_holders.owners",
        "_holders.processes",
        "_holders.programs",
        "_kernel.child",
        "_kernel.netlink",
        "_kernel.patience",
        "_kernel.proc",
        "_look.inventory",
        "_model.holder",
        "_model.requirement",
        "_model.sockets",
        "_model.text",
        "_module.outcome",
        "_request.entries",
        "_request.terms",
        "_request.values",
        "_table.sock_diag",
        "_table.sources",
        "_verdict.listing",
        "_verdict.names",
    ]


@pytest.mark.linux
def test_everything(run, port):
    assert port in [each["port"] for each in run()["sockets"]]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param({"ports": [80, 0]}, "ports[1] 0: port 0 does not exist; a port is 1 to 65535", id="a port"),
        pytest.param(
            {"ports": ["80/udp"]},
            "ports[0] '80/udp': name the protocol in 'protocols', and the port alone here",
            id="a protocol",
        ),
        pytest.param(
            {"states": ["free"]},
            "value of states must be one or more of: listening, bound, connected, closing. Got no match for: free",
            id="a state",
        ),
    ],
)
def test_bad_input_is_refused(arguments, complaint, run):
    result = run(**arguments)
    assert result["failed"]
    assert result["msg"] == complaint


def test_a_source_that_cannot_be_had(run, monkeypatch):
    def fail(*_arguments):
        raise SourceError("Operation not permitted")

    monkeypatch.setattr(sock_diag, "read", fail)
    result = run(source="netlink")
    assert (result["failed"], result["sockets"], result["source"]) == (True, [], None)
    assert result["msg"] == "No socket table can be had from the source 'netlink'. netlink: Operation not permitted"


def test_psutil_missing_where_it_is_needed(run, monkeypatch):
    monkeypatch.setattr(psutil_net, "HAS_PSUTIL", False)
    assert "Failed to import the required Python library (psutil)" in run(source="psutil")["msg"]


def test_the_documentation_names_the_options_and_their_defaults(options):
    documented, specified = options(port_info)
    assert documented == specified
