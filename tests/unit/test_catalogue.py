# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of known products: every profile is complete, usable as it is, and on the page that lists them."""

from __future__ import annotations

import itertools
import re
import runpy
from pathlib import Path

import pytest
from ansible_collections.preflight.ports.plugins.filter.profile_ports import profile_ports
from ansible_collections.preflight.ports.plugins.module_utils._holders.programs import is_interpreter
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Process
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE
from ansible_collections.preflight.ports.plugins.module_utils._request import entries
from ansible_collections.preflight.ports.plugins.module_utils._verdict import rivals

CATALOGUE = runpy.run_path(str(Path(__file__).parents[2] / "docs/catalogue.py"))
PROFILES = CATALOGUE["load"]()

every_profile = pytest.mark.parametrize("name", PROFILES)


def requirements(*names):
    """What the modules make of the profiles, without a services database."""
    return entries.parse(profile_ports(names), service=lambda *_: pytest.fail("a port is not a number"))


def test_it_knows_many_products():
    assert len({profile["product"] for profile in PROFILES.values()}) >= 25


def test_the_page_is_up_to_date():
    assert CATALOGUE["PAGE"].read_text(encoding="utf-8") == CATALOGUE["page"](PROFILES), "run make catalogue"


@every_profile
def test_names_can_be_written_without_quotes(name):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


@every_profile
def test_keys(name):
    profile = PROFILES[name]
    assert set(profile) <= {"product", "version", "sources", "note", "includes", "held_by", "selinux_domain", "ports"}
    for port in profile["ports"]:
        assert set(port) <= {"port", "purpose", "protocol", "address", "held_by", "from"}


def test_an_incomplete_profile_is_named(tmp_path):
    path = tmp_path / "gitea.yml"
    path.write_text("{product: Gitea, sources: [], held_by: [], ports: [{port: 3000}]}")
    with pytest.raises(SystemExit, match=r"gitea\.yml lacks version, purpose of a port; see"):
        CATALOGUE["complete"](path)


@every_profile
def test_facts_can_be_looked_up(name):
    profile = PROFILES[name]
    assert re.match(r"[0-9]", profile["version"])
    assert profile["sources"]
    for source in profile["sources"]:
        assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+/\S*", source)


@every_profile
def test_a_rerun_can_pass(name):
    for requirement in requirements(name):
        assert requirement.state == FREE
        assert requirement.held_by
        for pattern in requirement.held_by:
            assert re.search(r"[a-z0-9]{2}", pattern.glob), "so wide that strangers match"


PROVING = {"unit", "exe", "user", "container"}
DIRECTORIES_OF_ROOT = ("/usr/", "/opt/", "/snap/", "/sbin/", "/lib/", "/var/lib/rancher/")


def patterns(name):
    return {pattern for requirement in requirements(name) for pattern in requirement.held_by}


def allowed(profile, /, **process):
    """Whether the profile allows such a process on one of its ports."""
    names = Process(pid=7, exe_is_here=True, **process).names()
    return any(pattern.matches(names) for pattern in patterns(profile))


@every_profile
def test_patterns_prove_who_holds_a_port(name):
    for pattern in patterns(name):
        assert pattern.text == "kernel" or set(pattern.fields) <= PROVING, pattern.text
        if "exe" in pattern.fields:
            assert pattern.glob.startswith(DIRECTORIES_OF_ROOT), pattern.text
            assert not is_interpreter(pattern.glob), pattern.text
        if "user" in pattern.fields:
            assert re.fullmatch(r"[a-z-]+", pattern.glob), pattern.text
            assert pattern.glob not in ("root", "nobody"), pattern.text


@every_profile
def test_no_name_that_a_user_chooses_is_enough(name):
    for pattern in patterns(name):
        chosen = re.sub(r"\[(.)[^]]*\]", r"\1", pattern.glob).replace("*", "x").replace("?", "_")
        for path in (f"/home/eve{chosen}", f"/home/eve/{chosen}", f"/srv/eve{chosen}", "/usr/bin/python3.11"):
            for unit in (f"user@1000.service/{chosen}", f"user@1000.service/{chosen}.service", "session-1.scope", None):
                assert not allowed(name, name=chosen, program=chosen, exe=path, unit=unit, user="eve", uid=1000), (
                    pattern.text
                )


def test_interpreters_are_told_from_programs():
    """Anybody may run them with a program of his own."""
    own = dict.fromkeys(JAVA, "/usr/lib/jvm/java-17-openjdk-amd64/bin/java")
    for profile, exe in {**own, "rabbitmq": "/usr/lib/erlang/erts-13.1.5/bin/beam.smp"}.items():
        assert not allowed(profile, name="java", exe=exe, user="eve", uid=1000)


JAVA = ("cassandra", "elasticsearch", "kafka", "opensearch", "tomcat", "zookeeper")


