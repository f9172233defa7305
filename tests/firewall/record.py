# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random rule sets as the kernel tells them, with answers that it has confirmed: what the unit tests replay.

    python -m firewall.record [SEED...]

An answer is recorded if packets agree with it, and a rule's text if the tool that made it prints the same.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import random
from pathlib import Path
from typing import Any, Iterator

from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate, tables
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import entries, ipsets
from firewall import judge
from firewall.generator import rule_set
from firewall.rule_sets import flush, text
from firewall.world import World, run

TARGET = Path(__file__).parents[1] / "unit/plugins/module_utils/_netfilter/recorded.json.gz"
CHAINS = ("one", "two", "three", "ONE", "TWO")
TOOLS = ("nft", "iptables-legacy", "ip6tables-legacy")


class Recorder:
    """Takes down what the kernel is asked for, and its answers."""

    def __init__(self) -> None:
        self._dump, self._ask, self._where = kernel.dump, entries._ask, gate.where
        kernel.dump = ipsets.dump = self._dumped  # type: ignore[attr-defined]
        entries._ask = self._asked
        gate.where = self._hooked

    def clear(self) -> None:
        self.dumps: dict[str, list[str]] = {}
        self.options: dict[str, str] = {}
        self.hooked: list[list[str]] = []

    def _hooked(self, is_firewall_asked: bool) -> gate.Hooked:
        found = self._where(is_firewall_asked)
        self.hooked = [[each.hex() for each in found.chains], list(found.ipv4), list(found.ipv6)]
        return found

    def _dumped(self, protocol: int, request: int, answer: int, body: bytes) -> list[bytes]:
        answers = list(self._dump(protocol, request, answer, body))
        self.dumps[f"{request} {body.hex()}"] = [each.hex() for each in answers]
        return answers

    def _asked(self, channel: Any, level: int, option: int, question: bytes, size: int) -> bytes:
        answer = self._ask(channel, level, option, question, size)
        self.options[f"{level} {option} {question.hex()}"] = answer.hex()
        return answer


def listed() -> set[str]:
    """Each rule as its tool prints it."""
    printed = [run("nft", "-a", "list", "ruleset").stdout]
    printed += [run(f"{tool}-save").stdout for tool in ("iptables-nft", "ip6tables-nft", *TOOLS[1:])]
    lines = (line.partition(" # handle")[0].strip() for each in printed for line in each.splitlines())
    return set(lines)


def texts(bases: list[Base]) -> Iterator[tuple[str, str]]:
    """Where each rule is that the random ones may have, and its text."""
    for base in bases:
        for chain in (base.name, *CHAINS):
            with contextlib.suppress(LookupError):
                for place, rule in enumerate(base.chain(chain)):
                    yield f"{base.tool} {base.table} {chain} {place}", rule.text(base.tool != "nft")


def recorded(world: World, recorder: Recorder, seed: int) -> dict[str, Any] | None:
    """Nothing if any answer is wrong, or nothing is there to be asked."""
    _kind, wanted = rule_set(seed)
    for tool in TOOLS:
        flush(tool)
    loaded = judge.load(wanted)
    asked = judge.questions(random.Random(seed))
    recorder.clear()
    answers = judge.answers(world, asked)
    printed = listed()
    if any(answer.is_wrong for answer in answers) or all(answer.passage.verdict == "open" for answer in answers):
        return None
    told = []
    for answer in answers:
        passage = answer.passage._asdict()
        if passage["rule"] and not passage["rule"].startswith(("policy", "-P")) and passage["rule"] not in printed:
            del passage["rule"]
        clients = [client.address for client in answer.question.clients]
        told.append([*answer.question[:3], clients, passage])
    return {
        "seed": seed,
        "rules": text(loaded).splitlines(),
        "where": recorder.hooked,
        "dumps": recorder.dumps,
        "options": recorder.options,
        "answers": told,
        "texts": dict(_agreed(asked, recorder.hooked, printed)),
    }


def _agreed(asked: list[judge.Question], hooked: list[list[str]], printed: set[str]) -> Iterator[tuple[str, str]]:
    """The rules whose text is that of the tool. A set tells what is in it if packets have been looked for in it."""
    chains, ipv4, ipv6 = hooked
    bases = tables.read(list(map(bytes.fromhex, chains)), ipv4, ipv6)
    tables.passages([question.access for question in asked], bases)
    for where, rule in texts(bases):
        chain = where.split()[-2]
        if rule in printed or f"-A {chain} {rule}" in printed:
            yield where, rule


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="*", type=int, help="of the rule sets (those that are there)")
    seeds = parser.parse_args().seeds or json.loads(gzip.decompress(TARGET.read_bytes()))["seed"]
    with World() as world:
        judge.prepare()
        recorder = Recorder()
        made = [each for each in (recorded(world, recorder, seed) for seed in seeds) if each]
    columns = {key: [each[key] for each in made] for key in made[0]}  # which are packed better than rows
    TARGET.write_bytes(gzip.compress(json.dumps(columns, indent=1).encode(), mtime=0))


if __name__ == "__main__":
    main()
