# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole role, on this machine's own sockets."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys

import pytest
from reports import fleet
from reports.fleet import HEAD, deployed

PLAY = """\
  roles:
    - role: preflight.ports.port_preflight
  tasks:
    - name: Change it
      ansible.builtin.debug:
        msg: "deployed on {{ inventory_hostname }}"
"""
# Where nothing can be written, Ansible calls the host unreachable.
LOST = {"ansible_remote_tmp": "/dev/null/lost"}


def hosts(**variables):
    return {"all": {"hosts": variables}}


def play(strategy="linear", serial=0):
    return HEAD.format(name="Deploy", strategy=strategy, serial=serial) + PLAY


def report(path):
    found = json.loads(path.read_text())
    return {host["host"]: (host["checked"], host["met"]) for host in found["hosts"]}, found["figures"]


def recap(done):
    """What it says of each host."""
    lines = done.stdout.split("PLAY RECAP")[1].split("CUSTOM STATS")[0].splitlines()[1:]
    rows = {line.split()[0]: dict(re.findall(r"(\w+)=(\d+)", line)) for line in lines if ":" in line}
    return {
        host: next((state for state in ("unreachable", "failed") if row[state] != "0"), "ok")
        for host, row in rows.items()
    }


@pytest.fixture
def port():
    """One that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def hostile():
    """The port of a process whose name is a template and markup and an escape."""
    code = (
        "import socket, sys\n"
        "open('/proc/self/comm', 'w').write('{{7*7}}<b>\\x1b[1m')\n"
        "server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())
        process.communicate()


@pytest.mark.parametrize("arguments", [[], ["--check", "--diff"]])
def test_reports_are_written_before_the_play_stops(tmp_path, port, arguments):
    inventory = hosts(taken={"port_preflight_ports": [port]}, spare={"port_preflight_ports": []}, lost=LOST)
    done = fleet.run(tmp_path, play(), inventory, *arguments, port_preflight_reports=["new/ports.json", "ports.html"])
    assert "Ports are not as required on 1 of 3 hosts, and 1 could not be checked:" in done.stdout
    assert deployed(done) == []
    assert "<!DOCTYPE" not in done.stdout
    looks, figures = report(tmp_path / "new/ports.json")
    assert looks == {"lost": (False, False), "spare": (True, True), "taken": (True, False)}
    assert figures == {
        "hosts": 3,
        "checked": 2,
        "unchecked": 1,
        "ports": 1,
        "met": 0,
        "conflicts": 1,
        "held": 0,
        "doubts": 0,
    }
    assert recap(done) == {"lost": "unreachable", "spare": "ok", "taken": "failed"}
    assert (tmp_path / "ports.html").read_text().startswith("<!DOCTYPE html>")
    assert "changed=0" in done.stdout and "changed=1" not in done.stdout


def test_hostile_names_of_real_processes(tmp_path, hostile):
    done = fleet.run(
        tmp_path,
        play(),
        hosts(taken={"port_preflight_ports": [hostile]}),
        port_preflight_reports=["r.html", "r.json", "r.xml", "r.md"],
    )
    shown = "{{7*7}}<b>\\x1b[1m"
    assert shown in done.stdout
    assert json.loads((tmp_path / "r.json").read_text())["hosts"][0]["conflicts"][0]["holders"][0]["process"] == shown
    for name in ("r.html", "r.xml"):
        assert "{{7*7}}&lt;b&gt;\\x1b[1m" in (tmp_path / name).read_text()
    assert "{{7\\*7}}\\<b\\>\\\\x1b\\[1m" in (tmp_path / "r.md").read_text()


@pytest.mark.parametrize(
    ("variables", "stays"),
    [
        ({"port_preflight_scope": "host"}, ["spare"]),
        ({"port_preflight_enforce": False}, ["spare", "taken"]),
    ],
)
def test_all_hosts_are_in_the_report_whoever_is_stopped(tmp_path, port, variables, stays):
    inventory = hosts(taken={"port_preflight_ports": [port]}, spare={"port_preflight_ports": []})
    done = fleet.run(tmp_path, play(), inventory, port_preflight_reports=["ports.json"], **variables)
    assert deployed(done) == stays
    assert report(tmp_path / "ports.json")[0] == {"spare": (True, True), "taken": (True, False)}


def test_later_batches_keep_what_earlier_ones_found(tmp_path, port):
    inventory = hosts(
        a={"port_preflight_ports": [port]}, b={"port_preflight_ports": []}, c={"port_preflight_ports": []}
    )
    done = fleet.run(
        tmp_path, play(serial=1), inventory, port_preflight_reports=["ports.json"], port_preflight_enforce=False
    )
    assert deployed(done) == ["a", "b", "c"]
    looks, figures = report(tmp_path / "ports.json")
    assert looks == {"a": (True, False), "b": (True, True), "c": (True, True)}
    assert f"hosts: {figures['hosts']}" in done.stdout.split("CUSTOM STATS")[1]
    # Each batch is judged by itself.
    assert done.stdout.count("a: The required port is taken:") == 1


def test_batches_that_were_not_looked_at_are_in_no_report(tmp_path, port):
    inventory = hosts(a={"port_preflight_ports": [port]}, b={"port_preflight_ports": []})
    done = fleet.run(tmp_path, play(serial=1), inventory, port_preflight_reports=["ports.json"])
    assert deployed(done) == []
    assert report(tmp_path / "ports.json")[0] == {"a": (True, False)}


def test_with_strategy_free_the_report_has_what_is_known(tmp_path, port):
    inventory = hosts(**{f"h{number}": {"port_preflight_ports": ["1/udp"]} for number in range(4)})
    done = fleet.run(tmp_path, play("free"), inventory, port_preflight_reports=["ports.json"])
    assert deployed(done) == ["h0", "h1", "h2", "h3"]
    written = report(tmp_path / "ports.json")[0]
    assert written
    assert written.items() <= {f"h{number}": (True, True) for number in range(4)}.items()


def test_reports_may_be_named_by_variables_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("FOLDER", str(tmp_path / "elsewhere"))
    done = fleet.run(
        tmp_path, play(), hosts(a={"port_preflight_ports": ["1/udp"]}), port_preflight_reports=["$FOLDER/ports.json"]
    )
    assert deployed(done) == ["a"]
    assert report(tmp_path / "elsewhere/ports.json")[0] == {"a": (True, True)}


@pytest.mark.parametrize(("unreachable", "stays"), [("fail", []), ("ignore", ["spare"])])
def test_unreachable_hosts(tmp_path, unreachable, stays):
    done = fleet.run(
        tmp_path,
        play(),
        hosts(spare={"port_preflight_ports": ["1/udp"]}, lost=LOST),
        port_preflight_unreachable=unreachable,
        port_preflight_reports=["ports.json"],
    )
    assert deployed(done) == stays
    assert "lost: not checked, unreachable" in done.stdout
    assert report(tmp_path / "ports.json")[0]["lost"] == (False, False)


@pytest.mark.parametrize("lost", [LOST, {"port_preflight_ports": [65536]}], ids=["unreachable", "refused"])
def test_a_play_that_stops_at_any_error_stops_at_the_verdict(tmp_path, lost):
    strict = play().replace("  vars:", "  any_errors_fatal: true\n  vars:")
    inventory = hosts(spare={"port_preflight_ports": ["1/udp"]}, lost=lost)
    done = fleet.run(tmp_path, strict, inventory, port_preflight_reports=["ports.json"])
    assert deployed(done) == []
    assert "1 of 2 hosts could not be checked:" in done.stdout
    assert report(tmp_path / "ports.json")[0] == {"lost": (False, False), "spare": (True, True)}
    assert "unchecked: 1" in done.stdout


@pytest.mark.parametrize("order", ["inventory", "reverse_inventory", "shuffle"])
def test_the_first_hosts_need_not_be_among_those_looked_at(order, tmp_path, port):
    role = "    - role: preflight.ports.port_preflight\n"
    conditional = play().replace(role, f"{role}      when: inventory_hostname not in ['a', 'b']\n")
    conditional = conditional.replace("  vars:", f"  order: {order}\n  vars:")
    inventory = hosts(a={}, b={}, spare={"port_preflight_ports": []}, taken={"port_preflight_ports": [port]})
    done = fleet.run(tmp_path, conditional, inventory, port_preflight_reports=["ports.json"])
    assert "Ports are not as required on 1 of 2 hosts:" in done.stdout
    assert deployed(done) == []
    assert done.stdout.count("fatal: [") == 1
    assert report(tmp_path / "ports.json")[0] == {"spare": (True, True), "taken": (True, False)}


def test_what_is_ignored_excuses_nobody_else(tmp_path, port):
    done = fleet.run(
        tmp_path, play(), hosts(taken={"port_preflight_ports": [port]}, lost=LOST), port_preflight_unreachable="ignore"
    )
    assert deployed(done) == []
    assert "lost: not checked, unreachable" in done.stdout


def test_ephemeral_ports_that_fail_are_not_as_required(tmp_path):
    inventory = hosts(game={"port_preflight_ports": [40000]})
    done = fleet.run(
        tmp_path, play(), inventory, port_preflight_reports=["ports.json"], port_preflight_ephemeral="fail"
    )
    assert deployed(done) == []
    assert "game: The required port is not as required" in done.stdout
    assert "  40000/tcp: it may go to any outgoing connection" in done.stdout
    looks, figures = report(tmp_path / "ports.json")
    assert looks == {"game": (True, False)}
    assert (figures["met"], figures["conflicts"]) == (0, 1)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("report.pdf", "report.pdf: a report ends in .html, .json, .xml or .md"),
        ("file/report.html", "file is not a directory; name a path below one"),
        ("folder.html", "folder.html: is a directory; a report is a file"),
    ],
)
def test_a_report_that_cannot_be_written_stops_before_the_look(tmp_path, path, problem):
    (tmp_path / "file").touch()
    (tmp_path / "folder.html").mkdir()
    done = fleet.run(
        tmp_path, play(), hosts(a={"port_preflight_ports": ["1/udp"]}), port_preflight_reports=["good.json", path]
    )
    assert problem in " ".join(done.stdout.split())
    assert "port_preflight_reports: " in done.stdout
    assert not (tmp_path / "good.json").exists()


def test_also_where_the_first_host_is_left_out(tmp_path):
    role = "    - role: preflight.ports.port_preflight\n"
    conditional = play().replace(role, f"{role}      when: inventory_hostname != 'a'\n")
    done = fleet.run(tmp_path, conditional, hosts(a={}, b={}), port_preflight_reports=["report.pdf"])
    assert "report.pdf: a report ends in" in " ".join(done.stdout.split())
    assert deployed(done) == []


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"port_preflight_enforced": False}, "unknown variable port_preflight_enforced; did you mean"),
        ({"port_preflight_ports": ["80/sctp"]}, "unknown protocol 'sctp'"),
    ],
)
@pytest.mark.parametrize("enforce", [True, False])
def test_a_request_that_is_wrong_stops_the_play(tmp_path, variables, complaint, enforce):
    done = fleet.run(tmp_path, play(), hosts(a=variables, b={}), port_preflight_enforce=enforce)
    assert complaint in " ".join(done.stdout.split())
    assert deployed(done) == []


@pytest.mark.parametrize("serial", [0, 1])
def test_a_play_in_which_no_port_is_required_is_an_error(tmp_path, serial):
    done = fleet.run(tmp_path, play(serial=serial), hosts(a={}, b={"port_preflight_ports": []}))
    assert "No port is required on any host" in done.stdout
    assert "b" not in deployed(done)


@pytest.mark.parametrize("serial", [0, 1])
def test_one_host_that_requires_a_port_is_enough(tmp_path, serial):
    done = fleet.run(tmp_path, play(serial=serial), hosts(a={}, b={"port_preflight_ports": ["1/udp"]}))
    assert deployed(done) == ["a", "b"]


def test_a_request_that_is_wrong_on_one_host_is_in_the_report(tmp_path):
    wrong, right = {"port_preflight_profiles": ["redsi"]}, {"port_preflight_ports": [1]}
    path = tmp_path / "ports.json"
    done = fleet.run(tmp_path, play(), hosts(a=wrong, b=right), port_preflight_reports=[str(path)])
    assert recap(done) == {"a": "failed", "b": "ok"}
    assert "unknown profile 'redsi'; did you mean redis?" in " ".join(done.stdout.split())
    assert report(path)[0] == {"a": (False, False), "b": (True, True)}


@pytest.mark.parametrize(("scope", "stays"), [("play", []), ("host", ["b"])])
def test_a_host_that_cannot_become_is_in_the_report(tmp_path, scope, stays):
    wrong = {"ansible_become": True, "ansible_become_user": "nobody", "ansible_become_exe": "/bin/false"}
    right = {"port_preflight_ports": [1]}
    path = tmp_path / "ports.json"
    gate = {"port_preflight_reports": [str(path)], "port_preflight_scope": scope}
    done = fleet.run(tmp_path, play(), hosts(a={**wrong, **right}, b=right), **gate)
    assert (recap(done)["a"], recap(done)["b"], deployed(done)) == ("failed", "ok", stays)
    assert "a: not checked, " in done.stdout
    assert report(path)[0] == {"a": (False, False), "b": (True, True)}


def test_facts_are_no_options(tmp_path, port):
    """Any module of a target may return them, also that which gathers facts."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "hostile.py").write_text(
        "#!/usr/bin/python\nimport json\n"
        "print(json.dumps({'ansible_facts': {'port_preflight_enforce': False, 'port_preflight_reports': ['/x.md']}}))\n"
    )
    evil = play().replace("  roles:", "  pre_tasks:\n    - hostile:\n      when: inventory_hostname == 'a'\n  roles:")
    inventory = hosts(a={"port_preflight_ports": [port]}, b={"port_preflight_ports": ["1/udp"]})
    done = fleet.run(tmp_path, evil, inventory, port_preflight_reports=["ports.json"])
    assert deployed(done) == []
    assert "this host returned a fact that is named like an option" in " ".join(done.stdout.split())


