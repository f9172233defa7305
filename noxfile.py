# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions behind make."""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
SHIPPED = {"CHANGELOG.rst", "COPYING", "README.md", "changelogs", "docs", "meta", "playbooks", "plugins", "roles"}

# Each ansible-core with the oldest or newest Python of its controllers.
CORES = [("3.11", "2.18.0"), ("3.13", "2.19.0"), ("3.12", "2.20.0"), ("3.14", "2.21.0"), ("3.13", "2.22.0rc1")]
TARGETS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]

# What gates run of the machine, and the Debian package that has it.
PACKAGES = {
    "/usr/lib/*/libatomic.so.1": "libatomic1",
    "/lib/systemd/systemd": "systemd",
    "/usr/lib/podman/netavark": "netavark",
    "busybox": "busybox-static",
    "chromium": "chromium",
    "dbus-daemon": "dbus-daemon",
    "debootstrap": "debootstrap",
    "docker": "docker-cli",  # before Debian 13, it is in docker.io
    "dockerd": "docker.io",
    "fail2ban-server": "fail2ban",
    "firewalld": "firewalld",
    "ip": "iproute2",
    "ipset": "ipset",
    "iptables": "iptables",
    "nft": "nftables",
    "podman": "podman",
    "ps": "procps",
    "runc": "runc",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "ufw": "ufw",
}
CONTAINERS = ("busybox", "dockerd", "docker", "/usr/lib/podman/netavark", "podman", "runc")
FIREWALLS = ("dbus-daemon", "fail2ban-server", "firewalld", "ip", "ipset", "iptables", "nft", "ufw")
HOSTS = ("debootstrap", "ip", "iptables", "podman", "ps", "runc", "ssh", "systemd-nspawn")

# Does what ansible-test's own pip bootstrap does, from what the interpreter brings along.
GET_PIP = """\
import runpy, subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
sys.argv[1:] = ["install", *(arg for arg in sys.argv[1:] if not arg.startswith("--no-"))]
runpy.run_module("pip", run_name="__main__")
"""

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
# A missing interpreter is shown as skipped, also where CI is set.
nox.options.error_on_missing_interpreters = False

# pyenv's interpreters all count as present, and its shims, which may lead nowhere, come after them.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
PYTHONS = map(str, sorted(PYENV.glob("versions/*/bin")))
# Debian's users do not have the last two.
os.environ["PATH"] = os.pathsep.join([*PYTHONS, os.environ["PATH"], "/usr/sbin", "/sbin"])
# The collection is found in this checkout alone, whatever else the user has installed.
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".collections")


def skip(session: nox.Session, reason: str) -> None:
    """Leave a gate out, which the last lines name, or fail where every gate has to run."""
    if os.environ.get("EVERY_GATE"):
        session.error(reason)
    session.skip(reason)


def found(name: str) -> bool:
    return bool(glob.glob(name) if name.startswith("/") else shutil.which(name))


def need(session: nox.Session, *names: str) -> None:
    """Install what the machine lacks, where that can be done."""
    missing = [name for name in names if not found(name)]
    if not missing:
        return
    if os.geteuid() or not shutil.which("apt-get"):
        skip(session, f"install {' '.join(sorted({PACKAGES[name] for name in missing}))}")
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    quietly = {"DEBIAN_FRONTEND": "noninteractive"}
    session.run(*apt, "update", external=True, silent=True)
    for name in missing:
        if not found(name):  # an earlier package may have brought it
            command = (*apt, "install", "--no-install-recommends", PACKAGES[name])
            session.run(*command, env=quietly, external=True, silent=True)


def need_linux(session: nox.Session) -> None:
    if sys.platform != "linux":
        skip(session, "it asks the kernel of Linux")


def need_root(session: nox.Session, why: str) -> None:
    need_linux(session)
    if os.geteuid():
        skip(session, f"run it as root, who {why}")


def need_openness(session: nox.Session) -> None:
    """Other users run the module as it lies here."""
    if not all(folder.stat().st_mode & 0o001 for folder in (ROOT, *ROOT.parents)):
        skip(session, f"move the checkout to where every user may enter: some tests run the module of {ROOT} as nobody")


