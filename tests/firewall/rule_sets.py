# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule sets that can be loaded, printed, and made smaller."""

from __future__ import annotations

from typing import Iterator, NamedTuple

from firewall.world import run

NFT = "nft"
LEGACY_TABLES = ("raw", "mangle", "nat", "filter", "security")


class Chain(NamedTuple):
    name: str
    head: str
    """Of nft what makes it a base chain, of iptables its policy; empty for others."""
    rules: tuple[str, ...]


class Table(NamedTuple):
    tool: str
    """nft, or a command of iptables."""
    name: str
    """``inet filter``, or ``filter`` for iptables."""
    sets: tuple[str, ...]
    chains: tuple[Chain, ...]

    def text(self) -> str:
        if self.tool == NFT:
            lines = [f"table {self.name} {{", *(f"  {each}" for each in self.sets)]
            # All chains come before the rules that jump to them.
            lines += [f"  chain {chain.name} {{\n    {chain.head}\n  }}" for chain in self.chains]
            for chain in self.chains:
                lines += [f"  chain {chain.name} {{", *(f"    {each}" for each in chain.rules), "  }"]
            return "\n".join([*lines, "}"])
        lines = [f"*{self.name}", *(f":{chain.name} {chain.head or '-'} [0:0]" for chain in self.chains)]
        lines += [f"-A {chain.name} {rule}" for chain in self.chains for rule in chain.rules]
        return "\n".join([*lines, "COMMIT"])

    def load(self) -> str:
        """Why it could not be loaded; empty if it could."""
        if self.tool == NFT:
            done = run("nft", "-f", "-", text=self.text() + "\n")
        else:
            done = run(f"{self.tool}-restore", "--noflush", text=self.text() + "\n")
        return "" if done.returncode == 0 else done.stderr or done.stdout or "failed"

    def loadable(self) -> Table | None:
        """The same, without the rules that its tool refuses."""
        mended = self
        for position, chain in enumerate(self.chains):
            good: tuple[str, ...] = ()
            for rule in chain.rules:
                without = [other._replace(rules=()) for other in mended.chains]
                without[position] = chain._replace(rules=(rule,))
                flush(self.tool)
                if not self._replace(chains=tuple(without)).load():
                    good += (rule,)
            chains = (*mended.chains[:position], chain._replace(rules=good), *mended.chains[position + 1 :])
            mended = mended._replace(chains=chains)
        flush(self.tool)
        return mended if not mended.load() else None


RuleSet = tuple[Table, ...]


def text(rule_set: RuleSet) -> str:
    return "\n".join(f"# {table.tool}\n{table.text()}" for table in rule_set)


def flush(tool: str) -> None:
    """What one tool has loaded."""
    if tool == NFT or tool.endswith("-nft"):
        run("nft", "flush", "ruleset")
    else:
        empty = "".join(f"*{name}\n{_empty(name)}COMMIT\n" for name in LEGACY_TABLES)
        run(f"{tool}-restore", text=empty)


def _empty(table: str) -> str:
    hooks = {
        "raw": ("PREROUTING", "OUTPUT"),
        "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
        "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    }.get(table, ("INPUT", "FORWARD", "OUTPUT"))
    return "".join(f":{hook} ACCEPT [0:0]\n" for hook in hooks)


def smaller(rule_set: RuleSet) -> Iterator[RuleSet]:
    """The rule sets with one thing less."""
    for place, table in enumerate(rule_set):
        yield (*rule_set[:place], *rule_set[place + 1 :])
        for position, chain in enumerate(table.chains):
            for number in range(len(chain.rules)):
                kept = (*chain.rules[:number], *chain.rules[number + 1 :])
                chains = (*table.chains[:position], chain._replace(rules=kept), *table.chains[position + 1 :])
                yield (*rule_set[:place], table._replace(chains=chains), *rule_set[place + 1 :])
