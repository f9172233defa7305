# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench: what a check costs beside what else could be asked, measured side by side in one run.

    python -m bench.run [--write docs/benchmarks.md]

Needs Linux with ss(8), root or unprivileged user namespaces, and what requirements.txt names.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, NamedTuple

from bench import accuracy, busy, costs, firewall, fleet, inventory, load, looks, nat, reach, tasks


class Line(NamedTuple):
    what: str
    value: str
    goal: str = ""
    reached: bool | None = None
    decides: bool = False
    """Whether it is one of the few that tell who chooses what it costs."""


def apart(measure: Callable[[], Any]) -> Any:
    """What a process of its own measures: it may leave the host's namespaces."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(measure(), pipe)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("a measurement failed")
    return json.loads(answer)


def at_most(what: str, value: float, goal: float) -> Line:
    return Line(what, f"{value:.2f}", f"at most {goal:g}", value <= goal)


def at_least(what: str, value: float, goal: float) -> Line:
    return Line(what, f"{value:.0f}", f"at least {goal:g}", value >= goal)


def decisive(line: Line) -> Line:
    return line._replace(decides=True)


def of_looks(seen: looks.Looks) -> Iterator[Line]:
    for host in looks.CONNECTIONS:
        where = f"{host}, {seen.sockets[host]:,} TCP sockets, {looks.PROCESSES[host]} processes"
        ratio = seen.ratio(host, looks.LOOK, looks.LISTENERS)
        line = at_most(f"look at 20 free ports / `ss -Hltn` ({where})", ratio, 1)
        yield line._replace(decides=host == "idle")
        yield Line(
            f"look at 20 free ports / `ss -Hltnp` ({where})", f"{seen.ratio(host, looks.LOOK, looks.HOLDERS):.2f}"
        )
        slower = seen.ratio(host, looks.PSUTIL_PROCESS, looks.LOOK)
        what = f"`{looks.PSUTIL}` in a process of its own / look at 20 free ports ({where})"
        yield Line(what, f"{slower:.0f}") if host == "small" else at_least(what, slower, 50)
        slower = seen.ratio(host, looks.PSUTIL, looks.LOOK)
        yield Line(f"the same call alone / look at 20 free ports ({where})", f"{slower:.0f}")
        yield at_most(
            f"look with one conflict / `ss -Hltnp` ({where})", seen.ratio(host, looks.CONFLICT, looks.HOLDERS), 1
        )
    yield at_most("look at 20 free ports, loaded / idle", seen.growth(looks.LOOK), 1.3)
    for contender in (looks.CONFLICT, looks.LISTENERS, looks.HOLDERS, looks.PSUTIL):
        yield Line(f"{contender}, loaded / idle", f"{seen.growth(contender):.2f}")


def of_counts(seconds: list[float]) -> Iterator[Line]:
    for count, took in zip(looks.RANGES, seconds):
        yield Line(f"look at {count} free ports, each", f"{took / count * 1e6:.0f} µs")
    _one, _hundred, many, all_ = (took / count for count, took in zip(looks.RANGES, seconds))
    yield at_most("each of 65,535 ports / each of 2,768", all_ / many, 1.5)


def of_tasks(times: tasks.Times) -> Iterator[Line]:
    yield decisive(at_most("task with 20 ports / ping", times.ratio(tasks.TWENTY), 1.1))
    yield Line("ping / ping, which is the noise", f"{times.ratio(tasks.PING):.2f}")
    yield Line("the first such task of a play / its first ping", f"{times.first_ratio(tasks.TWENTY):.2f}")
    yield Line("`community.general.listen_ports_facts` / ping", f"{times.ratio(tasks.FACTS):.2f}")
    loop = times.ratio(tasks.LOOP) / times.ratio(tasks.TWENTY)
    yield decisive(at_least("loop of 20 `wait_for` / task with 20 ports", loop, 4))
    goals = {2768: 1.5}
    for count, name in tasks.MANY.items():
        what = f"task with {count} ports / ping ({times.size[name]} bytes of result)"
        yield (
            at_most(what, times.ratio(name), goals[count]) if count in goals else Line(what, f"{times.ratio(name):.2f}")
        )


def of_a_busy_host(ratio: float) -> Line:
    host = f"firewalld, Docker's rules, {busy.UNITS} socket units, {busy.CONTAINERS} stopped containers"
    return decisive(at_most(f"task with 20 ports / ping ({host})", ratio, 1.25))


def of_inventory(seconds: dict[str, float]) -> Iterator[Line]:
    host = f"{inventory.LISTENERS} listeners, {inventory.PROCESSES} processes"
    took = seconds[tasks.INFO]
    yield decisive(at_most(f"task `port_info` / `{tasks.SS}` as a task ({host})", took / seconds[tasks.SS_TASK], 1))
    both = seconds[tasks.SS] + seconds[tasks.PING]
    yield Line(f"task `port_info` / `{tasks.SS}` and a ping ({host})", f"{took / both:.2f}")
    yield Line(f"task `port_info` / `{tasks.FACTS}` ({host})", f"{took / seconds[tasks.FACTS]:.2f}")


def of_nat(hosts: dict[str, dict[str, nat.Costs]]) -> Iterator[Line]:
    for host, asked in hosts.items():
        for ports, cost in asked.items():
            what = f"NAT rules looked at for {nat.PORTS} {ports} ports ({host})"
            decides = (host, ports) == (nat.IPTABLES_MODE, nat.OTHER)
            yield Line(what, milliseconds(cost), "15 ms" if host in nat.SHAPES else "", decides=decides)
            if host in nat.LISTED_BY_NFT:
                yield at_most(f"the same without imports / `{nat.SHOWN}`", cost.loaded / cost.listing, 1)
    cost = hosts[nat.IPTABLES_MODE][nat.OTHER]
    what = f"NAT rules looked at for other ports, with imports / `{nat.SHOWN}` ({nat.IPTABLES_MODE})"
    yield at_most(what, cost.new / cost.listing, 1)


def milliseconds(cost: costs.Costs | nat.Costs) -> str:
    return f"{cost.new:.1f} ms, without imports {cost.loaded:.1f} ms"


def of_firewalls(hosts: dict[str, costs.Costs]) -> Iterator[Line]:
    goals = {firewall.NO_RULES: None, firewall.FIREWALLD: 25}
    for host, cost in hosts.items():
        what = f"the firewall asked about {len(firewall.PORTS)} ports ({host})"
        goal = goals.get(host, 40)
        yield within(what, cost, goal) if goal else Line(what, milliseconds(cost))


def of_claims(cost: costs.Costs) -> Line:
    return within(f"claims looked for ({busy.UNITS} socket units, {busy.CONTAINERS} stopped containers)", cost, 10)


def within(what: str, cost: costs.Costs, goal: float) -> Line:
    return Line(what, milliseconds(cost), f"at most {goal:g} ms", cost.new <= goal)


def of_load(host: load.Load, growth: load.Growth) -> Iterator[Line]:
    seconds, mebibytes, result_bytes = growth.whole
    what = f"the module for {load.RANGE:,} ports on a host with {host.name}"
    value = f"{seconds:.1f} s, {mebibytes:.0f} MB, {result_bytes / 1000:.0f} KB of result"
    goal = f"at most {host.most_seconds:g} s, {host.most_mebibytes:g} MB"
    yield Line(what, value, goal, seconds <= host.most_seconds and mebibytes <= host.most_mebibytes)
    yield at_most("the same / on a host of half that size", growth.ratio, 2.3)


def of_fleet(seconds: dict[str, float]) -> Iterator[Line]:
    ratio = seconds[fleet.ROLE] / seconds[fleet.PING]
    yield decisive(at_most(f"play with the role on {fleet.HOSTS} hosts / ping play", ratio, 1.15))
    what = f"play with a loop of 20 `wait_for` on {fleet.HOSTS} hosts / with the role"
    yield at_least(what, seconds[fleet.LOOP] / seconds[fleet.ROLE], 15)
    flows = (fleet.HOSTS - 1) * fleet.EACH
    loop = seconds[fleet.WAITS] / fleet.WAITED * flows
    what = f"a loop of `wait_for` over {fleet.HOSTS * flows:,} flows between {fleet.HOSTS} hosts / the role port_reach"
    yield at_least(what, loop / seconds[fleet.FLOWS], 50)


def of_scale(shares: dict[str, list[float]]) -> Iterator[Line]:
    few, many = (fleet.Shares(*shares[str(count)]) for count in (fleet.FEW, fleet.MANY))
    what = (
        f"the controller's own part of the role on {fleet.MANY:,} hosts, with four reports / a play with an empty task"
    )
    yield decisive(at_most(what, many.rest / many.empty, 1.5))
    share = many.rest / (many.facts + many.look + many.rest)
    yield Line("its part of the same play with facts", f"{share:.0%}")
    yield Line("its part of the same play less the time for facts", f"{many.rest / (many.look + many.rest):.0%}")
    growth = many.rest / fleet.MANY / (few.rest / fleet.FEW)
    yield at_most(f"the same for each of {fleet.MANY:,} hosts / of {fleet.FEW}", growth, 1.3)


def of_flows(many: reach.Many, half: reach.Judging, whole: reach.Judging) -> Iterator[Line]:
    asked = f"{reach.CLIENTS} clients x {reach.TARGETS} targets x {reach.PORTS} ports"
    most = reach.TIMEOUT + 2
    goal = f"at most {most} s with a timeout of {reach.TIMEOUT} s"
    yield Line(f"the slowest client of {asked}", f"{many.slowest:.1f} s", goal, many.slowest <= most)
    yield Line(f"the whole play of {asked}", f"{many.play:.0f} s")
    what = f"the controller's verdict on {reach.SIDE**2:,} flows of {2 * reach.SIDE:,} hosts, with four reports"
    yield Line(what, f"{whole.seconds:.1f} s, {whole.mebibytes:.0f} MB")
    yield at_most("the same / of half as many flows", whole.seconds / half.seconds, 2.3)


def of_accuracy(scores: dict[str, accuracy.Score]) -> Iterator[Line]:
    for name, score in scores.items():
        wrong = f"{score.free} wrongly free, {score.taken} wrongly taken"
        what = f"{name}: of {score.cases} random cases" + (f", {score.silent} not to be asked" if score.silent else "")
        ours = name == "port_check"
        goal = ("0 wrong", not score.free + score.taken) if ours else ()
        yield Line(what, wrong, *goal, decides=ours)


def row(line: Line) -> str:
    mark = {None: "", True: "reached", False: "**missed**"}[line.reached]
    return f"| {line.what} | {line.value} | {line.goal} | {mark} |"


def table(lines: Iterable[Line]) -> str:
    return "\n".join(["| | measured | goal | |", "| --- | ---: | --- | --- |", *map(row, lines)])


def page(lines: list[Line], seconds: float) -> str:
    from ansible.release import __version__

    machine = f"Linux {platform.release()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return f"""<!--
