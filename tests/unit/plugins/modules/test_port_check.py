# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import json
import os
import sys

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.preflight.ports.plugins.doc_fragments._attributes import ModuleDocFragment
from ansible_collections.preflight.ports.plugins.module_utils._holders import processes, socket_units
from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind, ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import ProbeError
from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, Endpoint, SourceError
from ansible_collections.preflight.ports.plugins.module_utils._table import psutil_net, sock_diag
from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import redirect_findings
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import Verdict
from ansible_collections.preflight.ports.plugins.modules import port_check

NO_RANGE = Ephemeral(65535, 65535, frozenset(range(65536)))


@pytest.fixture
def run(run_module, monkeypatch):
    monkeypatch.setattr(ephemeral, "read", lambda: NO_RANGE)
    return functools.partial(run_module, port_check)


@pytest.fixture
def listener(loopback):
    return loopback.listening("127.0.0.1").getsockname()[1]


@pytest.fixture
def free(loopback):
    return loopback.spare_port()


def test_a_free_port(run, free):
    result = run(ports=[f"127.0.0.1:{free}"])
    assert not result.get("failed")
    assert result["msg"] == "The required port is free."
    assert result["ports"] == [
        {"port": free, "protocol": "tcp", "address": "127.0.0.1", "name": None, "met": True, "state": "free"}
    ]
    assert (result["conflicts"], result["held"], result["ephemeral"]) == ([], [], [])
    assert result["probed"] is True
    assert 0 <= result["elapsed"] < 5


@pytest.mark.linux
def test_a_taken_port(run, listener):
    result = run(ports=[{"port": listener, "name": "web"}], source="netlink")
    assert result["failed"]
    first, line = result["msg"].split("\n")
    assert first == "1 of 1 required port is taken:"
    assert line.startswith(f"  {listener}/tcp (web): listening on 127.0.0.1, held by ")
    (conflict,) = result["conflicts"]
    (holder,) = conflict["holders"]
    assert (holder["pid"], holder["uid"], holder["state"]) == (os.getpid(), os.geteuid(), "listening")
    assert result["source"] == "netlink"


@pytest.mark.linux
@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "no check mode"])
def test_the_result_has_the_documented_keys(check_mode, run, documented, listener, free):
    result = run(ports=[listener, f"{free}-{free}", f"[::1]:{free}"], _ansible_check_mode=check_mode)
    assert {key for key in result if key not in ("failed", "invocation", "warnings")} == documented(port_check)
    assert set(result["ports"][0]) == documented(port_check, "ports")
    assert set(result["conflicts"][0]) == documented(port_check, "conflicts")
    assert set(result["conflicts"][0]["holders"][0]) == documented(port_check, "conflicts", "holders")


def test_a_request_that_is_refused_has_the_documented_keys(run, documented):
    result = run(ports=[0])
    assert {key for key in result if key not in ("failed", "invocation")} == documented(port_check)


def test_free_ports_load_no_more_than_they_need(free, loaded_by):
    script = f"""
from ansible_collections.preflight.ports.plugins.modules import port_check
requirements = port_check.parse([{free}, "{free}/udp"])
found = port_check.first_that_works("netlink", lambda source: port_check.look(requirements, source, True, False, None))
port_check.result(requirements, found.verdicts, False, False, None)
"""
    assert loaded_by(script) == [
        "_kernel.bind",
        "_kernel.ephemeral",
        "_kernel.netlink",
        "_look.look",
        "_look.witnesses",
        "_model.question",
        "_model.requirement",
        "_model.sockets",
        "_model.text",
        "_request.entries",
        "_request.values",
        "_table.sock_diag",
        "_table.sources",
        "_verdict.results",
        "_verdict.success",
    ]


@pytest.mark.linux
def test_a_taken_port_loads_nothing_that_only_other_holders_need(listener, loaded_by):
    script = f"""
from ansible_collections.preflight.ports.plugins.modules import port_check
requirements = port_check.parse([{listener}])
found = port_check.first_that_works("netlink", lambda source: port_check.look(requirements, source, True, False, None))
assert port_check.result(requirements, found.verdicts, False, False, None)["conflicts"]
"""
    loaded = loaded_by(script)
    assert "_holders.owners" in loaded
    assert {
        "_holders.kernel_owned",
        "_holders.socket_units",
        "_kernel.links",
        "_table.bound_only",
        "_table.dual_stack",
        "_verdict.rivals",
    }.isdisjoint(loaded)


