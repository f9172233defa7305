# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import inspect
import socket
import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse, parse_ranges
from support.records import at, want, wanting

WILDCARDS = (at("0.0.0.0"), at("::", v6only=True))
SERVICES = {
    ("https", "tcp"): 443,
    ("domain", "tcp"): 53,
    ("domain", "udp"): 53,
    ("tftp", "udp"): 69,
    ("x-y.z+1", "tcp"): 7,
}


def service(name, protocol):
    try:
        return SERVICES[name, protocol]
    except KeyError:
        raise OSError("service/proto not found") from None


@pytest.mark.parametrize(
    ("entry", "protocol", "first", "last", "address", "endpoints"),
    [
        pytest.param(80, "tcp", 80, 80, None, WILDCARDS, id="an int"),
        pytest.param("80", "tcp", 80, 80, None, WILDCARDS, id="a string"),
        pytest.param(" 80 ", "tcp", 80, 80, None, WILDCARDS, id="space around"),
        pytest.param(1, "tcp", 1, 1, None, WILDCARDS, id="the first port"),
        pytest.param("65535/udp", "udp", 65535, 65535, None, WILDCARDS, id="the last port"),
        pytest.param("80/tcp", "tcp", 80, 80, None, WILDCARDS, id="tcp"),
        pytest.param("8000-8010", "tcp", 8000, 8010, None, WILDCARDS, id="a range"),
        pytest.param("80-80", "tcp", 80, 80, None, WILDCARDS, id="a range of one"),
        pytest.param("1-65535/udp", "udp", 1, 65535, None, WILDCARDS, id="every port"),
        pytest.param("https", "tcp", 443, 443, None, WILDCARDS, id="a service"),
        pytest.param("domain/udp", "udp", 53, 53, None, WILDCARDS, id="a service of udp"),
        pytest.param("x-y.z+1", "tcp", 7, 7, None, WILDCARDS, id="a service with odd letters"),
        pytest.param("127.0.0.1:5432", "tcp", 5432, 5432, "127.0.0.1", (at("127.0.0.1"),), id="IPv4"),
        pytest.param("0.0.0.0:80", "tcp", 80, 80, "0.0.0.0", (at("0.0.0.0"),), id="the IPv4 wildcard"),
        pytest.param("[::]:80", "tcp", 80, 80, "::", (at("::", v6only=False),), id=":: is dual-stack"),
        pytest.param("[::1]:53/udp", "udp", 53, 53, "::1", (at("::1", v6only=True),), id="IPv6"),
        pytest.param(
            "[::ffff:10.0.0.5]:1", "tcp", 1, 1, "::ffff:10.0.0.5", (at("::ffff:10.0.0.5", False),), id="mapped"
        ),
        pytest.param({"port": "1-65535"}, "tcp", 1, 65535, None, WILDCARDS, id="as many ports as there are, in a dict"),
        pytest.param(
            "[fe80::1%fifteen-letters]:80",
            "tcp",
            80,
            80,
            "fe80::1%fifteen-letters",
            (at("fe80::1", True, "fifteen-letters"),),
            id="the longest name that a zone can have",
        ),
        pytest.param("254.128.0.1:80", "tcp", 80, 80, "254.128.0.1", (at("254.128.0.1"),), id="IPv4 that begins alike"),
        pytest.param("[fec0::1]:80", "tcp", 80, 80, "fec0::1", (at("fec0::1", True),), id="the first address behind"),
        pytest.param("[fe80::1%eth0]:80", "tcp", 80, 80, "fe80::1%eth0", (at("fe80::1", True, "eth0"),), id="a zone"),
        pytest.param(
            "[ff02::fb%eth0]:5353/udp",
            "udp",
            5353,
            5353,
            "ff02::fb%eth0",
            (at("ff02::fb", True, "eth0"),),
            id="a group",
        ),
        pytest.param("[ff05::2]:80/udp", "udp", 80, 80, "ff05::2", (at("ff05::2", True),), id="a group of the site"),
        pytest.param("[0:0::1]:80", "tcp", 80, 80, "0:0::1", (at("::1", True),), id="the address stays as written"),
        pytest.param("10.0.0.5:https/tcp", "tcp", 443, 443, "10.0.0.5", (at("10.0.0.5"),), id="address and service"),
        pytest.param("10.0.0.5:80-82/udp", "udp", 80, 82, "10.0.0.5", (at("10.0.0.5"),), id="everything"),
        pytest.param({"port": 80}, "tcp", 80, 80, None, WILDCARDS, id="a dict"),
        pytest.param({"port": "80-82", "protocol": "udp"}, "udp", 80, 82, None, WILDCARDS, id="a dict with range"),
        pytest.param({"port": "https", "protocol": None}, "tcp", 443, 443, None, WILDCARDS, id="a dict with service"),
        pytest.param(
            {"port": 80, "address": "::1"}, "tcp", 80, 80, "::1", (at("::1", True),), id="a dict, no brackets"
        ),
        pytest.param(
            {"port": 80, "address": " 10.0.0.5 "}, "tcp", 80, 80, "10.0.0.5", (at("10.0.0.5"),), id="stripped"
        ),
        pytest.param(
            {"port": 80, "address": None, "name": None, "state": None, "held_by": None},
            "tcp",
            80,
            80,
            None,
            WILDCARDS,
            id="null is nothing said",
        ),
    ],
)
def test_parse_one(entry, protocol, first, last, address, endpoints):
    requirement = want(entry, service=service)
    assert requirement[:6] == (protocol, first, last, address, endpoints, None)
    assert requirement[7:] == ("free", (), False, None, None, "warn", ())
    assert requirement.ports == range(first, last + 1)


