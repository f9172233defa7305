# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._claims import settings
from ansible_collections.preflight.ports.plugins.module_utils._selinux import services
from ansible_collections.preflight.ports.plugins.module_utils._selinux.selinuxfs import Access, Permission
from ansible_collections.preflight.ports.plugins.module_utils._selinux.services import Service, Start, service_of, start

LIB = "usr/lib/systemd/system/"
NGINX = "[Service]\nExecStart=/usr/sbin/nginx -g x\n"


def of(name):
    return f"system_u:object_r:{name}:s0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ExecStart=/usr/sbin/nginx -g x", Start(("/usr/sbin/nginx",), None, False), id="a program"),
        pytest.param('ExecStart=-@"/opt/web" web', Start(("/opt/web",), None, False), id="prefixes and quotes"),
        pytest.param("ExecStart=/a\nExecStart=/b\nExecStart=/a", Start(("/a", "/b"), None, False), id="several"),
        pytest.param("ExecStart=/a\nExecStart=\nExecStart=/b", Start(("/b",), None, False), id="taken back"),
        pytest.param("ExecStart=/a\n[Other]\nExecStart=/b", Start(("/a",), None, False), id="another section"),
        pytest.param("ExecStart=/a\nNoNewPrivileges=yes", Start(("/a",), None, True), id="no new privileges"),
        pytest.param("ExecStart=/a\nDynamicUser=1", Start(("/a",), None, True), id="a user made for it"),
        pytest.param("ExecStart=/a\nSELinuxContext=-u:r:x_t:s0", Start(("/a",), "u:r:x_t:s0", False), id="a context"),
        pytest.param("ExecStart=/a\nSELinuxContext=u:r:x_t\nSELinuxContext=", Start(("/a",), None, False), id="none"),
        pytest.param("ExecStart=/a\nSELinuxContext=u:r:%i_t:s0", None, id="a specifier in the context"),
        pytest.param("ExecStart=/opt/%i/web", None, id="a specifier"),
        pytest.param("ExecStart=nginx", None, id="a program on the path"),
        pytest.param("ExecStart=/a\nRootDirectory=/srv", None, id="another root"),
        pytest.param("Type=oneshot", Start((), None, False), id="nothing"),
    ],
)
def test_start(text, expected):
    assert start(settings.read(f"[Service]\n{text}\n")) == expected


class Kernel:
    """init_t enters httpd_t from httpd_exec_t and odd_t from odd_exec_t, only the former without new privileges."""

    def __init__(self, labels):
        self._labels = labels

    def label(self, path, name):
        assert name == "security.selinux"
        if os.path.basename(path) not in self._labels:
            raise OSError(errno.ENODATA, "")
        return of(self._labels[os.path.basename(path)]).encode() + b"\0"

    def context_of(self, process):
        assert process == "1"
        return of("init_t")

    def transition(self, source, target):
        assert source == of("init_t")
        entered = {"httpd_exec_t": "httpd_t", "odd_exec_t": "odd_t", "bin_t": "initrc_t", "shell_exec_t": "initrc_t"}
        return of(entered.get(target.split(":")[2], "init_t"))

    def permission(self, object_class, name):
        assert object_class == "process2"
        return Permission(1, name)

    def access(self, source, target, asked):
        return Access((source, target, asked.bit) == (of("init_t"), of("httpd_t"), "nnp_transition"), True)


@pytest.fixture
def host(tmp_path, monkeypatch):
    def make(files, labels, mounted=0):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                (tmp_path / path).symlink_to(text[3:])
            else:
                (tmp_path / path).write_text(text)
        (tmp_path / "usr/sbin").mkdir(parents=True)
        for name in labels:
            (tmp_path / "usr/sbin" / name).touch()
        kernel = Kernel(labels)
        monkeypatch.setattr(services, "selinuxfs", kernel)
        monkeypatch.setattr(services.os, "getxattr", kernel.label, raising=False)
        # Where tests keep files, no program may get new rights: Debian 13 mounts /tmp so.
        monkeypatch.setattr(services.os, "statvfs", lambda _program: SimpleNamespace(f_flag=mounted))
        return str(tmp_path)

    return make


@pytest.mark.parametrize(("mounted", "expected"), [(0, "httpd_t"), (os.ST_RDONLY, "httpd_t"), (os.ST_NOSUID, None)])
def test_where_programs_get_no_new_rights(mounted, expected, host):
    root = host({f"{LIB}nginx.service": NGINX}, {"nginx": "httpd_exec_t"}, mounted)
    assert getattr(service_of(["nginx"], root), "domain", None) == expected