SPDX-FileCopyrightText: preflight.ports contributors
SPDX-License-Identifier: GPL-3.0-or-later
-->
# Benchmarks

Repeat them with `make bench`: about {max(1, round(seconds / 60))} minutes, on Linux with `ss`, as root or where users
may make namespaces. It writes this page. All ratios are of one run, measured side by side, in turns: of looks the best
turns count, of tasks the medians.

{machine}, ansible-core {__version__}.

{table(line for line in lines if line.decides)}

<details>
<summary>All other rows</summary>

{table(line for line in lines if not line.decides)}

</details>

- A *look* is what the module does inside its process: the socket table, the bind probe, the holders, the verdicts. `ss`
  is its whole process, and so is `psutil` but where the call alone is named.
- A *task* is all that Ansible does for it on localhost, with its defaults. Each stands right behind a ping, to which it
  is compared. For the first of its kind in a play Ansible packs the module. Where there are firewall rules, much of the
  time goes into Python's compiling of the files that read them, which Ansible sends anew with each task.
- The *NAT rules* are {nat.RULES:,} where nothing else is said. For them, the firewall and the claims, the best of many
  times on the processor counts. Imports are those of a task: out of an archive, and not compiled yet. Needs root, `nft`
  and `iptables`.
- The hosts with a load are network namespaces, the module a process of its own; its seconds are those on the processor.
- The {fleet.HOSTS} hosts are those of `extensions/molecule/lab`, over SSH; a play is the whole command. Of the
  {fleet.MANY:,} hosts each is this one, without SSH; the controller's own part is all but gathering facts, which a
  play does unless told otherwise, and the look at the ports: start, inventory, validation, verdict and reports. Most of
  it is a worker for each host to validate the role's arguments in; the empty task, `debug`, starts one for each host,
  too. Needs root, and what the lab names.