def test_services_are_those_of_this_host():
    assert inspect.signature(parse).parameters["service"].default is socket.getservbyname


@pytest.mark.parametrize(
    ("entry", "name", "state", "globs"),
    [
        pytest.param(80, None, "listening", ["nginx*"], id="the request's"),
        pytest.param("80", None, "listening", ["nginx*"], id="a string has none of its own"),
        pytest.param({"port": 80}, None, "listening", ["nginx*"], id="a dict that says nothing"),
        pytest.param({"port": 80, "name": "web"}, "web", "listening", ["nginx*"], id="a name"),
        pytest.param({"port": 80, "name": ""}, None, "listening", ["nginx*"], id="an empty name is none"),
        pytest.param({"port": 80, "state": "free"}, None, "free", ["nginx*"], id="a state"),
        pytest.param({"port": 80, "held_by": ["unit:a", "b"]}, None, "listening", ["a", "b"], id="patterns"),
        pytest.param({"port": 80, "held_by": "a, b"}, None, "listening", ["a", "b"], id="patterns in a string"),
        pytest.param({"port": 80, "held_by": []}, None, "listening", [], id="no patterns"),
    ],
)
def test_parse_what_overrides_the_request(entry, name, state, globs):
    requirement = want(entry, state="listening", held_by=["nginx*"])
    assert (requirement.name, requirement.state) == (name, state)
    assert [pattern.glob for pattern in requirement.held_by] == globs


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([443, 80], [("tcp", 443, None), ("tcp", 80, None)], id="in order"),
        pytest.param([80, 80], [("tcp", 80, None)], id="twice"),
        pytest.param([{"port": 80, "name": "web"}] * 2, [("tcp", 80, "web")], id="twice by one name"),
        pytest.param([80, "80/udp"], [("tcp", 80, None), ("udp", 80, None)], id="two protocols"),
        pytest.param(
            [{"port": 53, "protocol": ["udp", "tcp", "udp"]}],
            [("udp", 53, None), ("tcp", 53, None)],
            id="a list of protocols",
        ),
        pytest.param([80, {"port": 80, "name": "web"}], [("tcp", 80, "web")], id="named the second time"),
        pytest.param([{"port": 80, "name": "web"}, 80], [("tcp", 80, "web")], id="named the first time"),
        pytest.param(
            [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}], [("tcp", 80, "a"), ("tcp", 80, "b")], id="two names"
        ),
        pytest.param(
            [80, {"port": 80, "name": "a"}, {"port": 80, "name": "b"}, 80],
            [("tcp", 80, "a"), ("tcp", 80, "b")],
            id="two names and none",
        ),
        pytest.param([80, {"port": 80, "state": "listening"}], [("tcp", 80, None), ("tcp", 80, None)], id="two states"),
        pytest.param(
            [80, {"port": 80, "held_by": ["a"]}], [("tcp", 80, None), ("tcp", 80, None)], id="two permissions"
        ),
        pytest.param([80, "80-81"], [("tcp", 80, None), ("tcp", 80, None)], id="other ranges are other entries"),
    ],
)
def test_parse_many(entries, expected):
    assert [(each.protocol, each.first, each.name) for each in wanting(*entries)] == expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(["80/TCP"], ["80/tcp"], id="upper case"),
        pytest.param(["53/tcp+udp"], ["53/tcp", "53/udp"], id="both protocols"),
        pytest.param([{"port": 53, "protocol": "UDP+tcp"}], ["53/udp", "53/tcp"], id="both in a dict"),
        pytest.param([{"port": "51820/udp"}], ["51820/udp"], id="the protocol with the port of a dict"),
        pytest.param([{"port": "53/tcp+udp", "protocol": ["udp", "tcp"]}], ["53/tcp", "53/udp"], id="said twice"),
        pytest.param(["8080, 8443 , 53/udp"], ["8080/tcp", "8443/tcp", "53/udp"], id="several in one text"),
        pytest.param(["8080 8443\n9000"], ["8080/tcp", "8443/tcp", "9000/tcp"], id="blanks between"),
        pytest.param(["8000 - 8002 / udp"], ["8000-8002/udp"], id="blanks within"),
        pytest.param(["8080,"], ["8080/tcp"], id="a trailing comma"),
        pytest.param(["8080", ""], ["8080/tcp"], id="a trailing comma that Ansible split at"),
        pytest.param(["[80", " 443]"], ["80/tcp", "443/tcp"], id="a list in one text that Ansible split"),
        pytest.param(["['80', \"443/udp\"]"], ["80/tcp", "443/udp"], id="a list in one text, with quotes"),
        pytest.param(["[80]"], ["80/tcp"], id="a list of one in one text"),
        pytest.param(["[[::1]:80", "443]"], ["::1 80/tcp", "443/tcp"], id="a list that begins with an address"),
        pytest.param(["[::1]:80", "443"], ["::1 80/tcp", "443/tcp"], id="a bracket that is no list's"),
        pytest.param(["*:80"], ["80/tcp"], id="any address"),
        pytest.param(["0000000080"], ["80/tcp"], id="leading zeros"),
        pytest.param(["0.0.0.0%eth1:67/udp"], ["0.0.0.0%eth1 67/udp"], id="a device"),
        pytest.param([{"port": 67, "interface": "eth1"}], ["*%eth1 67/tcp"], id="a device and no address"),
        pytest.param(["*%eth1:67"], ["*%eth1 67/tcp"], id="a device and no address, as a text"),
        pytest.param(
            [{"port": 67, "address": "10.0.0.5", "interface": "eth1"}],
            ["10.0.0.5%eth1 67/tcp"],
            id="address and device",
        ),
        pytest.param(["20050-20050"], ["20050-20050/tcp"], id="a range of one"),
    ],
)
def test_what_people_write(entries, expected):
    assert [said(requirement) for requirement in wanting(*entries)] == expected


