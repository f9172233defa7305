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
from ansible_collections.preflight.ports.plugins.module_utils import _look
from ansible_collections.preflight.ports.plugins.module_utils._check import check
from ansible_collections.preflight.ports.plugins.module_utils._claims import gate as claims
from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines
from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind, ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import ProbeError
from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._look import confined
from ansible_collections.preflight.ports.plugins.module_utils._look.look import Look
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.denial import NAME_BIND, Denial
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import BLOCKED, LIMITED, Passage
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, Endpoint, SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._selinux import gate as selinux_gate
from ansible_collections.preflight.ports.plugins.module_utils._table import psutil_net, sock_diag
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict
from ansible_collections.preflight.ports.plugins.modules import port_check

NO_RANGE = Ephemeral(65535, 65535, frozenset(range(65536)))


@pytest.fixture
def run(run_module, monkeypatch):
    monkeypatch.setattr(ephemeral, "read", lambda: NO_RANGE)
    # As for root, on a host without rules.
    monkeypatch.setattr(gate, "find", lambda _questions: {})
    monkeypatch.setattr(gate, "passages", lambda accesses: [[] for _access in accesses])
    monkeypatch.setattr(claims, "find", list)
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
    assert (result["conflicts"], result["held"], result["ephemeral"], result["doubts"]) == ([], [], [], [])
    assert result["probed"] is True
    assert 0 <= result["elapsed"] < 5


@pytest.mark.linux
def test_a_taken_port(run, listener):
    result = run(ports=[{"port": listener, "name": "web"}], source="netlink")
    assert result["failed"]
    first, line, advice = result["msg"].split("\n")
    assert first == "The required port is taken:"
    assert advice.startswith("    Stop ")
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
from ansible_collections.preflight.ports.plugins.module_utils._check import check
requirements = check.parse([{free}, "{free}/udp"])
found = check.first_that_works("netlink", lambda source: check.look(requirements, source, True, False, None))
outcome = check.result(requirements, found.verdicts, [], bool, None)
check.message({{**outcome, "probed": True}})
"""
    assert loaded_by(script) == [
        "_check.check",
        "_check.objections",
        "_kernel.bind",
        "_kernel.ephemeral",
        "_kernel.netlink",
        "_look.look",
        "_look.witnesses",
        "_model.ports",
        "_model.question",
        "_model.requirement",
        "_model.sockets",
        "_model.text",
        "_module.outcome",
        "_request.entries",
        "_request.terms",
        "_request.values",
        "_table.sock_diag",
        "_table.sources",
        "_verdict.message",
        "_verdict.results",
    ]


@pytest.mark.linux
def test_a_taken_port_loads_nothing_that_only_other_holders_need(listener, loaded_by):
    script = f"""
from ansible_collections.preflight.ports.plugins.module_utils._check import check
requirements = check.parse([{listener}])
found = check.first_that_works("netlink", lambda source: check.look(requirements, source, True, False, None))
assert check.result(requirements, found.verdicts, [], bool, None)["conflicts"]
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
    assert holder.get("cmdline") == (" ".join(command_lines.read([os.getpid()])[os.getpid()]) if cmdline else None)
    assert ("cmdline" in holder) is cmdline


@pytest.mark.linux
def test_state_listening(run, listener, free):
    assert run(ports=[f"127.0.0.1:{listener}"], state="listening")["msg"] == "The required port is listening."
    result = run(ports=[f"127.0.0.1:{free}", {"port": listener, "state": "listening"}], state="listening")
    assert result["failed"]
    assert result["msg"] == (
        f"1 of 2 required ports is not served as required:\n  127.0.0.1:{free}/tcp: nothing listens\n"
        "    Start the service, or look at why it did not start."
    )


