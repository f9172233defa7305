# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle on older kernels: boots Debian's in virtual machines and judges there.

    python tests/kernels/machines.py --cases 10000 --seed 1
    python tests/kernels/machines.py --kernel 5.10

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
from typing import Iterator

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache/kernels"
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}
PACKAGES = ("linux-image-cloud-amd64", "python3", "python3-psutil", "iproute2", "wireguard-tools")
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
    parser.add_argument("--kernel", action="append", choices=SUITES, help="this one only; may be repeated")
    parser.add_argument("--mirror", help="of Debian, instead of debootstrap's own")
    parser.add_argument("--accel", default="tcg,thread=multi", help="QEMU's accelerator (%(default)s)")
    parser.add_argument("--hours", type=float, default=6, help="after which a machine is given up (%(default)s)")
    options = parser.parse_args()
    demand_tools()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: sys.exit("interrupted"))  # which also ends the machine

    failed = []
    for kernel in options.kernel or SUITES:
        print(f"== Linux {kernel}, Debian {SUITES[kernel]}", flush=True)
        machine = image(SUITES[kernel], options.mirror)
        test = [f"--kernel={kernel}", f"--cases={options.cases}", f"--seed={options.seed}"]
        if not passes(machine, test, options.accel, options.hours * 3600):
            failed.append(kernel)
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


def image(suite: str, mirror: str | None) -> Path:
    """The folder with a suite's kernel, initial RAM disk and root file system; made once."""
    made = CACHE / suite
    recipe = "\n".join(PACKAGES)
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
        command = ["nice", "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        done = subprocess.run(
            [*apart, *command, suite, str(tree), *filter(None, [mirror])],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"debootstrap failed:\n{done.stdout[-3000:]}")
        for name in ("vmlinuz", "initrd.img"):
            (found,) = tree.glob(f"boot/{name}-*")
            shutil.copy(found, new / name)
        disk = new / "root.ext4"
        disk.touch()
        command = ["mkfs.ext4", "-q", "-d", str(tree), str(disk), "2G"]
        subprocess.run(command, check=True)
        (new / "recipe").write_text(recipe)
        shutil.rmtree(made, ignore_errors=True)
        new.rename(made)
    return made


def passes(machine: Path, test: list[str], accel: str, seconds: float) -> bool:
    """Boots the machine, shows what the test prints there, and tells whether it passed."""
    last = ""
    with tempfile.TemporaryDirectory(prefix="kernels-") as scratch:
        luggage = Path(scratch, "luggage.tar")
        pack(luggage)
        with running(machine, luggage, Path(scratch, "console"), test, accel) as vm:
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


def pack(luggage: Path) -> None:
    """What the test needs of this checkout and of ansible-core, as the contents of a disk."""
    spec = importlib.util.find_spec("ansible")
    (ansible,) = (spec and spec.submodule_search_locations) or ()
    names = ("__init__.py", "_vendor", "module_utils", "release.py")
    parts = {f"ansible/{name}": Path(ansible, name) for name in names}
    own = (".collections", "plugins", "tests/support", "tests/oracle", "tests/kernels")
    parts.update({name: ROOT / name for name in own})
    with tarfile.open(luggage, "w") as tar:
        for name, part in parts.items():
            tar.add(part, name, filter=readable)


def readable(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.mode = 0o755 if member.isdir() else 0o644
    return None if "__pycache__" in member.name else member


@contextlib.contextmanager
def running(
    machine: Path, luggage: Path, console: Path, test: list[str], accel: str
) -> Iterator[subprocess.Popen[str]]:
    """A machine that speaks on its second serial port, and that is gone in the end, whatever happens."""
    script = (
        "cd /run && tar -xf /dev/vdb &&"
        f" PYTHONPATH=/run:/run/tests python3 -u -m kernels.guest {shlex.join(test)} >/dev/ttyS1 2>&1;"
        " echo result $? >/dev/ttyS1; echo o >/proc/sysrq-trigger; sleep 60"
    )
    command = ["setpriv", "--pdeathsig=KILL", "nice", "qemu-system-x86_64", "-nodefaults", "-display", "none"]
    command += ["-accel", accel, "-cpu", "max,cx16=off", "-smp", "2", "-m", "1G", "-no-reboot", "-snapshot"]
    command += ["-kernel", "vmlinuz", "-initrd", "initrd.img", "-drive", "file=root.ext4,format=raw,if=virtio"]
    command += ["-drive", f"file={luggage},format=raw,if=virtio", "-serial", f"file:{console}", "-serial", "stdio"]
    command += ["-append", f'root=/dev/vda rw console=ttyS0 panic=-1 quiet init=/bin/sh -- -c "{script}"']
    vm = subprocess.Popen(command, cwd=machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield vm
    finally:
        vm.kill()
        vm.wait()


if __name__ == "__main__":
    sys.exit(main())