def said(requirement):
    ports = f"{requirement.first}-{requirement.last}" if requirement.is_range else requirement.first
    return f"{requirement.address or ''} {ports}/{requirement.protocol}".strip()


def test_the_device_is_what_a_server_binds_to():
    assert want("0.0.0.0%eth1:67").endpoints == (at("0.0.0.0", interface="eth1"),)
    assert want("[2001:db8::5%eth1]:67").endpoints == (at("2001:db8::5", True, "eth1"),)
    assert want("*%eth1:67").endpoints == (at("0.0.0.0", interface="eth1"), at("::", True, "eth1"))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(80, (True, "www-data"), id="the request's"),
        pytest.param({"port": 80, "nonlocal": False, "user": "root"}, (False, "root"), id="its own"),
        pytest.param({"port": 80, "nonlocal": "no", "user": 33}, (False, "33"), id="as Ansible hands them on"),
    ],
)
def test_the_terms_of_the_bind(entry, expected):
    requirement = want(entry, **{"nonlocal": True}, user="www-data")
    assert (requirement.may_come_later, requirement.user) == expected


def test_a_request_has_a_limit():
    assert len(wanting("1-65535", "1-65535/udp", "127.0.0.1:1-65535")) == 3
    with pytest.raises(RequirementError, match=r"^more than 200000 ports in one request; split it into several tasks$"):
        wanting("1-65535", "1-65535/udp", "127.0.0.1:1-65535", "127.0.0.2:1-65535")