def test_without_the_probe(run, free):
    result = run(ports=[f"127.0.0.1:{free}"], probe=False)
    assert (result.get("failed", False), result["probed"]) == (False, False)
    assert result["msg"] == "The required port is free; bind(2) was not tried."


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(
            {"ports": [80, "65536"]}, "ports[1] '65536': port 65536 does not exist; a port is 1 to 65535", id="a port"
        ),
        pytest.param(
            {"ports": [{"port": 80, "adress": "::1"}]},
            "ports[0] {'port': 80, 'adress': '::1'}: unknown key 'adress';"
            " the keys are port, protocol, address, interface, name, state, held_by, nonlocal, user, selinux_domain,"
            " firewall, clients",
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
        pytest.param(
            {"ports": ["1-65535", "1-65535/udp", "127.0.0.1:1-65535", "127.0.0.1:1-65535/udp"]},
            "more than 200000 ports in one request; split it into several tasks",
            id="too many ports",
        ),
        pytest.param(
            {"ports": [80], "timeout": -1},
            "timeout: -1 is less than 0; write a number of seconds, 0 or more",
            id="timeout",
        ),
        pytest.param(
            {"ports": [80], "sleep": -5}, "sleep: -5 is less than 0; write a number of seconds, 0 or more", id="sleep"
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_looked_at(arguments, complaint, run, monkeypatch):
    def look(*_arguments):
        raise AssertionError("looked")

    monkeypatch.setattr(check, "look", look)
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
    monkeypatch.setattr(bind, "probe", failing(ProbeError("bind(2): Too many open files")))
    result = run(ports=[free])
    assert (result["failed"], result["msg"]) == (True, "bind(2): Too many open files")


THREATENED = "it may go to any outgoing connection"


@pytest.fixture
def warnings(monkeypatch):
    """The module's warnings."""
    texts = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text: texts.append(text))
    return texts


@pytest.mark.parametrize("setting", ["warn", "fail", "ignore"])
def test_ephemeral(setting, run, free, warnings, monkeypatch):
    monkeypatch.setattr(ephemeral, "read", lambda: Ephemeral(free, free + 9, frozenset([free + 1])))
    result = run(ports=[f"127.0.0.1:{free}"], ephemeral=setting)
    reason = f"{THREATENED} (net.ipv4.ip_local_port_range is {free}-{free + 9})"
    advice = f"To prevent that, set net.ipv4.ip_local_reserved_ports = {free}-{free + 1}"
    assert bool(result.get("failed")) is (setting == "fail")
    assert result["ephemeral"] == ([] if setting == "ignore" else [free])
    assert [(doubt["kind"], doubt["reason"], doubt["advice"]) for doubt in result["doubts"]] == (
        [("ephemeral", reason, advice)] if setting == "warn" else []
    )
    assert [(conflict["state"], conflict["reason"]) for conflict in result["conflicts"]] == (
        [("ephemeral", reason)] if setting == "fail" else []
    )
    assert warnings == ([f"127.0.0.1:{free}/tcp: {reason}. {advice}"] if setting == "warn" else [])
    assert (THREATENED in result["msg"]) is (setting != "ignore")


def test_ephemeral_ports_are_runs(run, monkeypatch):
    monkeypatch.setattr(ephemeral, "read", lambda: Ephemeral(32768, 60999, frozenset()))
    assert run(ports=["127.0.0.2:40000-40002"], probe=False)["ephemeral"] == ["40000-40002"]


@pytest.mark.linux
def test_ephemeral_besides_a_conflict(run, listener, free, monkeypatch):
    monkeypatch.setattr(ephemeral, "read", lambda: Ephemeral(min(listener, free), max(listener, free), frozenset()))
    result = run(ports=[f"127.0.0.1:{listener}", f"127.0.0.1:{free}"], ephemeral="fail")
    assert {conflict["port"]: conflict["state"] for conflict in result["conflicts"]} == {
        listener: "listening",
        free: "ephemeral",
    }


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
            return Look({} if free else {(0, 80): verdict}, True, source.name)

        monkeypatch.setattr(check, "time", clock)
        monkeypatch.setattr(check, "look", look)
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
    ("wanted", "state", "kinds"),
    [("warn", "free", ["claim"]), ("fail", "claimed", []), ("ignore", "free", [])],
)
def test_a_port_that_somebody_will_take(wanted, state, kinds, run, free, warnings, monkeypatch):
    unit = Claim("tcp", None, free, free, "unit", "web.socket", "systemd takes it", "Disable it")
    monkeypatch.setattr(claims, "find", lambda: [unit])
    result = run(ports=[free], claims=wanted)
    assert [entry["state"] for entry in result["ports"]] == [state]
    assert [doubt["kind"] for doubt in result["doubts"]] == kinds
    assert bool(result["conflicts"]) == (wanted == "fail")
    advice = "Disable it, or name it in held_by (unit:web.socket) if it is to have the port."
    assert (advice in result["msg"]) == (wanted != "ignore")


