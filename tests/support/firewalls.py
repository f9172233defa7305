# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real firewalls in the network namespace of the caller, with copies of their settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE_SECONDS = 30
_COPY = 'copy() { cp -a "$1" /run/copy; mount -t tmpfs none "$1"; cp -a /run/copy/. "$1"; rm -r /run/copy; }\n'
_APART = f"mount -t tmpfs none /run\n{_COPY}"


def check(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


class Firewalld:
    """Made by entering it; it and its D-Bus daemon end with it."""

    def __enter__(self) -> Firewalld:
        script = f"""{_APART}
mkdir -p /run/dbus /run/lock
copy /etc/firewalld
rm -f /etc/firewalld/zones/*
dbus-daemon --system --fork --nopidfile
exec firewalld --nofork --nopid
"""
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script]
        self._daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert time.monotonic() < until and self._daemon.poll() is None, "firewalld does not start"
            time.sleep(0.1)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._daemon.kill()
        self._daemon.wait()

    def __call__(self, *options: str) -> str:
        return check([*self._inside(), "firewall-cmd", "--quiet", *options])

    def shell(self, commands: str) -> str:
        return check([*self._inside(), "sh", "-ec", commands])

    def _inside(self) -> list[str]:
        children = Path(f"/proc/{self._daemon.pid}/task/{self._daemon.pid}/children").read_text().split()
        return ["nsenter", f"--mount=/proc/{children[0]}/ns/mnt"] if children else ["false"]

    def _answers(self) -> bool:
        command = [*self._inside(), "firewall-cmd", "--state"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


_NO_RULES = "cp /usr/share/ufw/user.rules /usr/share/ufw/user6.rules /etc/ufw/\n"


def ufw(*commands: str) -> None:
    """Enabled, after these commands, whatever rules this machine has."""
    lines = "\n".join(f"ufw {command}" for command in (*commands, "--force enable"))
    check(["unshare", "--mount", "sh", "-ec", f"{_APART}copy /etc/ufw\ncopy /etc/default\n{_NO_RULES}{lines}"])


class Fail2ban:
    """With one jail; made by entering it."""

    def __init__(self, jail: str, banaction: str, port: int) -> None:
        self._jail, self._banaction, self._port = jail, banaction, port

    def __enter__(self) -> Fail2ban:
        self._folder = Path(tempfile.mkdtemp(prefix="fail2ban"))
        shutil.copytree("/etc/fail2ban", self._folder / "etc")
        (self._folder / "log").touch()
        (self._folder / "etc/jail.d").mkdir(exist_ok=True)
        for path in (self._folder / "etc/jail.d").iterdir():
            path.unlink()
        (self._folder / "etc/jail.local").write_text(
            f"[{self._jail}]\nenabled = true\nfilter = sshd\nbackend = polling\nlogpath = {self._folder / 'log'}\n"
            f"banaction = {self._banaction}\nport = {self._port}\n"
        )
        (self._folder / "etc/fail2ban.local").write_text("[Definition]\ndbfile = None\n")
        options = ["--logtarget", str(self._folder / "own.log"), "--syslogsocket", "auto"]
        command = [*self._command("server"), "-xf", *options, "start"]
        self._server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(
            [*self._command("client"), "status", self._jail], capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < until and self._server.poll() is None, self._log()
            time.sleep(0.1)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.terminate()
        self._server.wait(PATIENCE_SECONDS)
        shutil.rmtree(self._folder)

    def __call__(self, *arguments: str) -> str:
        return check([*self._command("client"), *arguments])

    def _command(self, what: str) -> list[str]:
        folder = self._folder
        return [f"fail2ban-{what}", "-c", str(folder / "etc"), "-s", str(folder / "socket"), "-p", str(folder / "pid")]

    def _log(self) -> str:
        path = self._folder / "own.log"
        return path.read_text() if os.path.exists(path) else "no log"