def test_counting_does_not_grow_with_the_square_of_the_entries():
    started = time.process_time()
    assert len(wanting(*range(1, 20_001))) == 20_000
    assert time.process_time() - started < 5


A_PORT = "a port is 1 to 65535"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(80, "httpd_t", id="the option's"),
        pytest.param({"port": 80, "selinux_domain": " named_t "}, "named_t", id="its own"),
        pytest.param({"port": 80, "selinux_domain": "-named_t"}, "-named_t", id="if the policy has it"),
        pytest.param({"port": 80, "selinux_domain": ""}, "", id="none"),
    ],
)
def test_domains(entry, expected):
    assert want(entry, selinux_domain="httpd_t").selinux_domain == expected


KEYS = (
    "the keys are port, protocol, address, interface, name, state, held_by, nonlocal, user, selinux_domain,"
    " firewall, clients"
)
COMPOSE = "this looks like Compose's HOST:CONTAINER; write the port of the host,"
NO_NAMES = "is not an IP address; host names are not looked up, write one such as "
NO_NAMES6 = NO_NAMES.replace("an IP", "an IPv6")


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        pytest.param(0, f"port 0 does not exist; {A_PORT}", id="port 0"),
        pytest.param("0", f"port 0 does not exist; {A_PORT}", id="port 0 in a string"),
        pytest.param("0-10", f"port 0 does not exist; {A_PORT}", id="a range from 0"),
        pytest.param(65536, f"port 65536 does not exist; {A_PORT}", id="port 65536"),
        pytest.param("65536", f"port 65536 does not exist; {A_PORT}", id="port 65536 in a string"),
        pytest.param("65535-65536", f"port 65536 does not exist; {A_PORT}", id="a range that ends too high"),
        pytest.param(-80, f"port -80 does not exist; {A_PORT}", id="a negative port"),
        pytest.param("9" * 30, f"port {'9' * 20} does not exist; {A_PORT}", id="very many digits"),
        pytest.param("80-70", "the range runs backwards; write 70-80", id="backwards"),
        pytest.param({"port": "80-70"}, "the range runs backwards; write 70-80", id="backwards in a dict"),
        pytest.param(
            {"port": "80, 443"}, "'80, 443' is not a port; write an entry for each port", id="two ports in a dict"
        ),
        pytest.param(
            {"port": [80, 443]},
            "a port is an integer, 'FIRST-LAST' or a service name; not [80, 443], a list; write an entry for each port",
            id="a list of ports in a dict",
        ),
        pytest.param(
            {"port": "127.0.0.1:80"},
            "the port '127.0.0.1:80' has an address; write that with the key 'address'",
            id="an address with the port of a dict",
        ),
        pytest.param(
            "nosuch",
            "unknown service 'nosuch' for tcp in this host's services database; write the port's number",
            id="unknown service",
        ),
        pytest.param(
            "udp", "'udp' is a protocol; write it behind the port, as in 53/udp or 53/tcp+udp", id="a protocol alone"
        ),
        pytest.param("https://10.0.0.5:443", "this is a URL; write the port alone, or ADDRESS:PORT", id="a URL"),
        pytest.param(
            "nosuch/udp",
            "unknown service 'nosuch' for udp in this host's services database; write the port's number",
            id="unknown service of UDP",
        ),
        pytest.param(
            "tftp",
            "unknown service 'tftp' for tcp in this host's services database; write the port's number",
            id="a service of the other protocol",
        ),
        pytest.param(
            "80.5",
            "unknown service '80.5' for tcp in this host's services database; write the port's number",
            id="a fraction",
        ),
        pytest.param("", "'' is not a port; write a number, FIRST-LAST or a service name", id="nothing"),
        pytest.param("-80", "'-80' is not a port; write a number, FIRST-LAST or a service name", id="a minus"),
        pytest.param(
            "80-",
            "'80-' is no range; a range is FIRST-LAST, as in 80-65535",
            id="half a range",
        ),
        pytest.param(
            "\u0668\u0660",
            "'\u0668\u0660' is not a port; write a number, FIRST-LAST or a service name",
            id="digits of another script",
        ),
        pytest.param("80/", "unknown protocol ''; it is 'tcp', 'udp' or 'tcp+udp'", id="no protocol"),
        pytest.param("80/sctp", "unknown protocol 'sctp'; it is 'tcp', 'udp' or 'tcp+udp'", id="unknown protocol"),
        pytest.param(
            "80/tcp/udp", "unknown protocol 'tcp/udp'; it is 'tcp', 'udp' or 'tcp+udp'", id="two protocols in a string"
        ),
        pytest.param(
            {"port": 80, "protocol": "any"},
            "unknown protocol 'any'; it is 'tcp', 'udp' or 'tcp+udp'",
            id="unknown protocol in a dict",
        ),
        pytest.param(
            {"port": 80, "protocol": ["tcp", {}]},
            "unknown protocol '{}'; it is 'tcp', 'udp' or 'tcp+udp'",
            id="a list of odd protocols",
        ),
        pytest.param(":80", f"the address '' {NO_NAMES}10.0.0.5", id="an empty address"),
        pytest.param("127.1:80", f"the address '127.1' {NO_NAMES}10.0.0.5", id="a short IPv4 address"),
        pytest.param("[localhost]:80", f"the address 'localhost' {NO_NAMES6}2001:db8::5", id="a host name in brackets"),
        pytest.param("[10.0.0.5]:80", f"the address '10.0.0.5' {NO_NAMES6}2001:db8::5", id="IPv4 in brackets"),
        pytest.param(
            {"port": 80, "address": "web.example"},
            f"the address 'web.example' {NO_NAMES}10.0.0.5",
            id="a host name in a dict",
        ),
        pytest.param({"port": 80, "address": "::g"}, f"the address '::g' {NO_NAMES6}2001:db8::5", id="not quite IPv6"),
        pytest.param(
            {"port": 80, "address": "10.0.0.5\0"},
            f"the address '10.0.0.5\\x00' {NO_NAMES}10.0.0.5",
            id="NUL in an address",
        ),
        pytest.param(
            {"port": 80, "address": "\ud800"},
            f"the address '\\ud800' {NO_NAMES}10.0.0.5",
            id="a lone surrogate in an address",
        ),
        pytest.param(
            "::1:80", "an IPv6 address stands in brackets before the port, as in [::1]:8080", id="unbracketed IPv6"
        ),
        pytest.param(
            "2001:db8::5", "an IPv6 address stands in brackets before the port, as in [::1]:8080", id="IPv6 and no port"
        ),
        pytest.param("[::1]", "no port after the address; write [::1]:PORT", id="brackets and no port"),
        pytest.param("127.0.0.1/udp", "no port after the address; write 127.0.0.1:PORT", id="IPv4 and no port"),
        pytest.param(
            "[ff02::fb]:5353",
            "the link-local address 'ff02::fb' needs its interface, as in ff02::fb%eth0",
            id="a group on the link, and no interface",
        ),
        pytest.param(
            "[::1]80",
            "an IPv6 address stands in brackets before the port, as in [::1]:8080",
            id="no colon after the brackets",
        ),
        pytest.param("[::1]:", "'' is not a port; write a number, FIRST-LAST or a service name", id="an empty port"),
        pytest.param(
            "[febf::1]:80",
            "the link-local address 'febf::1' needs its interface, as in febf::1%eth0",
            id="the last of the link-local network",
        ),
        pytest.param(
            "[fe80::1]:80",
            "the link-local address 'fe80::1' needs its interface, as in fe80::1%eth0",
            id="link-local without interface",
        ),
        pytest.param(
            "[fe80::1%]:80",
            "the link-local address 'fe80::1%' needs its interface, as in fe80::1%eth0",
            id="link-local with an empty interface",
        ),
        pytest.param("8080;8443", "'8080;8443' is not a port; separate ports by commas", id="semicolons"),
        pytest.param(
            "localhost:80",
            "'localhost' is a host name, and host names are not looked up; write 127.0.0.1:80 or [::1]:80",
            id="localhost",
        ),
        pytest.param(
            "db1.example:80",
            "'db1.example' is a host name, and host names are not looked up; write an IP address, as in 10.0.0.5:80",
            id="a host name",
        ),
        pytest.param("8080:80", f"{COMPOSE} 8080", id="ports of Compose"),
        pytest.param("8000-8010:80-90/udp", f"{COMPOSE} 8000-8010", id="ranges of Compose"),
        pytest.param("127.0.0.1:5432:5432", f"{COMPOSE} 127.0.0.1:5432", id="address and ports of Compose"),
        pytest.param(
            "[::1]:80:8080",
            f"{COMPOSE} [::1]:80, or the range [::1]:80-8080",
            id="an IPv6 address and ports of Compose",
        ),
        pytest.param("10.0.0.5%:80", "'' is no name of an interface; write one as in 10.0.0.5%eth0", id="no device"),
        pytest.param(
            {"port": 80, "address": "10.0.0.5%eth0", "interface": "eth1"},
            "'address' names the interface 'eth0' and 'interface' names 'eth1'; write one of them",
            id="two devices",
        ),
        pytest.param({"port": 80, "protocol": []}, "no protocol; it is 'tcp', 'udp' or 'tcp+udp'", id="no protocols"),
        pytest.param(
            {"port": "80/udp", "protocol": "tcp"},
            "'port' says 'udp' and 'protocol' says 'tcp'; write one of them",
            id="two protocols in a dict",
        ),
        pytest.param(
            {"port": 80, "address": 10}, "address: expected a string, not 10, an int", id="a number as address"
        ),
        pytest.param(
            {"port": 80, "interface": 1}, "interface: expected a string, not 1, an int", id="a number as device"
        ),
        pytest.param(
            {"port": 80, "nonlocal": "perhaps"}, "nonlocal: expected true or false, not 'perhaps', a str", id="maybe"
        ),
        pytest.param(
            {"port": 80, "selinux_domain": "system_u:system_r:httpd_t:s0"},
            "'selinux_domain' is a domain such as 'httpd_t', without user, role and level;"
            " not 'system_u:system_r:httpd_t:s0'",
            id="a whole context",
        ),
        pytest.param(
            {"port": 80, "selinux_domain": 7},
            "'selinux_domain' is a domain such as 'httpd_t', without user, role and level; not 7",
            id="odd domain",
        ),
        pytest.param(
            {"port": 80, "user": []}, "user: expected the name or number of a user, not [], a list", id="odd user"
        ),
        pytest.param(
            {"port": 80, "held_by": ["continer:web"]},
            "held_by: unknown prefix 'continer' in 'continer:web'; did you mean container:web?",
            id="a prefix that is nearly one",
        ),
        pytest.param({"prot": 80}, f"unknown key 'prot'; {KEYS}", id="unknown key"),
        pytest.param({"port": 80, "a": 1, 2: 3}, f"unknown key 'a', '2'; {KEYS}", id="unknown keys"),
        pytest.param({}, "the key 'port' is missing", id="an empty dict"),
        pytest.param({"port": None}, "the key 'port' is missing", id="port null"),
        pytest.param(
            {"port": True},
            "a port is an integer, 'FIRST-LAST' or a service name; not True, a bool",
            id="a bool in a dict",
        ),
        pytest.param(
            {"port": 80.0},
            "a port is an integer, 'FIRST-LAST' or a service name; not 80.0, a float",
            id="a float in a dict",
        ),
        pytest.param(
            {"port": [80]},
            "a port is an integer, 'FIRST-LAST' or a service name; not [80], a list; write an entry for each port",
            id="a list in a dict",
        ),
        pytest.param({"port": 80, "name": 5}, "name: expected a string, not 5, an int", id="a number as name"),
        pytest.param(
            {"port": 80, "state": "busy"}, "unknown state 'busy'; it is 'free' or 'listening'", id="unknown state"
        ),
        pytest.param({"port": 80, "state": []}, "unknown state []; it is 'free' or 'listening'", id="an odd state"),
        pytest.param(
            {"port": 80, "held_by": [""]},
            "held_by: '' is an empty pattern; write one such as 'nginx*' or 'unit:nginx.service'",
            id="an empty pattern",
        ),
        pytest.param(
            {"port": 80, "held_by": "nginx,"},
            "held_by: '' is an empty pattern; write one such as 'nginx*' or 'unit:nginx.service'",
            id="a comma too many",
        ),
        pytest.param(
            {"port": 80, "held_by": 5}, "held_by: expected a list of patterns, not 5, an int", id="odd patterns"
        ),
        pytest.param(
            True,
            "a port is an integer, a string such as '127.0.0.1:8080-8090/tcp', or a dict; not True, a bool",
            id="a bool",
        ),
        pytest.param(
            80.0,
            "a port is an integer, a string such as '127.0.0.1:8080-8090/tcp', or a dict; not 80.0, a float",
            id="a float",
        ),
        pytest.param(
            None, "a port is an integer, a string such as '127.0.0.1:8080-8090/tcp', or a dict; not nothing", id="null"
        ),
        pytest.param(
            [80],
            "a port is an integer, a string such as '127.0.0.1:8080-8090/tcp', or a dict; not [80], a list",
            id="a list",
        ),
    ],
)
def test_parse_refuses(entry, complaint):
    with pytest.raises(RequirementError) as refusal:
        parse([443, entry], service=service)
    assert str(refusal.value) == f"ports[1] {entry!r}: {complaint}"