def test_what_nat_rules_may_do_is_a_doubt(run, warnings, monkeypatch):
    rule = Redirect("172.17.0.2:80", "iptables", ("ip nat PREROUTING",), depends_on=("the source address",))
    diversions = {Question("tcp", Endpoint(ANY4), 80): rule}
    monkeypatch.setattr(check, "look", lambda *_asked: Look({}, True, "netlink", True, diversions))
    result = run(ports=[80])
    (doubt,) = result["doubts"]
    assert (doubt["port"], doubt["kind"]) == (80, "nat")
    assert (result["redirects_checked"], result["msg"].split("\n")[0]) == (True, "The required port is free.")
    assert warnings == [f"80/tcp: {doubt['reason']}."]


def test_what_bind_was_not_asked_is_a_doubt(run, warnings, monkeypatch):
    silent = [Question("tcp", Endpoint(ANY4), 80)]
    monkeypatch.setattr(check, "look", lambda *_asked: Look({}, False, "netlink", True, {}, silent))
    result = run(ports=["80-81"])
    assert [(doubt["port"], doubt["kind"]) for doubt in result["doubts"]] == [(80, "not_probed")]
    assert result["msg"].startswith("All 2 required ports are free; bind(2) was not tried.\nIn doubt:\n  80/tcp: ")
    assert warnings == []


@pytest.mark.parametrize(("uid", "advice"), [(1000, "become: true"), (0, "not even root")], ids=["a user", "root"])
def test_advice_depends_on_privileges(uid, advice, run, looks, monkeypatch):
    looks(False, state="unknown")
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert advice in run(ports=[80])["conflicts"][0]["advice"]


def test_only_the_last_look_may_bind_what_is_to_listen(run, looks, monkeypatch):
    looks(False, False)
    scripted, last = check.look, []
    monkeypatch.setattr(check, "look", lambda *asked: last.append(asked[-1]) or scripted(*asked))
    run(ports=[80], state="listening", timeout=2)
    assert last == [False, False, True]


@pytest.mark.linux
def test_a_user_without_a_name(run, free):
    result = run(ports=[free], user="nosuchuser")
    assert (result["failed"], result["ports"]) == (True, [])
    assert result["msg"].startswith("user: 'nosuchuser' ")


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


BARRED = Passage(80, 80, BLOCKED, "ufw", "ip filter INPUT", "-P INPUT DROP", advice="Run: ufw allow 80/tcp")


@pytest.mark.parametrize(
    ("verdict", "reaction", "state", "in_doubt"),
    [
        (BLOCKED, "fail", "blocked", False),
        (BLOCKED, "warn", "free", True),
        (BLOCKED, "ignore", "free", False),
        (LIMITED, "fail", "free", True),
    ],
)
def test_the_firewall(verdict, reaction, state, in_doubt, run, free, monkeypatch):
    passage = BARRED._replace(first=free, last=free, verdict=verdict)
    monkeypatch.setattr(gate, "passages", lambda accesses: [[passage] for _access in accesses])
    result = run(ports=[free], firewall=reaction, ephemeral="ignore")
    assert [entry["state"] for entry in result["ports"]] == [state]
    assert [doubt["kind"] for doubt in result["doubts"]] == ["firewall"] * in_doubt
    assert bool(result.get("failed")) is (state == "blocked")
    assert [each["by"] for each in result["firewall"]] == ["ufw"] * (reaction != "ignore")
    assert result["firewall_checked"] is (reaction != "ignore")
    assert ("the firewall's rules were not read" in result["msg"]) is (reaction == "ignore")


