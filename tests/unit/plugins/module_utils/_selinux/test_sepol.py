# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._selinux import sepol
from ansible_collections.preflight.ports.plugins.module_utils._selinux.sepol import SepolError

PORTS = {1: (1, 80, 80), 2: (0, 53, 53), 3: (3, 9, 9)}
NODE = 7
CONTEXTS = {101: b"u:r:http_port_t:s0", 102: b"u:r:dns_port_t:s0", 107: b"u:r:lo_node_t:s0"}


class Library:
    """As much of libsepol as is called: records are numbers, and their contexts 100 more."""

    def __init__(self, unreadable=False, odd=False):
        self._code, self._odd = -unreadable, odd
        for name in ("policy_file_create", "policydb_create", "policy_file_set_handle", "policy_file_set_mem"):
            setattr(self, f"sepol_{name}", lambda *_arguments: 0)
        self.sepol_msg_set_callback = lambda *_arguments: None
        self.sepol_handle_create = _Function(lambda: 1)
        self.sepol_policydb_read = lambda *_arguments: self._code
        self.sepol_port_get_con = self.sepol_node_get_con = _Function(lambda record: record.value + 100)
        self.sepol_port_get_proto = lambda record: PORTS[record.value][0]
        self.sepol_port_get_low = lambda record: PORTS[record.value][1]
        self.sepol_port_get_high = lambda record: PORTS[record.value][2]
        self.sepol_port_iterate = lambda _handle, _database, visit, _none: self._iterate(visit, PORTS)
        self.sepol_node_iterate = lambda _handle, _database, visit, _none: self._iterate(visit, [NODE])

    @staticmethod
    def _iterate(visit, records):
        return min(visit(record, None) for record in records)

    def sepol_context_to_string(self, _handle, context, text):
        text._obj.value = CONTEXTS[context.value]
        return -self._odd

    def sepol_node_get_addr_bytes(self, _handle, _record, data, size):
        self._kept = sepol.ctypes.create_string_buffer(bytes([127, 0, 0, 1]))
        data._obj.value, size._obj.value = sepol.ctypes.addressof(self._kept), 4
        return 0

    sepol_node_get_mask_bytes = sepol_node_get_addr_bytes


class _Function:
    """That takes an attribute as those of ctypes do."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, *arguments):
        return self.answer(*arguments)


def test_read(monkeypatch):
    monkeypatch.setattr(sepol.ctypes, "CDLL", lambda _name: Library())
    assert sepol.read(b"policy") == (
        [["tcp", 80, 80, "u:r:http_port_t:s0"], ["udp", 53, 53, "u:r:dns_port_t:s0"]],
        [["7f000001", "7f000001", "u:r:lo_node_t:s0"]],
    )


def test_in_rules(monkeypatch):
    def write(stream, _database):
        return sepol.ctypes.CDLL(None).fputs(b"(boolean a true)\n", stream)

    library = Library()
    monkeypatch.setattr(library, "sepol_kernel_policydb_to_cil", write, raising=False)
    monkeypatch.setattr(sepol.ctypes, "CDLL", lambda name, load=sepol.ctypes.CDLL: library if name else load(name))
    assert sepol.in_rules(b"policy", str.split) == ["(boolean", "a", "true)"]


def test_a_library_that_does_not_write_rules(monkeypatch):
    library = Library()
    monkeypatch.setattr(sepol.ctypes, "CDLL", lambda name, load=sepol.ctypes.CDLL: library if name else load(name))
    with pytest.raises(SepolError, match="sepol_kernel_policydb_to_cil"):
        sepol.in_rules(b"policy", str.split)


@pytest.mark.parametrize("fault", ["unreadable", "odd"])
def test_what_it_does_not_read(monkeypatch, fault):
    monkeypatch.setattr(sepol.ctypes, "CDLL", lambda _name: Library(**{fault: True}))
    with pytest.raises(SepolError, match="libsepol does not read this policy: an error inside of it"):
        sepol.read(b"policy")


def test_it_is_missing(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(sepol.ctypes, "CDLL", missing)
    with pytest.raises(SepolError, match="the library libsepol is not installed"):
        sepol.read(b"policy")