@pytest.mark.parametrize(
    "zone",
    [
        pytest.param("a\0b", id="NUL"),
        pytest.param("\ud800", id="a lone surrogate"),
        pytest.param("a b", id="a space"),
        pytest.param("a/b", id="a slash"),
        pytest.param("\x1b[2J", id="an ANSI escape"),
        pytest.param("sixteen-letters-", id="too long"),
    ],
)
def test_parse_refuses_an_interface_that_cannot_be(zone):
    entry = {"port": 80, "address": f"fe80::1%{zone}"}
    with pytest.raises(RequirementError) as refusal:
        parse([entry])
    complaint = f"{zone!r} is no name of an interface; write one as in fe80::1%eth0"
    assert str(refusal.value) == f"ports[0] {entry!r}: {complaint}"


def test_parse_refuses_patterns_of_the_whole_request():
    with pytest.raises(RequirementError, match=r"^held_by: '' is an empty pattern; write one such as"):
        parse([80], held_by=[""])


def test_parse_shows_no_more_than_the_beginning_of_a_long_entry():
    with pytest.raises(RequirementError) as refusal:
        parse(["x" * 5000 + "!"])
    assert str(refusal.value).startswith("ports[0] '" + "x" * 199 + "...: ")
    with pytest.raises(RequirementError) as refusal:
        parse(["x" * 198 + "!"])
    assert str(refusal.value).startswith("ports[0] '" + "x" * 198 + "!...: "), "one character too many"


