# What a person types: `make demo`, `make test`. Both make what is missing first.

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint constraints

help:  ## show these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# Any Python that can run setup.py will do here: setup.py itself chooses the one for .venv.
setup:  ## make what is missing: .venv, packages, flite, livekit-server
	@for python in .venv/bin/python python3 python3.11 python3.12 python3.13 python3.14; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then exec $$python -I host/local/setup.py; fi; \
	done; \
	echo "setup: no Python 3.11 or later here: apt-get install python3 python3-venv" >&2; exit 1

demo: setup  ## hear personas take and make four calls; recordings in demo-calls/
	@.venv/bin/python -m host demo

test: lint  ## lint, then the tests
	.venv/bin/python -m pytest

lint: setup  ## ruff and mypy
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

constraints: setup  ## choose the versions of constraints.txt anew
	@.venv/bin/python -I host/local/setup.py --constraints
