# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes catalogue.md, the page about the profiles of the role."""

from __future__ import annotations

from pathlib import Path

import yaml

PAGE = Path(__file__).with_suffix(".md")
PROFILES = Path(__file__).parents[1] / "roles/port_preflight/files/profiles"

INTRODUCTION = """\
<!--
SPDX-FileCopyrightText: preflight.ports contributors
SPDX-License-Identifier: GPL-3.0-or-later
Generated from roles/port_preflight/files/profiles: run make catalogue instead of editing it.
-->
# Known products

A profile is a name for the ports that a product binds on a host with its default settings:

```yaml
- role: preflight.ports.port_preflight
  vars:
    port_preflight_profiles: [postgresql, node_exporter]
```

Without the role, the filter `preflight.ports.profile_ports` gives the same entries to the module:

```yaml
- preflight.ports.port_check:
    ports: "{{ ['postgresql', 'node_exporter'] | preflight.ports.profile_ports }}"
```

A port that the product itself already holds is no conflict, so that a play can run again. Its holder may be

- a unit of the host's systemd, as the upstream, Debian and RHEL packages and common Ansible roles call it (`unit:`),
- the product's program below `/usr` or `/opt` (`exe:`), unless an interpreter runs the product,
- for such a product, the user that its packages create (`user:`),
- a container whose name contains the product's name (`container:`), as in `shop-redis-1`,
- the kernel, for a port that has no process, such as that of a VXLAN tunnel (`kernel`).

No user of the host becomes such a holder by [choosing a name](trust.md). So a profile does not accept a user's own
units and containers, a program in a home directory, a container with another name, or a server in Java or Erlang that
somebody started by hand as another user. If one of these holds the ports, say that it may:
`{name: redis, held_by: ["container:shop-cache-1"]}`. `port_preflight_held_by` does not add to profiles. If one host
requires the profiles of two products that want the same port, the port is reported as `duplicate`.

The column *From* says who connects to a port, where the product's documentation says so. Write your
[flows](reach.md) after it: `{from: kube_nodes, to: kube_nodes, profiles: [flannel]}`.

If your product does not listen on its default ports, change its profile: `{name: postgresql, ports: [5433]}`. The
keys are `name`, `held_by` (who may hold it instead), `address`, and `ports` (only these).
"""

CONTRIBUTING = """\
## Add a product

Put `NAME.yml` into `roles/port_preflight/files/profiles`, then run `make catalogue`. Its keys:

| Key | Meaning |
| --- | --- |
| `product` | The product as reports show it. Profiles of one product that share a port give it the same `purpose`. |
| `version` | The release that the facts were checked against. |
| `sources` | Pages of the product's own documentation, where each fact can be looked up. |
| `note` | What a user has to know before relying on the profile (optional). |
| `includes` | Profiles whose ports come on top (optional). |
| `held_by` | Who may hold the ports already: patterns that no user can match by choosing a name (`unit:`, `exe:`, \
`user:`, `container:`, `kernel`). |
| `selinux_domain` | The domain in which a packaged service runs, where SELinux's reference policy and the targeted \
policy agree on it (optional). |
| `ports` | What the product binds by default: `port` (a number or a range) and `purpose`; \
`protocol` unless it is `tcp`, `address` where it serves that address alone, `held_by` where it differs, and `from`: \
who connects to it, where the product's documentation says so. |
"""


KEYS = ("product", "version", "sources", "held_by", "ports")
KEYS_OF_A_PORT = ("port", "purpose")


def load() -> dict[str, dict]:
    """Name -> profile, in alphabetical order."""
    return {path.stem: complete(path) for path in sorted(PROFILES.glob("*.yml"))}


def complete(path: Path) -> dict:
    profile = yaml.safe_load(path.read_text(encoding="utf-8"))
    missing = [key for key in KEYS if key not in profile]
    missing += [f"{key} of a port" for port in profile.get("ports", ()) for key in KEYS_OF_A_PORT if key not in port]
    if missing:
        raise SystemExit(f"{path.name} lacks {', '.join(missing)}; see 'Add a product' in docs/catalogue.md")
    return profile


def page(profiles: dict[str, dict]) -> str:
    overview = table(["Profile", "Product", "Checked against", "Ports"], [summary(*each) for each in profiles.items()])
    return "\n".join([INTRODUCTION, overview, *(section(*each) for each in profiles.items()), CONTRIBUTING])


def summary(name: str, profile: dict) -> list[str]:
    ports = [f"{port['port']}/{protocols(port)}" for port in profile["ports"]]
    included = [link(each) for each in profile.get("includes", ())]
    return [link(name), profile["product"], profile["version"], ", ".join(included + ports)]


def section(name: str, profile: dict) -> str:
    included = [f"All ports of {link(each)}, and these:" for each in profile.get("includes", ())]
    rows = [
        [
            str(port["port"]),
            protocols(port),
            port.get("address", "any"),
            port["purpose"],
            port.get("from", ""),
            patterns(port["held_by"]) if "held_by" in port else "the product",
        ]
        for port in profile["ports"]
    ]
    is_held_by_product = any("held_by" not in port for port in profile["ports"]) or "includes" in profile
    paragraphs = [
        f"## {name}",
        f"{profile['product']} {profile['version']}",
        *included,
        table(["Port", "Protocol", "Address", "For", "From", "May be held by"], rows).rstrip(),
        *([f"The product: {patterns(profile['held_by'])}"] if is_held_by_product else []),
        *filter(None, [profile.get("note")]),
        *([f"SELinux domain: `{profile['selinux_domain']}`"] if "selinux_domain" in profile else []),
        "Sources: " + ", ".join(f"<{source}>" for source in profile["sources"]),
    ]
    return "\n\n".join(paragraphs) + "\n"


def protocols(port: dict) -> str:
    value = port.get("protocol", "tcp")
    return value if isinstance(value, str) else "+".join(value)


def patterns(held_by: list[str]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in held_by)


def link(name: str) -> str:
    return f"[{name}](#{name})"


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(load()), encoding="utf-8")