@pytest.mark.parametrize(
    ("profile", "unit", "exe"),
    [
        # Debian 12
        ("alertmanager", "prometheus-alertmanager.service", "/usr/bin/prometheus-alertmanager"),
        ("apache", "apache2.service", "/usr/sbin/apache2"),
        ("apache", "apache2@shop.service", "/usr/sbin/apache2"),
        ("bind", "named.service", "/usr/sbin/named"),
        ("bind", "systemd-resolved.service", "/usr/lib/systemd/systemd-resolved"),
        ("caddy", "caddy.service", "/usr/bin/caddy"),
        ("ceph_mon", "ceph-mon@a.service", "/usr/bin/ceph-mon"),
        ("ceph_osd", "ceph-osd@0.service", "/usr/bin/ceph-osd"),
        ("ceph_osd", "ceph-mgr@a.service", "/usr/bin/ceph-mgr"),
        ("ceph_osd", "ceph-mds@a.service", "/usr/bin/ceph-mds"),
        ("cockpit", "cockpit.service", "/usr/lib/cockpit/cockpit-tls"),
        ("cockpit", "cockpit.socket", None),
        ("dnsmasq", "dnsmasq.service", "/usr/sbin/dnsmasq"),
        ("docker_swarm_manager", "docker.service", "/usr/sbin/dockerd"),
        ("etcd", "etcd.service", "/usr/bin/etcd"),
        ("haproxy", "haproxy.service", "/usr/sbin/haproxy"),
        ("mariadb", "mariadb.service", "/usr/sbin/mariadbd"),
        ("memcached", "memcached.service", "/usr/bin/memcached"),
        ("mosquitto", "mosquitto.service", "/usr/sbin/mosquitto"),
        ("nats", "nats-server.service", "/usr/sbin/nats-server"),
        ("nfs_server", "nfs-mountd.service", "/usr/sbin/rpc.mountd"),
        ("nfs_server", "rpcbind.service", "/usr/sbin/rpcbind"),
        ("nfs_server", "rpcbind.socket", "/sbin/rpcbind"),
        ("nginx", "nginx.service", "/usr/sbin/nginx"),
        ("node_exporter", "prometheus-node-exporter.service", "/usr/bin/prometheus-node-exporter"),
        ("postfix", "postfix@-.service", "/usr/lib/postfix/sbin/master"),
        ("postgresql", "postgresql@15-main.service", "/usr/lib/postgresql/15/bin/postgres"),
        ("prometheus", "prometheus.service", "/usr/bin/prometheus"),
        ("rabbitmq", "epmd.socket", "/usr/lib/erlang/erts-13.1.5/bin/epmd"),
        ("rabbitmq", "rabbitmq-server.service", None),
        ("redis", "redis-server.service", "/usr/bin/redis-check-rdb"),
        ("redis", "redis-server@shop.service", "/usr/bin/redis-check-rdb"),
        ("redis_sentinel", "redis-sentinel.service", "/usr/bin/redis-check-rdb"),
        ("samba", "smbd.service", "/usr/sbin/smbd"),
        ("samba", "nmbd.service", "/usr/sbin/nmbd"),
        ("samba", "samba-ad-dc.service", "/usr/sbin/samba"),
        ("tomcat", "tomcat10.service", None),
        ("valkey", "valkey-server.service", "/usr/bin/valkey-check-rdb"),
        ("zookeeper", "zookeeper.service", None),
        # RHEL, and the packages of the products
        ("apache", "httpd.service", "/usr/sbin/httpd"),
        ("cassandra", "cassandra.service", None),
        ("consul_client", "consul.service", "/usr/bin/consul"),
        ("consul_server", "consul.service", "/usr/bin/consul"),
        ("docker_swarm_worker", "docker.service", "/usr/bin/dockerd"),
        ("elasticsearch", "elasticsearch.service", None),
        ("grafana", "grafana-server.service", "/usr/share/grafana/bin/grafana"),
        ("grafana", "grafana-server.service", "/usr/sbin/grafana-server"),
        ("kafka", "confluent-kafka.service", None),
        ("kubernetes_worker", "kubelet.service", "/usr/bin/kubelet"),
        ("mariadb", "mariadb.service", "/usr/libexec/mariadbd"),
        ("mongodb", "mongod.service", "/usr/bin/mongod"),
        ("mysql", "mysqld.service", "/usr/sbin/mysqld"),
        ("mysql", "mysqld.service", "/usr/libexec/mysqld"),
        ("nginx", "nginx.service", "/usr/sbin/nginx"),
        ("nomad_client", "nomad.service", "/usr/bin/nomad"),
        ("opensearch", "opensearch.service", None),
        ("postfix", "postfix.service", "/usr/libexec/postfix/master"),
        ("postgresql", "postgresql.service", "/usr/bin/postgres"),
        ("postgresql", "postgresql-16.service", "/usr/pgsql-16/bin/postgres"),
        ("redis", "redis.service", "/usr/bin/redis-server"),
        ("samba", "smb.service", "/usr/sbin/smbd"),
        ("tomcat", "tomcat.service", None),
        ("vault", "vault.service", "/usr/bin/vault"),
        # Installers, and archives that a role of Ansible unpacks
        ("alertmanager", "alertmanager.service", "/usr/local/bin/alertmanager"),
        ("etcd", "etcd.service", "/opt/etcd-v3.6.0/etcd"),
        ("grafana", "grafana.service", "/opt/grafana/bin/grafana-server"),
        ("k3s_agent", "k3s-agent.service", None),
        ("k3s_server", "k3s.service", None),
        ("kafka", "kafka.service", None),
        ("minio", "minio.service", "/usr/local/bin/minio"),
        ("node_exporter", "node_exporter.service", "/usr/local/bin/node_exporter"),
        ("node_exporter", "node_exporter.service", "/opt/node_exporter-1.11.0/node_exporter"),
        ("prometheus", "prometheus.service", "/opt/prometheus/prometheus"),
        ("rke2_agent", "rke2-agent.service", "/var/lib/rancher/rke2/data/v1.34.1-rke2r1-abc/bin/kubelet"),
        ("rke2_server", "rke2-server.service", "/usr/local/bin/rke2"),
        ("zookeeper", "zookeeper.service", None),
    ],
)
def test_packaged_services(profile, unit, exe):
    assert allowed(profile, unit=unit), "by its unit"
    assert exe is None or allowed(profile, exe=exe, user="daemon", uid=1), "by its program, where systemd is not"