def test_an_empty_request_is_met(run):
    result = run(ports=[])
    assert not result.get("failed")
    assert result["msg"] == "No ports are required."
    assert (result["ports"], result["source"]) == ([], None)


@pytest.mark.linux
@pytest.mark.parametrize(
    ("held_by", "failed"), [(["user:*"], False), (["container:nosuch"], True)], ids=["allowed", "not allowed"]
)
def test_held_by(held_by, failed, run, listener):
    result = run(ports=[f"127.0.0.1:{listener}"], held_by=held_by)
    assert bool(result.get("failed")) is failed
    assert [len(result[key]) for key in ("held", "conflicts")] == ([0, 1] if failed else [1, 0])


@pytest.mark.linux
@pytest.mark.parametrize("cmdline", [True, False], ids=["asked for", "not asked for"])
def test_command_lines(cmdline, run, listener):
    (conflict,) = run(ports=[listener], cmdline=cmdline)["conflicts"]
    (holder,) = conflict["holders"]
    assert holder.get("cmdline") == (processes.read(os.getpid()).cmdline if cmdline else None)
    assert ("cmdline" in holder) is cmdline


@pytest.mark.linux
def test_state_listening(run, listener, free):
    assert run(ports=[f"127.0.0.1:{listener}"], state="listening")["msg"] == "The required port is listening."
    result = run(ports=[f"127.0.0.1:{free}", {"port": listener, "state": "listening"}], state="listening")
    assert result["failed"]
    assert result["msg"] == (
        f"1 of 2 required ports is not served as required:\n  127.0.0.1:{free}/tcp: nothing listens"
    )


def test_without_the_probe(run, free):
    result = run(ports=[f"127.0.0.1:{free}"], probe=False)
    assert (result.get("failed", False), result["probed"]) == (False, False)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(
            {"ports": [80, "65536"]}, "ports[1] '65536': port 65536 does not exist; a port is 1 to 65535", id="a port"
        ),
        pytest.param(
            {"ports": [{"port": 80, "adress": "::1"}]},
            "ports[0] {'port': 80, 'adress': '::1'}: unknown key 'adress';"
            " the keys are port, protocol, address, name, state, held_by",
            id="a key",
        ),
        pytest.param(
            {"ports": [True]},
            "ports[0] True: a port is an integer, a string such as"
            " '127.0.0.1:8080-8090/tcp', or a dict; not True, a bool",
            id="a bool",
        ),
        pytest.param(
            {"ports": [80], "held_by": [""]},
            "held_by: '' is an empty pattern; write one such as 'nginx*' or 'unit:nginx.service'",
            id="a pattern",
        ),
        pytest.param({"ports": [80], "timeout": -1}, "timeout -1: a number of seconds is 0 or more", id="timeout"),
        pytest.param({"ports": [80], "sleep": -5}, "sleep -5: a number of seconds is 0 or more", id="sleep"),
    ],
)
def test_bad_input_is_refused_before_anything_is_looked_at(arguments, complaint, run, monkeypatch):
    def look(*_arguments):
        raise AssertionError("looked")

    monkeypatch.setattr(port_check, "look", look)
    result = run(**arguments)
    assert result["failed"]
    assert result["msg"] == complaint


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        pytest.param({}, "missing required arguments: ports", id="no ports"),
        pytest.param({"ports": [80], "port": 80}, "port", id="an unknown option"),
        pytest.param({"ports": [80], "state": "busy"}, "value of state must be one of: free, listening", id="a state"),
        pytest.param(
            {"ports": [80], "source": "ss"},
            "value of source must be one of: auto, netlink, procfs, psutil",
            id="a source",
        ),
        pytest.param(
            {"ports": [80], "ephemeral": "no"}, "value of ephemeral must be one of: warn, fail, ignore", id="ephemeral"
        ),
        pytest.param({"ports": [80], "timeout": "soon"}, "timeout", id="no number"),
    ],
)
def test_bad_options_are_refused(arguments, fragment, run):
    result = run(**arguments)
    assert result["failed"]
    assert fragment in result["msg"]