def need_control_groups(session: nox.Session) -> None:
    """Engines make one for each container."""
    found = next(folder for folder in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup") if os.path.isdir(folder))
    if not os.access(found, os.W_OK):
        skip(session, f"run it where engines of containers may write to {found}, which is read-only here")


def need_namespaces(session: nox.Session) -> None:
    need_linux(session)
    unshare = ["unshare", "--user", "--map-root-user", "--net", "true"]
    if os.geteuid() and subprocess.run(unshare, stderr=subprocess.DEVNULL, check=False).returncode:
        skip(session, "run it as root, or let users make namespaces (user.max_user_namespaces, AppArmor)")


def install(session: nox.Session, group: str, *extra: str) -> None:
    session.install("-qq", *nox.project.dependency_groups(PROJECT, group), *extra)


def pytest(session: nox.Session, *args: str) -> None:
    session.run("python", "-m", "pytest", *args, *session.posargs)


def run_script(session: nox.Session, module: str, *args: str) -> None:
    """A program among the tests."""
    paths = os.pathsep.join(map(str, (ROOT / "tests", ROOT / ".collections")))
    session.run("python", "-m", module, *args, *session.posargs, env={"PYTHONPATH": paths})


def run_molecule(session: nox.Session) -> None:
    session.run("molecule", "test", "--scenario-name", "default", env={"LAB": "no"})


def git(session: nox.Session, *args: str) -> str:
    return str(session.run("git", *args, external=True, silent=True, log=False))


def copy_of_the_work_tree(session: nox.Session) -> Path:
    """A git tree of its own at the path that ansible-test insists on."""
    copy = Path(session.create_tmp()).resolve() / "ansible_collections/preflight/ports"
    shutil.rmtree(copy, ignore_errors=True)
    names = git(session, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, names):
        if not name.startswith(".collections/") and (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    with session.chdir(copy):
        git(session, "init", "--quiet")
        git(session, "add", "--all")
    return copy


@nox.session
def lint(session: nox.Session) -> None:
    """Linters, types, docs and changelog."""
    install(session, "lint")
    session.run("ruff", "check", "--quiet")
    session.run("ruff", "format", "--check", "--quiet")
    session.run("mypy", "-p", "ansible_collections.preflight.ports.plugins.module_utils")
    session.run("yamllint", "--strict", ".")
    session.run("ansible-lint")
    session.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", ".")
    session.run("antsibull-changelog", "lint")
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *glob.glob(".github/workflows/*"))
    session.run("zizmor", "--offline", "--quiet", ".github")


@nox.session(name="format")
def format_(session: nox.Session) -> None:
    """Format the Python code, imports sorted."""
    session.install("-qq", "ruff>=0.14")
    session.run("ruff", "check", "--quiet", "--select", "I", "--fix")
    session.run("ruff", "format", "--quiet")


@nox.session
def catalogue(session: nox.Session) -> None:
    """Write the page about the profiles."""
    session.install("-qq", "pyyaml")
    session.run("python", "docs/catalogue.py")


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test sanity, no ignores, on every Python found here."""
    install(session, "ansible")
    with session.chdir(copy_of_the_work_tree(session)):
        first = session.run("ansible-test", "sanity", "--venv", "--test", "ignores", silent=True, success_codes=[0, 1])
        # Where the download of get-pip fails, ansible-test names the file that it would take instead.
        if missing := re.search(r"manually downloaded and saved to: (\S+)", str(first)):
            Path(missing[1]).write_text(GET_PIP)
            session.warn(f"get-pip cannot be downloaded: wrote {missing[1]}, which uses ensurepip")
        session.run("ansible-test", "sanity", "--venv", "--color", "no")


def artifact_in(session: nox.Session, folder: Path) -> Path:
    """What users install."""
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder), silent=True)
    (artifact,) = folder.glob("preflight-ports-*.tar.gz")
    time_of_commit = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    repack(artifact, int(str(time_of_commit)))
    return artifact


def repack(artifact: Path, seconds: int) -> None:
    """One commit, one artifact, byte for byte: ansible-galaxy puts the time and the order of the folders into it."""
    with tarfile.open(artifact) as tar:
        members = {member.name: member for member in tar}
        files = {name: tar.extractfile(member).read() for name, member in members.items() if member.isfile()}  # type: ignore[union-attr]
    listed = json.loads(files["FILES.json"])
    listed["files"].sort(key=operator.itemgetter("name"))
    files["FILES.json"] = json.dumps(listed, indent=1).encode()
    manifest = json.loads(files["MANIFEST.json"])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(files["FILES.json"]).hexdigest()
    files["MANIFEST.json"] = json.dumps(manifest, indent=1).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, member in sorted(members.items()):
            content = files.get(name, b"")
            member.mtime, member.size, member.pax_headers = seconds, len(content), {}
            tar.addfile(member, io.BytesIO(content))
    artifact.write_bytes(gzip.compress(packed.getvalue(), mtime=seconds))


def prove_installed(session: nox.Session) -> None:
    """The artifact, installed where nothing else is, does what the README says."""
    home = Path(session.create_tmp()).resolve()
    artifact = artifact_in(session, home)
    (home / "ansible.cfg").touch()
    session.env.update(ANSIBLE_COLLECTIONS_PATH=str(home), ANSIBLE_CONFIG=str(home / "ansible.cfg"))
    session.run("ansible-galaxy", "collection", "install", "--offline", "--force", "-p", str(home), str(artifact))
    with session.chdir(home):
        for kind, name in (
            ("module", "port_check"),
            ("module", "port_info"),
            ("module", "port_connect"),
            ("module", "port_responder"),
            ("role", "port_preflight"),
            ("role", "port_reach"),
            *(("filter", path.stem) for path in ROOT.glob("plugins/filter/*.py")),
        ):
            session.run("ansible-doc", "--type", kind, "--json", f"preflight.ports.{name}", silent=True)
        session.run("ansible-playbook", str(ROOT / "tests/installed.yml"))
        session.run(
            "ansible-playbook", "preflight.ports.check", "-i", "localhost,", "-c", "local", "-e", "check_ports=1"
        )


@nox.session
def importer(session: nox.Session) -> None:
    """galaxy-importer on the built artifact: neither errors nor warnings."""
    install(session, "importer")
    out = Path(session.create_tmp()).resolve()
    artifact = artifact_in(session, out)
    with tarfile.open(artifact) as tar:
        extra = {name.split("/")[0] for name in tar.getnames()} - SHIPPED - {"FILES.json", "MANIFEST.json"}
    other = out / "other"
    other.mkdir(exist_ok=True)
    if artifact_in(session, other).read_bytes() != artifact.read_bytes():
        session.error("two artifacts of the same tree differ")
    if extra:
        session.error(f"galaxy.yml ships what users do not need: {', '.join(sorted(extra))}")
    with session.chdir(out):
        log = str(session.run("python", "-m", "galaxy_importer.main", str(artifact), silent=True))
    session.log(log)
    if re.search(r"^(WARNING|ERROR)", log, re.MULTILINE):
        session.error("galaxy-importer has complaints, see above")
    prove_installed(session)


@nox.session
def publish(session: nox.Session) -> None:
    """Publish the artifact to the server that ansible-galaxy is configured for."""
    install(session, "ansible")
    artifact = artifact_in(session, Path(session.create_tmp()).resolve())
    session.run("ansible-galaxy", "collection", "publish", str(artifact))


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, built without a warning: .site/index.html."""
    install(session, "docs")
    pages = Path(session.create_tmp()).resolve() / "docs"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(ROOT / "docs", pages)
    (pages / "reference").mkdir()
    reference = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(pages / "reference")]
    session.run("antsibull-docs", "collection", *reference, "preflight.ports")
    session.run("sphinx-build", "--quiet", "--fresh-env", "--fail-on-warning", "--keep-going", str(pages), ".site")


