# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker engine of the test's own: its store and its socket are in a directory, its rules in the caller's network."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

BUSYBOX = "/bin/busybox"
UNMOUNT, CLIENT = ["umount", "--quiet"], ["docker"]
NETWORK, SUBNET = "own", "172.30.0.0/24"
PATIENCE_SECONDS = 60


class Docker:
    """Made by entering it, in the network namespace of the caller; the engine ends with it, and its containers."""

    def __init__(self, *options: str) -> None:
        self._options = options

    def __enter__(self) -> Docker:
        # Docker's sockets take short paths.
        self.folder = Path(tempfile.mkdtemp(prefix="docker"))
        self.socket = self.folder / "engine.sock"
        self._command = [
            "dockerd",
            f"--host=unix://{self.socket}",
            f"--data-root={self.folder / 'data'}",
            f"--exec-root={self.folder / 'run'}",
            f"--pidfile={self.folder / 'pid'}",
            "--bridge=none",
            "--storage-driver=vfs",
            *self._options,
        ]
        self._log = (self.folder / "log").open("w")
        self._run()
        self("network", "create", f"--subnet={SUBNET}", NETWORK)
        self._import()
        return self

    def _run(self) -> None:
        self._daemon = subprocess.Popen(self._command, stdout=self._log, stderr=subprocess.STDOUT)
        self._wait()

    @contextlib.contextmanager
    def dead(self) -> Iterator[None]:
        """As after a power failure: nobody runs, and the files of the store are as they were."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if os.fsencode(self.folder) in Path("/proc", pid, "cmdline").read_bytes():
                    os.kill(int(pid), signal.SIGKILL)
        self._daemon.wait()
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        for path in (self.folder / "pid", self.socket):
            path.unlink(missing_ok=True)
        yield
        self._run()

    def __exit__(self, *_exception: object) -> None:
        running = self("ps", "--all", "--quiet").split()
        if running:
            self("rm", "--force", *running)
        self._daemon.terminate()
        self._daemon.wait(PATIENCE_SECONDS)
        self._log.close()
        for path in sorted((self.folder / "run").glob("netns/*")):
            subprocess.run([*UNMOUNT, str(path)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, *arguments: str) -> str:
        command = [*CLIENT, f"--host=unix://{self.socket}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(
                f"docker {' '.join(arguments)}: {done.stderr}\n{(self.folder / 'log').read_text()[-2000:]}"
            )
        return done.stdout.strip()

    def start(self, name: str, word: str, *options: str, port: int = 80) -> str:
        """A container whose server says *word* to whoever comes; its id."""
        serve = f"while true; do echo -n {word} | /bin/busybox nc -l -p {port}; done"
        given = ["run", "--detach", f"--name={name}", f"--network={NETWORK}", *options]
        return self(*given, "busybox", "/bin/busybox", "sh", "-c", serve)

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.socket.exists():
            if self._daemon.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"dockerd did not start:\n{(self.folder / 'log').read_text()[-3000:]}")
            time.sleep(0.05)

    def _import(self) -> None:
        """An image that is only busybox."""
        image: Any = self.folder / "image.tar"
        with tarfile.open(image, "w") as tar:
            tar.add(os.path.realpath(BUSYBOX), "bin/busybox")
        self("import", str(image), "busybox")