def test_parse_shows_an_entry_of_two_hundred_characters():
    entry = "x" * 197 + "!"  # the quotation marks count, too
    with pytest.raises(RequirementError) as refusal:
        parse([entry])
    assert str(refusal.value).startswith(f"ports[0] '{entry}': ")


def test_parse_escapes_what_a_terminal_would_obey():
    with pytest.raises(RequirementError) as refusal:
        parse(["\x1b[31m\u202e"])
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param(
            [80, "443", "8000-8010", "https"],
            [range(80, 81), range(443, 444), range(8000, 8011), range(443, 444)],
            id="each kind",
        ),
    ],
)
def test_parse_ranges(entries, expected):
    assert parse_ranges(entries, ["tcp", "udp"], service) == expected


@pytest.mark.parametrize(
    ("zone", "interface"),
    [
        pytest.param("3", "eth0", id="a number"),
        pytest.param("7", "7", id="a name of digits"),
        pytest.param("9", "9", id="a number that no interface has"),
        pytest.param("eth0", "eth0", id="a name"),
    ],
)
def test_parse_knows_interfaces_by_their_numbers(zone, interface, monkeypatch):
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (3, "eth0"), (5, "7")])
    (requirement,) = parse([f"[fe80::1%{zone}]:80"])
    assert (requirement.address, requirement.endpoints) == (f"fe80::1%{zone}", (at("fe80::1", True, interface),))