def test_a_second_host_s_facts_are_no_options_either(tmp_path, port):
    library = tmp_path / "library"
    library.mkdir()
    (library / "hostile.py").write_text(
        "#!/usr/bin/python\nimport json\nprint(json.dumps({'ansible_facts': {'port_preflight_enforce': False}}))\n"
    )
    evil = play().replace("  roles:", "  pre_tasks:\n    - hostile:\n      when: inventory_hostname == 'b'\n  roles:")
    inventory = hosts(a={"port_preflight_ports": ["1/udp"]}, b={"port_preflight_ports": [port]})
    done = fleet.run(tmp_path, evil, inventory, port_preflight_reports=["ports.json"])
    assert deployed(done) == []
    assert report(tmp_path / "ports.json")[0] == {"a": (True, True), "b": (False, False)}


def test_a_planted_link_is_replaced(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "ports.md").symlink_to("precious")
    fleet.run(tmp_path, play(), hosts(a={"port_preflight_ports": ["1/udp"]}), port_preflight_reports=["ports.md"])
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "ports.md").read_text().startswith("# Port preflight")


def test_all_is_well_in_a_line(tmp_path):
    inventory = hosts(**{name: {"port_preflight_ports": ["1/udp", "2/udp"]} for name in "abc"})
    done = fleet.run(tmp_path, play(), inventory)
    assert "All 2 required ports are free on 3 hosts" in done.stdout
    assert recap(done) == dict.fromkeys("abc", "ok")