def test_ports_in_one_string_as_ad_hoc(run, free):
    result = run(ports=f"127.0.0.1:{free},127.0.0.1:{free}/udp")
    assert [(each["port"], each["protocol"]) for each in result["ports"]] == [(free, "tcp"), (free, "udp")]


def failing(error):
    def fail(*_arguments):
        raise error

    return fail


def test_a_named_source_that_cannot_be_had(run, monkeypatch):
    monkeypatch.setattr(sock_diag, "read", failing(SourceError("Operation not permitted")))
    result = run(ports=[80], source="netlink")
    assert result["failed"]
    assert result["msg"] == "No socket table can be had from the source 'netlink'. netlink: Operation not permitted"
    assert (result["source"], result["ports"], result["probed"]) == (None, [], False)


@pytest.mark.linux
def test_the_next_source_is_taken(run, free, monkeypatch):
    monkeypatch.setattr(sock_diag, "read", failing(SourceError("Operation not permitted")))
    assert run(ports=[f"127.0.0.1:{free}"])["source"] == "procfs"


def test_psutil_missing_where_it_is_needed(run, monkeypatch):
    monkeypatch.setattr(psutil_net, "HAS_PSUTIL", False)
    result = run(ports=[80], source="psutil")
    assert result["failed"]
    assert result["msg"].startswith("No socket table can be had from the source 'psutil'. psutil: ")
    assert "Failed to import the required Python library (psutil)" in result["msg"]


def test_a_probe_that_fails(run, free, monkeypatch):
    monkeypatch.setattr(bind, "binds_everywhere", failing(ProbeError("bind(2): Too many open files")))
    result = run(ports=[free])
    assert (result["failed"], result["msg"]) == (True, "bind(2): Too many open files")


THREATENED = "Any outgoing connection may take port "


@pytest.mark.parametrize("settings", ["warn", "fail", "ignore"])
def test_ephemeral(settings, run, free, monkeypatch):
    warnings = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    monkeypatch.setattr(ephemeral, "read", lambda: Ephemeral(free, free + 9, frozenset([free + 1])))
    result = run(ports=[f"127.0.0.1:{free}"], ephemeral=settings)
    finding = (
        f"{THREATENED}{free}: net.ipv4.ip_local_port_range is {free}-{free + 9}. To reserve it, set"
        f" net.ipv4.ip_local_reserved_ports = {free}-{free + 1}"
    )
    assert bool(result.get("failed")) is (settings == "fail")
    assert result["msg"] == (finding if settings == "fail" else "The required port is free.")
    assert result["ephemeral"] == ([] if settings == "ignore" else [free])
    assert warnings == ([finding] if settings == "warn" else [])


@pytest.mark.linux
def test_ephemeral_besides_a_conflict(run, listener, monkeypatch):
    monkeypatch.setattr(ephemeral, "read", lambda: Ephemeral(listener, listener, frozenset()))
    lines = run(ports=[listener], ephemeral="fail")["msg"].split("\n")
    assert lines[0] == "1 of 1 required port is taken:"
    assert lines[2].startswith(f"{THREATENED}{listener}: ")


@pytest.mark.parametrize(
    ("ports", "settings"),
    [
        pytest.param([{"port": 45000, "state": "listening"}], Ephemeral(32768, 60999, frozenset()), id="to listen"),
        pytest.param([45000], Ephemeral(32768, 60999, frozenset([45000])), id="reserved"),
        pytest.param([45000], None, id="no such range on this system"),
        pytest.param([], Ephemeral(32768, 60999, frozenset()), id="nothing required"),
    ],
)
def test_ephemeral_does_not_matter(ports, settings, run, monkeypatch):
    monkeypatch.setattr(ephemeral, "read", lambda: settings)
    result = run(ports=ports, ephemeral="fail")
    assert result["ephemeral"] == []
    assert THREATENED not in result["msg"]