@pytest.mark.parametrize(
    ("protocols", "expected"),
    [
        pytest.param(["udp"], [range(69, 70)], id="its protocol"),
        pytest.param(["tcp", "udp"], [range(69, 70)], id="one of two"),
        pytest.param([], [], id="none is wanted"),
    ],
)
def test_parse_ranges_knows_the_services_of_the_protocols(protocols, expected):
    assert parse_ranges(["tftp"], protocols, service) == expected


def test_parse_ranges_keeps_a_service_with_two_ports():
    def asymmetric(_name, protocol):
        return {"tcp": 512, "udp": 513}[protocol]

    assert parse_ranges(["biff"], ["tcp", "udp"], asymmetric) == [range(512, 513), range(513, 514)]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        pytest.param("80-70", "the range runs backwards; write 70-80", id="backwards"),
        pytest.param(0, f"port 0 does not exist; {A_PORT}", id="port 0"),
        pytest.param("80/udp", "name the protocol in 'protocols', and the port alone here", id="a protocol"),
        pytest.param(
            "[::1]:80", "'[::1]:80' is not a port; write a number, FIRST-LAST or a service name", id="an address"
        ),
        pytest.param(
            {"port": 80}, "a port is an integer, 'FIRST-LAST' or a service name; not {'port': 80}, a dict", id="a dict"
        ),
        pytest.param(True, "a port is an integer, 'FIRST-LAST' or a service name; not True, a bool", id="a bool"),
    ],
)
def test_parse_ranges_refuses(entry, complaint):
    with pytest.raises(RequirementError) as refusal:
        parse_ranges([443, entry], ["tcp", "udp"], service)
    assert str(refusal.value) == f"ports[1] {entry!r}: {complaint}"