- *Flows* are those of the role `port_reach`: for real between network namespaces, where half of the targets drop one of
  the ports, and as simulated answers that the controller judges. The loop of `wait_for` is run over one flow of each
  host, before anything listens, and multiplied.
- The random cases are those of `tests/oracle`, judged by what bind(2) says. Left out are ranges, addresses that the
  host does not have, and sockets that are bound and do not listen, which only port_check means to call taken.
  `listen_ports_facts` counts as saying "taken" when it lists the port on the same address or where either is a
  wildcard; `wait_for` when the port still answers after a second.
"""


def measured(scratch: Path) -> Iterator[Line]:
    """What fails soonest comes first."""
    scores = apart(accuracy.measure)
    yield from of_accuracy({name: accuracy.Score(*score) for name, score in scores.items()})
    yield from of_looks(looks.Looks(*apart(looks.measure)))
    yield from of_counts(apart(lambda: list(looks.by_count())))
    yield from of_tasks(tasks.Times(*apart(lambda: tasks.measure(scratch))))
    yield of_a_busy_host(apart(lambda: busy.measure(scratch)))
    yield from of_inventory(apart(lambda: inventory.measure(scratch)))
    of_hosts = apart(lambda: nat.measure(scratch))
    yield from of_nat(
        {host: {ports: nat.Costs(*cost) for ports, cost in asked.items()} for host, asked in of_hosts.items()}
    )
    of_hosts = apart(lambda: firewall.measure(scratch))
    yield from of_firewalls({host: costs.Costs(*cost) for host, cost in of_hosts.items()})
    yield of_claims(costs.Costs(*apart(lambda: busy.claims(scratch))))
    for host in load.LOADS:
        half, whole = apart(functools.partial(load.measure, host))
        yield from of_load(host, load.Growth(load.Cost(*half), load.Cost(*whole)))
    many = reach.Many(*apart(lambda: reach.between_namespaces(scratch)))
    judged = (
        reach.Judging(*apart(functools.partial(reach.judged, scratch, targets)))
        for targets in (reach.SIDE // 2, reach.SIDE)
    )
    yield from of_flows(many, *judged)
    yield from of_fleet(fleet.over_ssh(scratch))
    yield from of_scale(apart(lambda: fleet.at_scale(scratch)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="the page to write")
    options = parser.parse_args()
    started = time.monotonic()
    lines = []
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for line in measured(Path(scratch)):
            print(row(line), flush=True)
            lines.append(line)
    if options.write:
        options.write.write_text(page(lines, time.monotonic() - started), encoding="utf-8")
    return int(any(line.reached is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
