# What a person types: `make demo`, `make test`. Both make what is missing first.

.DEFAULT_GOAL := help
# Hundreds of processes of the tests import the host: some machines have bytecode written nowhere.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo docs site test test-all test-quick coverage lint bench faults soak constraints

help:  ## show these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup:  ## make what is missing: .venv, packages, flite, livekit-server

demo: setup  ## hear personas take and make four calls; recordings in demo-calls/
	@.venv/bin/python -m host demo

# The tests run whatever lint says, so that one run tells all; either of them fails the whole.
test: setup  ## ruff, mypy, the tests, and a whole call for each promise
	@$(MAKE) --no-print-directory lint; linted=$$?; .venv/bin/python -m pytest && exit $$linted

test-quick: setup  ## unit tests and calls in memory: nothing that takes seconds
	.venv/bin/python -m pytest --quick

# `make test-all TIMES=20 KEYWORD=voicemail` repeats a choice, to hunt what fails once in a hundred.
TIMES = 1
KEYWORD =
test-all: setup  ## every test and every whole call: make test-all TIMES=20 KEYWORD=voicemail
	.venv/bin/python -m pytest -m "" -k "$(KEYWORD)" --count $(TIMES)

coverage: setup  ## what `make test` covers of host and plugins
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest
	.venv/bin/coverage combine -q
	.venv/bin/coverage report

docs:  ## refresh what README and docs show of the code: hooks, settings, outcomes, the record's schema
	@.venv/bin/python docs/refresh.py

site: setup  ## build the documentation as a site, in build/site; fail on any warning
	@.venv/bin/python docs/build_site.py

lint: setup  ## ruff, mypy, and which way imports go
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports --no-logo
	.venv/bin/mypy
	@for folder in local compliance calls; do .venv/bin/mypy tests/$$folder/conftest.py || exit 1; done

# What can't be installed is left out of the table, which says so: packages of others come and go.
SHORT =
bench: setup  ## speed and cost beside plain livekit-agents and openrtc (SHORT=1: in under 5 minutes)
	@.venv/bin/python -c 'import matplotlib, openrtc, livekit.plugins.silero, uvloop' 2>/dev/null || \
	  .venv/bin/python -m pip install --quiet -c constraints.txt -e '.[bench]' || true
	@cd benchmarks && ../.venv/bin/python -m speed $(if $(SHORT),--short) $(ARGUMENTS)

# A run that was broken off goes on where it stopped: what was tried is in benchmarks/faults.jsonl.
faults: setup  ## break live calls in every way, on this host and on a plain worker (hours)
	@cd benchmarks && ../.venv/bin/python -m faults $(ARGUMENTS)

MINUTES = 60
soak: setup  ## an hour of calls and random faults: make soak MINUTES=60
	@cd benchmarks && ../.venv/bin/python soak.py $(MINUTES)

constraints:  ## choose the versions of constraints.txt anew
constraints: OPTION = --constraints

# Any Python that can run setup.py will do here: setup.py itself chooses the one for .venv.
setup constraints:
	@for python in .venv/bin/python python3 python3.11 python3.12 python3.13 python3.14; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then exec $$python -I host/local/setup.py $(OPTION); fi; \
	done; \
	echo "setup: no Python 3.11 or later here: apt-get install python3 python3-venv" >&2; exit 1