@nox.session
def molecule(session: nox.Session) -> None:
    """The role and the module on real listeners of this machine."""
    install(session, "molecule", "ansible-core>=2.18")
    run_molecule(session)


@nox.session
def hosts(session: nox.Session) -> None:
    """The scenarios on real hosts, which the lab boots."""
    need_root(session, "may boot hosts")
    need_control_groups(session)
    need(session, *HOSTS)
    install(session, "molecule", "ansible-core>=2.18")
    session.run("molecule", "destroy", "--all", silent=True)  # molecule would take what a crash has left for created
    session.run("molecule", "test", "--all", "--exclude", "default")


@nox.session
def units(session: nox.Session) -> None:
    """Unit tests with branch coverage."""
    install(session, "units", "ansible-core>=2.18")
    pytest(session, "--cov", "--cov-report=term")


@nox.session
def reports(session: nox.Session) -> None:
    """The role's reports in a real browser, in other readers, and after real plays."""
    need(session, "chromium", "/usr/lib/*/libatomic.so.1")
    install(session, "reports", "ansible-core>=2.18")
    pytest(session, "tests/reports")


@nox.session
def truth(session: nox.Session) -> None:
    """The kernel as judge of random cases; faults made on purpose; hostile input."""
    need_namespaces(session)
    install(session, "truth", "ansible-core>=2.18")
    for folder in ("fuzz", "faults"):
        pytest(session, f"tests/{folder}")
    need_root(session, "may load eBPF programs and become other users; fuzz and faults have run")
    need_openness(session)
    need(session, "/lib/systemd/systemd")
    for folder in ("oracle", "hostile", "claims"):
        pytest(session, f"tests/{folder}")