@pytest.mark.parametrize(
    ("profile", "user"),
    [(name, name) for name in JAVA] + [("kafka", "cp-kafka"), ("rabbitmq", "rabbitmq"), ("rabbitmq", "epmd")],
)
def test_users_of_what_an_interpreter_runs(profile, user):
    assert allowed(profile, exe="/usr/lib/jvm/java-17-openjdk-amd64/bin/java", user=user, uid=999)


@pytest.mark.parametrize(
    ("profile", "container"),
    [
        ("redis", "redis"),
        ("redis", "shop-redis-1"),
        ("postgresql", "shop_postgres_1"),
        ("kubernetes_control_plane", "kube-apiserver"),
        ("kubernetes_control_plane", "k8s_kube-scheduler_kube-scheduler-a_kube-system_1_0"),
        ("kubernetes_control_plane", "etcd"),
        ("rke2_server", "cloud-controller-manager"),
        ("calico", "calico-node"),
        ("cilium", "cilium-agent"),
        ("ceph_mon", "ceph-5d3f-mon-a"),
        ("ceph_osd", "ceph-5d3f-osd-0"),
        ("node_exporter", "node-exporter"),
        ("node_exporter", "nodeexporter"),
    ],
)
def test_containers(profile, container):
    assert allowed(profile, container=Container("0" * 64, container, "docker"), exe="/usr/local/bin/any", uid=999)


@pytest.mark.parametrize(
    ("profile", "process"),
    [
        ("apache", {"unit": "nginx.service", "exe": "/usr/sbin/nginx"}),
        ("k3s_agent", {"unit": "k3s.service"}),
        ("k3s_server", {"unit": "k3s-agent.service"}),
        ("mysql", {"unit": "mariadb.service", "exe": "/usr/sbin/mariadbd"}),
        ("prometheus", {"unit": "prometheus-node-exporter.service", "exe": "/usr/bin/prometheus-node-exporter"}),
        ("docker_swarm_manager", {"unit": f"docker-{'0' * 64}.scope", "exe": "/usr/sbin/nginx"}),
        ("redis", {"unit": "valkey-server.service", "exe": "/usr/bin/valkey-check-rdb"}),
    ],
)
def test_another_product(profile, process):
    assert not allowed(profile, **process)


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if "selinux_domain" in profile])
def test_domains(name):
    assert all(re.fullmatch(r"-[a-z_]+_t", requirement.selinux_domain) for requirement in requirements(name))


@every_profile
def test_no_port_twice(name):
    ports = [(each.protocol, port) for each in requirements(name) for port in each.ports]
    assert len(ports) == len(set(ports))


@every_profile
def test_purposes_tell_the_ports_apart(name):
    names = [entry["name"] for entry in profile_ports([name])]
    assert len(names) == len(set(names))
    assert all(entry.startswith(f"{PROFILES[name]['product']}: ") for entry in names)


@every_profile
def test_included_profiles_are_of_the_same_product(name):
    for included in PROFILES[name].get("includes", ()):
        assert PROFILES[included]["product"] == PROFILES[name]["product"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (one, other)
        for one, other in itertools.combinations(PROFILES, 2)
        if PROFILES[one]["product"] == PROFILES[other]["product"]
    ],
)
def test_a_host_can_have_all_roles_of_a_product(one, other):
    assert rivals.find(requirements(one, other)) == {}


@pytest.mark.parametrize(
    ("one", "other"), [("apache", "nginx"), ("cockpit", "prometheus"), ("etcd", "kubernetes_control_plane")]
)
def test_products_that_want_the_same_port_are_rivals(one, other):
    assert rivals.find(requirements(one, other))
