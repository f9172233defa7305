# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._selinux import near as module
from ansible_collections.preflight.ports.plugins.module_utils._selinux.near import near

POLICY = b"\x07\0\0\0\x01\0httpd_t\x0b\0\0\0http_port_t\x09\0\0\0httpd_u_t\xff\xfehttp2d_tool\0ntpd_t\0"


def test_near(monkeypatch):
    monkeypatch.setattr(module.selinuxfs, "policy", lambda: POLICY)
    monkeypatch.setattr(module.selinuxfs, "service_context", lambda domain: None if "port" in domain else "context")
    assert near("htpd_t") == ["httpd_t", "ntpd_t", "httpd_u_t"]
    assert near("quux") == []


def test_near_without_the_right(monkeypatch):
    def refuse():
        raise PermissionError

    monkeypatch.setattr(module.selinuxfs, "policy", refuse)
    assert near("htpd_t") == []
