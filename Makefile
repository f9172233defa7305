# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Works with GNU make 3.81 and BSD userland, so with what Debian and macOS have.

PYTHON = python3
PORTS = 80,443
INVENTORY = inventory.yml
CASES = 10000
SEED = 1
INPUTS = 1000000
SAMPLE = 300

BIN = .venv/bin
NOX = $(BIN)/nox --noxfile noxfile.py --session

# Named outright, because Ansible ignores an ansible.cfg that it finds in a world-writable directory.
export ANSIBLE_CONFIG = $(CURDIR)/ansible.cfg
# Through the environment the shell never parses the user's text.
export PORTS INVENTORY

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  make run PORTS=80,443,53/udp INVENTORY=hosts.ini PYTHON=python3.12"

.PHONY: run
run: .venv/ansible ## Check PORTS on the hosts of INVENTORY (80 and 443 on this machine)
	@$(BIN)/ansible-playbook preflight.ports.check -i "$$INVENTORY" -e "check_ports='$$PORTS'"

GATES = lint sanity importer docs molecule hosts reports truth rules reach examples units

.PHONY: test quick
test: .venv/nox ## Run every check: all of the gates below
	@$(NOX) $(GATES)

quick: .venv/nox ## The gates that take two minutes: lint, units, molecule
	@$(NOX) lint units molecule

.PHONY: $(GATES)
lint: ## Linters, types, docs and changelog
sanity: ## ansible-test sanity, no ignores
importer: ## galaxy-importer on the built artifact
docs: ## The documentation site, in .site
molecule: ## The role and the module on real listeners of this machine
hosts: ## Deployments to Debian hosts, which it boots; needs root and the packages that it names
reports: ## The role's reports in a real browser, in other readers, and after real plays
truth: ## The kernel as judge of random cases; faults, hostile input
rules: ## The kernel as judge of NAT rules and firewalls, random and real ones; needs root
reach: ## Flows between network namespaces, each state by a real fault; needs root
examples: ## Every example of the documentation, on real sockets
units: ## Unit tests with branch coverage

.PHONY: matrix format catalogue
matrix: ## Units and molecule on every supported ansible-core and Python found here
format: ## Format the Python code
catalogue: ## Write docs/catalogue.md from the profiles

$(GATES) format catalogue: .venv/nox
	@$(NOX) $@

matrix: .venv/nox
	@$(NOX) controller target

.PHONY: oracle redirects firewall fuzz mutants bench kernels
oracle: .venv/nox ## CASES random cases from SEED against the kernel
	@$(NOX) $@ -- --cases $(CASES) --seed $(SEED)

redirects: .venv/nox ## CASES random sets of NAT rules from SEED against the kernel
	@$(NOX) $@ -- --cases $(CASES) --seed $(SEED)

firewall: .venv/nox ## CASES questions about random firewalls from SEED against the kernel
	@$(NOX) $@ -- --cases $(CASES) --seed $(SEED)

kernels: .venv/nox ## The same on Linux 5.10, 6.1 and 6.12 in virtual machines; needs root, QEMU and debootstrap
	@$(NOX) $@ -- --cases $(CASES) --seed $(SEED)

fuzz: .venv/nox ## INPUTS hostile inputs
	@$(NOX) $@ -- --inputs $(INPUTS)

mutants: .venv/nox ## SAMPLE small faults from SEED put into the pure core: the unit tests must notice them
	@$(NOX) $@ -- --sample $(SAMPLE) --seed $(SEED)

bench: .venv/nox ## What a check costs beside its peers; writes docs/benchmarks.md
	@$(NOX) $@

.PHONY: publish
publish: .venv/nox ## Publish the artifact to the server that ansible-galaxy is configured for
	@$(NOX) $@

.PHONY: clean
clean: ## Remove everything that make has set up or built
	rm -rf .venv .nox .site .ansible .coverage .mypy_cache .pytest_cache .ruff_cache preflight-ports-*.tar.gz

.venv/pip:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 or newer (Debian: apt install python3-venv, macOS: brew install python)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V): Python 3.11 or newer is needed; name one with make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: install it (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up .venv, once."
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/ansible: .venv/pip
	@$(BIN)/python -m pip install -qq --disable-pip-version-check 'ansible-core>=2.18' psutil
	@touch $@

.venv/nox: .venv/pip
	@$(BIN)/python -m pip install -qq --disable-pip-version-check 'nox>=2025.2.9'
	@touch $@
