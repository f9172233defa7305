# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import (
    census,
    command_lines,
    containers,
    kernel_owned,
    owners,
    processes,
    psutil_process,
)
from ansible_collections.preflight.ports.plugins.module_utils._holders.owners import Owners
from ansible_collections.preflight.ports.plugins.module_utils._kernel import command, links
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census, Process
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CONNECTED, LISTENING
from support.records import APACHE, CURL, WEB, row

SYSTEMD = Process(1, "systemd")
OTHER_INIT = Process(1, "init")


class Host:
    """Owners by inode, processes by pid, and what was asked about them."""

    def __init__(self, monkeypatch):
        self.owners = {}
        self.processes = {process.pid: process for process in (APACHE, CURL)}
        self.searched = None
        self.commands = []
        self.arguments = {}
        self.commands_read = []
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(owners, "find", self._find)
        monkeypatch.setattr(kernel_owned, "kernel_owns", lambda held, owners, links: held.port in links)
        self.links_read = 0
        monkeypatch.setattr(links, "read", self._read_links)
        monkeypatch.setattr(processes, "read", self.processes.get)
        monkeypatch.setattr(command_lines, "read", self._read_command_lines)
        monkeypatch.setattr(command, "output", self._output)
        monkeypatch.setattr(processes, "user_name", {33: "www-data"}.get)

    def _read_command_lines(self, pids):
        self.commands_read.append(sorted(pids))
        return {pid: self.arguments[pid] for pid in pids if pid in self.arguments}

    def _read_links(self):
        self.links_read += 1
        return [4789]

    def _find(self, inodes):
        self.searched = sorted(inodes)
        return Owners({inode: self.owners[inode] for inode in inodes if inode in self.owners}, True)

    def _output(self, program, *_arguments):
        self.commands.append(program)
        return "Id=ssh.socket\nListen=[::]:22 (Stream)\n"

    def census(self, *sockets):
        return census.take(sockets)


@pytest.fixture
def host(monkeypatch):
    return Host(monkeypatch)


def test_of_nobody(host):
    assert host.census() == Census({}, {})
    assert host.commands == []


def test_of_processes(host):
    host.owners = {42: [812], 43: [812, 4711]}
    taken = host.census(row(LISTENING, inode=42, uid=0), row(CONNECTED, inode=43, uid=0), row(LISTENING, inode=0))
    assert host.searched == [42, 43]
    assert taken == Census({42: [812], 43: [812, 4711]}, {812: APACHE, 4711: CURL})
    assert host.commands == []


def test_devices_are_read_only_for_sockets_without_an_owner(host):
    host.owners = {42: [812]}
    host.census(row(LISTENING, inode=42), row(LISTENING, pids=(4711,)))
    assert host.links_read == 0
    host.census(row(LISTENING, inode=43), row(LISTENING, inode=44))
    assert host.links_read == 1


def test_of_processes_that_the_source_knows_already(host):
    assert host.census(row(LISTENING, pids=(4711,))).processes == {4711: CURL}


def test_no_user_hides_whom_roots_helpers_publish_for(host):
    host.owners = {42: [7, 8]}
    host.processes[7] = Process(7, "docker-proxy", "/usr/bin/docker-proxy", 0)
    host.processes[8] = Process(8, "lets-reads-hang", "/usr/bin/python3", 33)
    host.census(row(LISTENING, inode=42))
    assert host.commands_read == [[7], [8]]


def test_command_lines_are_read_only_of_those_of_whom_nothing_else_tells_enough(host):
    host.owners = {42: [812, 7, 8]}
    host.processes[7] = Process(7, "my-long-script-", "/usr/bin/python3", 0)
    host.processes[8] = Process(8, "my-long-process", "/usr/bin/python3", 0)
    host.arguments = {7: ["/opt/my-long-script-name.py"]}
    taken = host.census(row(LISTENING, inode=42))
    assert host.commands_read == [[7, 8], []]
    names = {pid: process.name for pid, process in taken.processes.items()}
    assert names == {812: "apache2", 7: "my-long-script-name.py", 8: "my-long-process"}


def test_no_command_line_is_read_for_nothing(host):
    host.owners = {42: [812]}
    host.census(row(LISTENING, inode=42))
    assert not host.commands_read


def test_of_a_process_that_is_gone(host):
    host.owners = {42: [812, 999]}
    assert host.census(row(LISTENING, inode=42)).processes == {812: APACHE}


def test_of_hidden_processes(host):
    taken = host.census(row(LISTENING, inode=42, uid=33), row(LISTENING, inode=43, uid=34), row(LISTENING, inode=44))
    assert taken == Census({}, {}, users={33: "www-data", 34: None})


def test_of_the_kernel(host):
    host.owners = {42: [812]}
    vxlan = row(BOUND, port=4789, inode=77, uid=0, protocol="udp")
    other = row(BOUND, port=4790, inode=78, uid=0, protocol="udp")
    assert host.census(vxlan, other, row(LISTENING, port=4789, inode=42)).kernel_owned == {vxlan}


@pytest.mark.parametrize(
    ("init", "units", "programs"),
    [
        pytest.param(SYSTEMD, {("tcp", "::", 22): "ssh.socket"}, ["systemctl"], id="systemd"),
        pytest.param(OTHER_INIT, {}, [], id="another init"),
    ],
)
def test_of_pid_1(init, units, programs, host):
    host.owners = {42: [1], 43: [1]}
    host.processes[1] = init
    assert host.census(row(LISTENING, "::", 22, inode=42), row(LISTENING, port=80, inode=43)).socket_units == units
    assert host.commands == programs


@pytest.mark.parametrize(
    ("name", "uid", "expected"),
    [
        pytest.param("dockerd", 0, {("tcp", 80): WEB}, id="Docker without its proxy"),
        pytest.param("dockerd", 1000, {}, id="a user's process of that name"),
        pytest.param("docker-proxy", 0, {}, id="the proxy"),
    ],
)
def test_of_an_engine_that_publishes(name, uid, expected, host, monkeypatch):
    monkeypatch.setattr(
        containers, "published", lambda protocol, port: WEB if (protocol, port) == ("tcp", 80) else None
    )
    host.owners = {42: [7], 43: [7]}
    host.processes[7] = CURL._replace(pid=7, name=name, uid=uid)
    taken = host.census(row(LISTENING, inode=42), row(LISTENING, port=81, inode=43))
    assert taken.published == expected


def test_of_processes_elsewhere(host, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(psutil_process, "process", {4711: CURL}.get)
    host.processes.clear()
    assert host.census(row(LISTENING, pids=(4711,))).processes == {4711: CURL}
