# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._selinux.booleans import switches

CIL = """\
(common socket (bind name_bind))
(boolean any_port false)
(boolean ftp_server false)
(boolean guarded true)
(boolean is_on true)
(typeattributeset port_type (ftp_port_t http_port_t odd_port_t))
(typeattributeset web_domain (httpd_t nginx_t))
(allow httpd_t http_port_t (tcp_socket (name_bind)))
(booleanif any_port
    (true
        (allow web_domain port_type (tcp_socket (name_bind)))
    )
)
(booleanif ftp_server
    (true
        (allow httpd_t ftp_port_t (tcp_socket (create bind name_bind)))
        (allow httpd_t http_port_t (udp_socket (name_bind)))
        (auditallow httpd_t odd_port_t (tcp_socket (name_bind)))
        (allow httpd_t odd_port_t (tcp_socket (name_connect)))
    )
)
(booleanif guarded
    (true
        (dontaudit ftpd_t odd_port_t (tcp_socket (name_bind)))
    )
    (false
        (allow ftpd_t odd_port_t (tcp_socket (name_bind)))
    )
)
(booleanif (and (not ftp_server) any_port)
    (true
        (allow ftpd_t ftp_port_t (tcp_socket (name_bind)))
    )
)
(booleanif (xor any_port ftp_server)
    (true
        (allow smbd_t odd_port_t (tcp_socket (name_bind)))
    )
)
(booleanif (or is_on any_port)
    (false
        (allow squid_t odd_port_t (tcp_socket (name_bind)))
    )
)
(booleanif is_on
    (true
        (allow squid_t ftp_port_t (tcp_socket (name_bind)))
    )
)
(booleanif fs_only
    (true
        (allow httpd_t nfs_t (file (read)))
    )
)
"""

FTP = ("httpd_t", "tcp_socket", "ftp_port_t")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(
            ("httpd_t", "tcp_socket", "ftp_port_t"), [("ftp_server", True, 1), ("any_port", True, 3)], id="two"
        ),
        pytest.param(("nginx_t", "tcp_socket", "odd_port_t"), [("any_port", True, 3)], id="attributes"),
        pytest.param(("httpd_t", "udp_socket", "http_port_t"), [("ftp_server", True, 1)], id="UDP"),
        pytest.param(("httpd_t", "udp_socket", "odd_port_t"), [], id="the other protocol"),
        pytest.param(("ftpd_t", "tcp_socket", "odd_port_t"), [("guarded", False, 1)], id="off"),
        pytest.param(("ftpd_t", "tcp_socket", "ftp_port_t"), [("any_port", True, 1)], id="one of two that must hold"),
        pytest.param(
            ("smbd_t", "tcp_socket", "odd_port_t"), [("any_port", True, 1), ("ftp_server", True, 1)], id="either"
        ),
        pytest.param(("squid_t", "tcp_socket", "odd_port_t"), [("is_on", False, 1)], id="neither"),
        pytest.param(("squid_t", "tcp_socket", "ftp_port_t"), [], id="holds already"),
        pytest.param(("nosuch_t", "tcp_socket", "odd_port_t"), [], id="no rule"),
    ],
)
def test_switches(asked, expected):
    assert switches(CIL, [asked]) == [expected]


def test_several_at_once():
    ftp, odd = (("nginx_t", "tcp_socket", f"{name}_port_t") for name in ("ftp", "odd"))
    assert switches(CIL, [ftp, odd]) == [[("any_port", True, 3)]] * 2
    assert switches("", [ftp]) == [[]]
