# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle on older kernels, and SELinux as judge: boots Debian's kernels in virtual machines and judges there.

    python tests/kernels/machines.py --cases 10000 --seed 1
    python tests/kernels/machines.py --kernel 5.10 --kernel 6.1-selinux

Needs root (debootstrap does), QEMU, and ansible-core beside this Python. The machines have no network.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache/kernels"


class Machine(NamedTuple):
    """How one is made, and what it judges by."""

    suite: str
    packages: tuple[str, ...]
    judge: str
    boots: str
    """What the kernel is told."""
    policy: str | None = None
    """That of SELinux, which enforces it."""


KERNEL = ("linux-image-cloud-amd64", "python3", "python3-psutil", "iproute2")
SELINUX = ("netbase", "policycoreutils-python-utils", "selinux-policy-default", "systemd-sysv")
START = "cd /run && tar -xf /dev/vdb && . ./start"
AT_ONCE = f'init=/bin/sh -- -c "{START}"'
BY_SYSTEMD = "security=selinux lsm=lockdown,yama,selinux,bpf enforcing=1"
MACHINES = {
    **{
        kernel: Machine(suite, (*KERNEL, "wireguard-tools"), "kernels.guest", AT_ONCE)
        for kernel, suite in {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}.items()
    },
    "6.1-selinux": Machine("bookworm", (*KERNEL, *SELINUX), "kernels.confined", BY_SYSTEMD, "default"),
}
JUDGING = f"""
[Service]
Type=oneshot
ExecStart=/bin/sh -c '{START}'
"""
TOOLS = {
    "debootstrap": "debootstrap",
    "mkfs.ext4": "e2fsprogs",
    "nice": "coreutils",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
PASSED = "result 0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000, help="requirements judged under each look (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kernel", action="append", choices=MACHINES, help="this one only; may be repeated")
    parser.add_argument("--mirror", help="of Debian, instead of debootstrap's own")
    parser.add_argument("--accel", default="tcg,thread=multi", help="QEMU's accelerator (%(default)s)")
    parser.add_argument("--hours", type=float, default=6, help="after which a machine is given up (%(default)s)")
    options = parser.parse_args()
    demand_tools()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: sys.exit("interrupted"))  # which also ends the machine

    failed = []
    for name in options.kernel or MACHINES:
        machine = MACHINES[name]
        print(f"== Linux {name}, Debian {machine.suite}", flush=True)
        folder = image(name, machine, options.mirror)
        test = [f"--kernel={name.partition('-')[0]}", f"--cases={options.cases}", f"--seed={options.seed}"]
        if not passes(machine, folder, test, options.accel, options.hours * 3600):
            failed.append(name)
    print(f"failed on Linux {', '.join(failed)}" if failed else "passed")
    return int(bool(failed))


def demand_tools() -> None:
    missing = []
    if os.geteuid():
        missing.append("root's rights: debootstrap makes device files")
    packages = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if packages:
        missing.append(f"tools: apt install {' '.join(packages)}")
    if not importlib.util.find_spec("ansible"):
        missing.append(f"ansible-core: {sys.executable} -m pip install ansible-core")
    if missing:
        sys.exit("\n".join(["missing:", *missing]))


def image(name: str, machine: Machine, mirror: str | None) -> Path:
    """The folder with its kernel, initial RAM disk and root file system; made once."""
    made = CACHE / name
    recipe = f"{machine}{JUDGING}"
    with contextlib.suppress(FileNotFoundError):
        if (made / "recipe").read_text() == recipe:
            return made
    CACHE.mkdir(parents=True, exist_ok=True)
    print(f"setting up {made}, once", flush=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        tree, new = Path(scratch, "tree"), Path(scratch, "new")
        new.mkdir()
        # in namespaces of its own debootstrap leaves neither mounts nor processes behind
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        command = ["nice", "debootstrap", "--variant=minbase", f"--include={','.join(machine.packages)}"]
        done = subprocess.run(
            [*apart, *command, machine.suite, str(tree), *filter(None, [mirror])],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"debootstrap failed:\n{done.stdout[-3000:]}")
        for part in ("vmlinuz", "initrd.img"):
            (found,) = tree.glob(f"boot/{part}-*")
            shutil.copy(found, new / part)
        if machine.policy:
            confine(tree, machine.policy)
        disk = new / "root.ext4"
        disk.touch()
        command = ["mkfs.ext4", "-q", "-d", str(tree), str(disk), "2G"]
        subprocess.run(command, check=True)
        (new / "recipe").write_text(recipe)
        shutil.rmtree(made, ignore_errors=True)
        new.rename(made)
    return made


def confine(tree: Path, policy: str) -> None:
    """SELinux is to enforce the policy: all files get its labels. systemd loads it, and starts the judge."""
    system = tree / "etc/systemd/system"
    (system / "judging.service").write_text(JUDGING)
    wanted = system / "multi-user.target.wants/judging.service"
    wanted.parent.mkdir(exist_ok=True)
    wanted.symlink_to("../judging.service")
    (tree / "etc/selinux/config").write_text(f"SELINUX=enforcing\nSELINUXTYPE={policy}\n")
    contexts = f"/etc/selinux/{policy}/contexts/files/file_contexts"
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={tree}/proc"]
    subprocess.run([*apart, "chroot", str(tree), "setfiles", "-F", contexts, "/"], check=True)


def passes(machine: Machine, folder: Path, test: list[str], accel: str, seconds: float) -> bool:
    """Boots the machine, shows what the test prints there, and tells whether it passed."""
    last = ""
    with tempfile.TemporaryDirectory(prefix="kernels-") as scratch:
        luggage = Path(scratch, "luggage.tar")
        pack(luggage, f"python3 -u -m {machine.judge} {shlex.join(test)}")
        with running(folder, luggage, Path(scratch, "console"), machine.boots, accel) as vm:
            watchdog = threading.Timer(seconds, vm.kill)
            watchdog.start()
            try:
                for line in vm.stdout or ():
                    last = line.rstrip()
                    print(f"   {last}", flush=True)
            finally:
                watchdog.cancel()
        if not last.startswith("result "):
            print("   the machine went down; its console ends with:", Path(scratch, "console").read_text()[-2000:])
    return last == PASSED


def pack(luggage: Path, command: str) -> None:
    """What the *command* needs of this checkout and of ansible-core, as the contents of a disk, with what starts it."""
    spec = importlib.util.find_spec("ansible")
    (ansible,) = (spec and spec.submodule_search_locations) or ()
    names = ("__init__.py", "_vendor", "module_utils", "release.py")
    parts = {f"ansible/{name}": Path(ansible, name) for name in names}
    own = (".collections", "plugins", "tests/support", "tests/oracle", "tests/kernels")
    parts.update({name: ROOT / name for name in own})
    start = luggage.with_name("start")
    start.write_text(
        f"PYTHONPATH=/run:/run/tests {command} >/dev/ttyS1 2>&1\n"
        "echo result $? >/dev/ttyS1\n"
        "echo o >/proc/sysrq-trigger\n"
        "sleep 60\n"
    )
    parts["start"] = start
    with tarfile.open(luggage, "w") as tar:
        for name, part in parts.items():
            tar.add(part, name, filter=readable)


def readable(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.mode = 0o755 if member.isdir() else 0o644
    return None if "__pycache__" in member.name else member


@contextlib.contextmanager
def running(folder: Path, luggage: Path, console: Path, boots: str, accel: str) -> Iterator[subprocess.Popen[str]]:
    """A machine that speaks on its second serial port, and that is gone in the end, whatever happens."""
    command = ["setpriv", "--pdeathsig=KILL", "nice", "qemu-system-x86_64", "-nodefaults", "-display", "none"]
    command += ["-accel", accel, "-cpu", "max,cx16=off", "-smp", "2", "-m", "1G", "-no-reboot", "-snapshot"]
    command += ["-kernel", "vmlinuz", "-initrd", "initrd.img", "-drive", "file=root.ext4,format=raw,if=virtio"]
    command += ["-drive", f"file={luggage},format=raw,if=virtio", "-serial", f"file:{console}", "-serial", "stdio"]
    command += ["-append", f"root=/dev/vda rw console=ttyS0 panic=-1 quiet {boots}"]
    vm = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield vm
    finally:
        vm.kill()
        vm.wait()


if __name__ == "__main__":
    sys.exit(main())