def test_a_firewall_that_may_not_be_read(run, free, monkeypatch):
    monkeypatch.setattr(gate, "passages", lambda _accesses: None)
    result = run(ports=[free], ephemeral="ignore")
    assert (result["firewall"], result["firewall_checked"]) == ([], False)
    assert "the firewall's rules were not read" in result["msg"]


@pytest.fixture
def selinux(monkeypatch):
    """SELinux is on, and denies httpd_t every port: *enforced* or not."""

    def put(enforced):
        def find(requirements, _verdicts):
            return {
                index: [Denial(each.first, each.last, each.selinux_domain, NAME_BIND, enforced, "odd_port_t")]
                for index, each in enumerate(requirements)
                if each.selinux_domain
            }

        monkeypatch.setattr(confined, "find", find)

    monkeypatch.setattr(selinux_gate, "is_on", lambda: True)
    return put


@pytest.mark.parametrize("state", ["free", "listening"])
def test_what_selinux_refuses(run, free, selinux, state):
    selinux(enforced=True)
    result = run(ports=[{"port": f"{free}-{free}", "selinux_domain": "httpd_t"}, free], state=state)
    assert result["failed"]
    conflict = result["conflicts"][0]
    assert (conflict["state"], conflict["wanted"]) == ("refused", state)
    assert "SELinux denies it name_bind on the port's type, odd_port_t" in conflict["reason"]
    assert conflict["advice"].startswith("httpd_t may bind no type")
    assert (result["ports"][0]["state"], result["ports"][0]["first_free"]) == ("refused", None)
    assert result["doubts"] == []


def test_what_selinux_would_refuse(run, free, selinux, warnings):
    selinux(enforced=False)
    result = run(ports=[free], selinux_domain="httpd_t")
    assert not result.get("failed")
    (doubt,) = result["doubts"]
    assert (doubt["kind"], doubt["port"]) == ("selinux", free)
    assert doubt["reason"] in result["msg"]
    assert warnings == [f"{free}/tcp: {doubt['reason']}. {doubt['advice']}"]


def test_an_unknown_domain(run, free, selinux, monkeypatch):
    def fail(*_asked):
        raise confined.DomainError("selinux_domain 'htpd_t' is unknown")

    monkeypatch.setattr(confined, "find", fail)
    result = run(ports=[free], selinux_domain="htpd_t")
    assert (result["failed"], result["msg"]) == (True, "selinux_domain 'htpd_t' is unknown")
    assert result["conflicts"] == []


def test_selinux_is_not_asked_where_it_is_off(run, free, monkeypatch):
    monkeypatch.setattr(selinux_gate, "is_on", lambda: False)
    monkeypatch.delattr(_look, "confined")
    monkeypatch.setitem(sys.modules, confined.__name__, None)  # which makes its import an error
    assert run(ports=[free], selinux_domain="httpd_t")["msg"] == "The required port is free."


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"held_by": ["web"]}, id="no unit"),
        pytest.param({"held_by": ["unit:web*"]}, id="any unit"),
        pytest.param({"held_by": ["unit:web"], "selinux_domain": ""}, id="nobody wants it"),
    ],
)
def test_selinux_is_not_asked_without_a_domain(run, free, monkeypatch, options):
    monkeypatch.setattr(selinux_gate, "is_on", lambda: pytest.fail("nobody asks"))
    assert run(ports=[free], **options)["msg"] == "The required port is free."


def test_selinux_is_asked_about_a_unit(run, free, selinux, monkeypatch):
    asked = []
    monkeypatch.setattr(confined, "find", lambda requirements, _verdicts: asked.extend(requirements) or {})
    run(ports=[free], held_by=["unit:web", "unit:httpd.service"])
    assert [requirement.units for requirement in asked] == [("web", "httpd.service")]