@pytest.mark.parametrize(
    ("label", "more", "expected"),
    [
        pytest.param("httpd_exec_t", "", "httpd_t", id="the policy's transition"),
        pytest.param("httpd_exec_t", "NoNewPrivileges=true\n", "httpd_t", id="also without new privileges"),
        pytest.param("odd_exec_t", "NoNewPrivileges=true\n", None, id="not without new privileges"),
        pytest.param("other_exec_t", "", None, id="it stays in init's domain"),
        pytest.param("bin_t", "", None, id="any program"),
        pytest.param("shell_exec_t", "", None, id="a shell"),
        pytest.param("bin_t", "SELinuxContext=system_u:system_r:web_t:s0\n", "web_t", id="the unit's context"),
        pytest.param("bin_t", "SELinuxContext=web_t\n", None, id="no context"),
        pytest.param("odd_exec_t", "ExecStart=/usr/sbin/httpd\n", None, id="several domains"),
        pytest.param("odd_exec_t", "ExecStart=/usr/sbin/gone\n", None, id="a program without a label"),
        pytest.param("odd_exec_t", "ExecStart=\n", None, id="no program"),
        pytest.param("odd_exec_t", "ExecStart=perl x\n", None, id="a program that cannot be known"),
    ],
)
def test_service_of(host, label, more, expected):
    root = host({f"{LIB}nginx.service": NGINX + more}, {"nginx": label, "httpd": "httpd_exec_t"})
    assert service_of(["nginx"], root) == (Service("nginx.service", expected) if expected else None)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["nginx.service"], "nginx.service", id="with its suffix"),
        pytest.param(["gone", "web"], "nginx.service", id="those that are not installed do not count; an alias"),
        pytest.param(["nginx", "odd"], None, id="several domains"),
        pytest.param(["nginx", "tool"], None, id="one is not known"),
        pytest.param(["at@1"], "at@1.service", id="an instance"),
        pytest.param(["masked"], None, id="masked"),
        pytest.param(["nginx.socket"], "nginx.socket", id="a socket unit"),
        pytest.param(["nginx.socket", "nginx"], "nginx.service", id="a socket unit and its service"),
        pytest.param(["nginx.timer"], None, id="what binds no port"),
        pytest.param(["gone"], None, id="none is installed"),
    ],
)
def test_units(host, names, expected):
    files = {
        f"{LIB}nginx.service": NGINX,
        f"{LIB}nginx.socket": "[Socket]\nListenStream=80\n",
        f"{LIB}nginx.timer": "[Timer]\nOnBootSec=1\n",
        "etc/systemd/system/web.service": "-> ../../../usr/lib/systemd/system/nginx.service",
        f"{LIB}odd.service": NGINX.replace("nginx", "odd"),
        f"{LIB}tool.service": NGINX.replace("nginx", "tool"),
        f"{LIB}at@.service": NGINX,
        "etc/systemd/system/masked.service": "-> /dev/null",
    }
    root = host(files, {"nginx": "httpd_exec_t", "odd": "odd_exec_t", "tool": "bin_t"})
    assert getattr(service_of(names, root), "unit", None) == expected


@pytest.mark.parametrize(
    ("label", "socket", "service", "expected"),
    [
        pytest.param("httpd_exec_t", "", "", "httpd_t", id="the label of the program decides"),
        pytest.param("odd_exec_t", "", "NoNewPrivileges=yes\n", "odd_t", id="also without new privileges"),
        pytest.param("odd_exec_t", "", "ExecStart=/usr/sbin/httpd\n", "odd_t", id="that of the first one"),
        pytest.param("bin_t", "", "", "initrc_t", id="of any program, too"),
        pytest.param("other_exec_t", "", "", "init_t", id="it may be init's own"),
        pytest.param("bin_t", "", "SELinuxContext=u:r:httpd_t:s0\n", "initrc_t", id="not the service's context"),
        pytest.param("httpd_exec_t", "SELinuxContextFromNet=yes\n", "", None, id="that of the network"),
        pytest.param("bin_t", "Service=httpd.service\n", "", "httpd_t", id="another service"),
        pytest.param("bin_t", "Accept=yes\n", "", "odd_t", id="one service for each connection"),
        pytest.param("bin_t", "Service=gone.service\n", "", None, id="a service that is not installed"),
        pytest.param("bin_t", "", "ExecStart=\n", None, id="no program"),
        pytest.param("bin_t", "", "ExecStart=\nExecStart=/usr/sbin/gone\n", None, id="a program without a label"),
    ],
)
def test_a_socket_unit(host, label, socket, service, expected):
    files = {
        f"{LIB}web.socket": f"[Socket]\nListenStream=80\n{socket}",
        f"{LIB}web.service": NGINX + service,
        f"{LIB}httpd.service": "[Service]\nExecStart=/usr/sbin/httpd\n",
        f"{LIB}web@.service": "[Service]\nExecStart=/usr/sbin/odd\n",
    }
    root = host(files, {"nginx": label, "httpd": "httpd_exec_t", "odd": "odd_exec_t"})
    assert service_of(["web.socket"], root) == (Service("web.socket", expected, True) if expected else None)