@nox.session
def rules(session: nox.Session) -> None:
    """The kernel as judge of NAT rules and firewalls, of real containers and of random ones."""
    need_root(session, "may load rules")
    need(session, *CONTAINERS, *FIREWALLS)
    install(session, "truth", "ansible-core>=2.18")
    engines = ("tests/redirects/test_docker.py", "tests/redirects/test_podman.py")
    pytest(session, "tests/redirects", *(f"--ignore={each}" for each in engines))
    pytest(session, "tests/firewall")
    need_control_groups(session)
    pytest(session, *engines)


@nox.session
def examples(session: nox.Session) -> None:
    """Every example of the documentation, run on real sockets; port_info beside its peer."""
    need_namespaces(session)
    if not Path("/etc/ansible").is_dir():
        need_root(session, "may make /etc/ansible, where examples write")
    need(session, "ip", "ps")
    install(session, "examples", "--no-compile")  # of the thousands of files that ansible has, few are used
    pytest(session, "tests/examples", "tests/peers")


@nox.session
def oracle(session: nox.Session) -> None:
    """As many random cases as wanted: --cases N --seed N."""
    install(session, "truth", "ansible-core>=2.18")
    run_script(session, "oracle.run")


@nox.session
def redirects(session: nox.Session) -> None:
    """As many random sets of NAT rules as wanted: --cases N --seed N."""
    need_root(session, "may load rules")
    need(session, *FIREWALLS)
    install(session, "truth", "ansible-core>=2.18")
    pytest(session, "tests/redirects/test_random_rules.py")


@nox.session
def firewall(session: nox.Session) -> None:
    """As many questions about random firewalls as wanted: --cases N --seed N."""
    need_root(session, "may load rules")
    need(session, *FIREWALLS)
    install(session, "truth", "ansible-core>=2.18")
    run_script(session, "firewall.run")


@nox.session
def kernels(session: nox.Session) -> None:
    """The oracle on older kernels, in virtual machines: --cases N --seed N."""
    install(session, "truth", "ansible-core>=2.18")
    run_script(session, "kernels.machines")


@nox.session
def reach(session: nox.Session) -> None:
    """Each state of a flow by a real fault between network namespaces, and the role on hosts that are namespaces."""
    need_root(session, "may connect network namespaces")
    need_openness(session)
    need(session, *FIREWALLS)
    install(session, "truth", "ansible-core>=2.18", "ansible-runner", "mitogen")
    pytest(session, "tests/reach")


@nox.session
def fuzz(session: nox.Session) -> None:
    """As many hostile inputs as wanted: --inputs N."""
    install(session, "truth", "ansible-core>=2.18", "atheris")
    run_script(session, "fuzz.run")


@nox.session
def mutants(session: nox.Session) -> None:
    """Small faults put into the pure core, one at a time: the unit tests must notice them. --sample N --seed N."""
    install(session, "units", "ansible-core>=2.18", "cosmic-ray>=8.4")
    scratch = Path(session.create_tmp()).resolve()
    config, state = "tests/mutants/cosmic-ray.toml", str(scratch / "mutants.sqlite")
    session.env["PYTHONPATH"] = str(scratch)
    with session.chdir(copy_of_the_work_tree(session)):
        session.run("cosmic-ray", "baseline", config)  # else tests that fail anyway would seem to notice everything
        session.run("cosmic-ray", "init", "--force", config, state)
        session.run("cr-filter-operators", state, config)
        session.run("python", "tests/mutants/sample.py", state, *session.posargs)
        session.run("cosmic-ray", "exec", config, state)
        session.run("cr-report", "--show-diff", "--surviving-only", state)
        session.run("cr-rate", "--fail-over", "5", state)


@nox.session
def bench(session: nox.Session) -> None:
    """What a check costs beside its peers, also written as docs/benchmarks.md."""
    need(session, *FIREWALLS, *HOSTS)
    session.install("-qq", "-r", "tests/bench/requirements.txt")
    run_script(session, "bench.run", "--write", "docs/benchmarks.md")


@nox.session
@nox.parametrize("python,core", CORES, ids=[core for _python, core in CORES])
def controller(session: nox.Session, core: str) -> None:
    """Units and molecule on an ansible-core."""
    install(session, "units", f"ansible-core~={core}")
    install(session, "molecule")
    pytest(session)
    run_molecule(session)
    prove_installed(session)


@nox.session(python=TARGETS)
def target(session: nox.Session) -> None:
    """Units of what runs on a target, on its Python and without Ansible."""
    install(session, "units")
    pytest(session, "tests/unit/plugins/module_utils")