class Clock:
    """Time that passes only while the module sleeps, or looks."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def looks(monkeypatch):
    """What the looks find, one after the other: whether the port is free. The last one stays."""

    def script(*found, look_takes=0, state="listening"):
        clock = Clock()
        left = list(found)

        def look(requirements, source, *_options):
            clock.now += look_takes
            free = left.pop(0) if len(left) > 1 else left[0]
            verdict = Verdict(requirements[0], 80, "free" if free else state, free, rivals=("web",))
            return port_check.Look({} if free else {(0, 80): verdict}, True, source.name)

        monkeypatch.setattr(port_check, "time", clock)
        monkeypatch.setattr(port_check, "look", look)
        return clock

    return script


@pytest.mark.parametrize(
    ("found", "timing", "slept", "failed"),
    [
        pytest.param([True], {"timeout": 30}, [], False, id="met at once"),
        pytest.param([False], {}, [], True, id="no timeout"),
        pytest.param([False], {"timeout": 3}, [1, 1, 1], True, id="never met"),
        pytest.param([False, False, True], {"timeout": 3}, [1, 1], False, id="met in time"),
        pytest.param([False, True], {"timeout": 30, "sleep": 7}, [7], False, id="longer sleep"),
        pytest.param([False], {"timeout": 5, "sleep": 3}, [3, 2], True, id="no sleep beyond the deadline"),
        pytest.param([False, True], {"timeout": 5, "sleep": 60}, [5], False, id="a last look at the deadline"),
        pytest.param(
            [False, True], {"timeout": 10**321, "sleep": 10**321}, [10**9], False, id="no more than a clock can count"
        ),
    ],
)
def test_timeout(found, timing, slept, failed, run, looks):
    clock = looks(*found)
    result = run(ports=[80], **timing)
    assert bool(result.get("failed")) is failed
    assert clock.slept == slept
    assert result["elapsed"] == sum(slept)


def test_timeout_counts_the_looks_themselves(run, looks):
    clock = looks(False, look_takes=2)
    assert run(ports=[80], timeout=6)["elapsed"] == 8.0
    assert clock.slept == [1, 1]


def test_no_waiting_for_what_time_does_not_mend(run, looks):
    clock = looks(False, state="duplicate")
    assert run(ports=[80], timeout=30)["failed"]
    assert clock.slept == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(
            [sys.executable, "-c", r"print('Id=ssh.socket\nListen=[::]:22 (Stream)')"],
            {("tcp", "::", 22): "ssh.socket"},
            id="its output",
        ),
        pytest.param([sys.executable, "-c", "import sys; sys.exit(3)"], {}, id="a failure"),
        pytest.param(["no-such-command-anywhere"], {}, id="not installed"),
    ],
)
def test_commands(command, expected, run, monkeypatch):
    units = []

    def look(_requirements, source, _probing, _redirects, run_command):
        units.append(socket_units.find(run_command))
        return port_check.Look({}, True, source.name)

    monkeypatch.setattr(socket_units, "_COMMAND", command)
    monkeypatch.setattr(port_check, "look", look)
    run(ports=[80])
    assert units == [expected]


def test_what_nat_rules_may_do_is_a_warning(run, monkeypatch):
    warnings = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    rule = Redirect("172.17.0.2:80", "iptables", ("ip nat PREROUTING",), depends_on=("the source address",))
    doubts = {Question("tcp", Endpoint(ANY4), 80): rule}
    monkeypatch.setattr(port_check, "look", lambda *_asked: port_check.Look({}, True, "netlink", True, doubts))
    assert run(ports=[80])["redirects_checked"] is True
    assert warnings == redirect_findings(doubts)


def test_advice_depends_on_privileges(run, looks, monkeypatch):
    looks(False)
    seen = []
    monkeypatch.setattr(
        port_check, "result", lambda *arguments: seen.append(arguments[3]) or {"msg": "", "conflicts": []}
    )
    for uid in (0, 1000):
        monkeypatch.setattr(os, "geteuid", lambda uid=uid: uid)
        run(ports=[80])
    assert seen == [True, False]


@pytest.mark.linux
def test_as_a_process_of_its_own(tmp_path, listener, as_process):
    arguments = tmp_path / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {"ports": [listener], "ephemeral": "ignore"}}))
    ended = as_process("-m", port_check.__name__, str(arguments))
    result = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert [holder["pid"] for holder in result["conflicts"][0]["holders"]] == [os.getpid()]


def test_the_documentation_names_the_options_and_their_defaults(options):
    documented_options, specified = options(port_check)
    assert documented_options == specified


@pytest.mark.parametrize("text", [ModuleDocFragment.DOCUMENTATION, ModuleDocFragment.INFO_MODULE])
def test_the_documentation_fragments_name_the_same_attributes(text):
    assert set(yaml.safe_load(text)["attributes"]) == {"check_mode", "diff_mode", "platform"}
