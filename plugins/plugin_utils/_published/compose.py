# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of Compose -> the ports that its services publish."""

from __future__ import annotations

import difflib
import re
import typing as t

import yaml
from ansible_collections.preflight.ports.plugins.module_utils._claims.publish import (
    Published,
    SpecError,
    parse,
    published,
)
from ansible_collections.preflight.ports.plugins.plugin_utils._published.variables import VariableError, filled_in


class ComposeError(ValueError):
    """The file cannot be understood."""


class _Loader(yaml.SafeLoader):
    """Text stays text: elsewhere YAML takes 53:53 for a number of base 60."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":merge", ":null"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _tagged(loader: _Loader, node: yaml.Node) -> t.Any:
    """``!reset`` and ``!override`` are about files that this one is merged with: of !reset nothing is left."""
    if node.tag == "!reset":
        return None
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(t.cast(yaml.ScalarNode, node))


for tag in ("!reset", "!override"):
    _Loader.add_constructor(tag, _tagged)


def entries(
    compose: t.Any, variables: t.Mapping[str, t.Any], profiles: t.Collection[str], project: str | None
) -> list[dict[str, t.Any]]:
    """Entries for ``ports``. *compose*: the text, or what YAML makes of it. Raises ComposeError."""
    content = _parsed(compose)
    services = content.get("services") or {}
    if not isinstance(services, dict):
        raise ComposeError("services: a dictionary is wanted")
    if content.get("include"):
        raise ComposeError("include: other files are not followed; take what 'docker compose config' prints")
    project = project or (str(content["name"]) if content.get("name") else None)
    return [
        entry
        for name, service in services.items()
        if isinstance(service, dict) and _is_started(service, profiles)
        for entry in _of_service(str(name), service, variables, project)
    ]


def _parsed(compose: t.Any) -> dict[str, t.Any]:
    if isinstance(compose, str):
        try:
            compose = yaml.load(compose, _Loader)  # noqa: S506  it is a SafeLoader
        except yaml.YAMLError as error:
            raise ComposeError(f"this is no YAML: {error}") from error
    if not isinstance(compose, dict):
        raise ComposeError("a file of Compose is a dictionary with the key services; give its text, not its path")
    if "services" not in compose and "include" not in compose:
        near = difflib.get_close_matches("services", map(str, compose), n=1)
        raise ComposeError(f"the key services is missing{f'; did you misspell it as {near[0]}?' if near else ''}")
    return compose


def _is_started(service: t.Mapping[str, t.Any], profiles: t.Collection[str]) -> bool:
    wanted = service.get("profiles") or []
    return not wanted or "*" in profiles or any(str(profile) in profiles for profile in wanted)


def _of_service(
    name: str, service: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], project: str | None
) -> t.Iterator[dict[str, t.Any]]:
    if service.get("extends"):
        raise ComposeError(f"services.{name}.extends: not followed; take what 'docker compose config' prints")
    ports = service.get("ports") or []
    if not isinstance(ports, (list, tuple)):
        raise ComposeError(f"services.{name}.ports: a list is wanted")
    for index, port in enumerate(ports):
        where = f"services.{name}.ports[{index}] {port!r}"
        try:
            found = _long(port, variables) if isinstance(port, dict) else parse(filled_in(str(port), variables))
            held_by = _containers(name, service, variables, project)
        except (SpecError, VariableError) as error:
            raise ComposeError(f"{where}: {error}") from error
        if found and service.get("network_mode") != "host":
            yield found.entry(name, held_by)


def _long(port: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> Published | None:
    keys = ("published", "target", "protocol", "host_ip")
    host, container, protocol, address = (
        filled_in("" if port.get(key) is None else str(port[key]), variables) for key in keys
    )
    return published(host, container, protocol or "tcp", address.strip("[]") or None)


def _containers(
    name: str, service: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], project: str | None
) -> list[str]:
    """Patterns for its own containers: Compose calls them PROJECT-SERVICE-1, and called them PROJECT_SERVICE_1."""
    if service.get("container_name"):
        return [f"container:{filled_in(str(service['container_name']), variables)}"]
    # Compose writes a project's name so: https://docs.docker.com/compose/how-tos/project-name/
    shown = re.sub(r"[^a-z0-9_-]", "", filled_in(project, variables).lower()) if project else "*"
    return [f"container:{shown}{mark}{name}{mark}*" for mark in "-_"]
