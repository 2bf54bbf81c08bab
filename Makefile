# What a checkout can do, each of it alone and from the start: all is installed into .venv.
#
#   make run     a class of five to try it on; the server runs in the foreground, Ctrl-C stops it
#   make test    format, lint, types and tests, as in CI
#   make lint    the same without the tests
#   make faults  break the server for some minutes, and write what that gave to docs/promises.md
#   make mutants plant a defect after the other and show which test catches it (six minutes)
#   make fuzz    look for input that breaks a promise of the wire (a minute each; FUZZ="--seconds 300")
#   make bench   speed beside Postfix and Dovecot, where they are installed; BENCH=--quick is short
#   make clean   forget .venv and all that was built (the mail in demo-site stays)

# The first of these that is Python 3.11 or later and can make a virtual environment is taken;
# `make run PYTHON=python3.12` names another.
PYTHON = python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3

# Which targets, and for how long: `make fuzz FUZZ="--seconds 300 smtp"`, and --keep.
FUZZ =

# Three files of tests at once: many wait for a clock or a disk. `make test PYTEST=-x` is one.
PYTEST = --numprocesses 3 --dist loadfile

VENV = .venv
# So quiet that only errors show.
PIP = $(VENV)/bin/python -m pip --quiet --quiet --disable-pip-version-check --no-input

.PHONY: help run test lint faults mutants fuzz bench clean

help:
	@sed -n 's/^#   //p' Makefile

run: $(VENV)/installed
	@trap : INT; $(VENV)/bin/tpmail --site demo-site demo || [ $$? = 130 ]  # 130: Ctrl-C

test: lint
	$(VENV)/bin/python -m pytest $(PYTEST)

lint: $(VENV)/installed-with-tools
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/mypy

bench: $(VENV)/installed
	@$(VENV)/bin/python -m bench $(BENCH)

mutants: $(VENV)/installed-with-tools
	$(VENV)/bin/python -m tests.mutants

fuzz: $(VENV)/installed-with-tools
	@$(PIP) install --editable '.[fuzz]'
	$(VENV)/bin/python -m tests.fuzz $(FUZZ)

# As root it also fills disks, and makes files that may not change; without, those are skipped.
# One file of tests at a time, so that the figures are those of the server alone.
faults: $(VENV)/installed-with-tools
	rm -f $(VENV)/figures
	TPMAIL_LONG=1 TPMAIL_FIGURES=$(VENV)/figures $(VENV)/bin/python -m pytest tests/faults
	$(VENV)/bin/python -m tests.faults.page $(VENV)/figures

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .fuzz .coverage
	find tpmailserver twisted tests -name __pycache__ -prune -exec rm -rf {} +
	rm -f twisted/plugins/dropin.cache

# A stamp is written last, so that what was broken off is done again; setup.cfg names the packages.
$(VENV)/installed: $(VENV)/made setup.cfg
	@echo "Installing tpmailserver into $(VENV) (the first time takes a minute) ..."
	@$(PIP) install --editable .
	@touch $@

$(VENV)/installed-with-tools: $(VENV)/made setup.cfg
	@echo "Installing tpmailserver and its tools into $(VENV) (the first time takes a minute) ..."
	@$(PIP) install --editable '.[test,dev]'
	@touch $@ $(VENV)/installed

# A virtual environment knows its folder and its Python: where one of them moved, it is made anew.
HERE := $(shell pwd -P)
MADE := $(shell ($(VENV)/bin/python -c 'print(open("$(VENV)/made").read())') 2> /dev/null)
ifneq ($(MADE),$(HERE))
.PHONY: $(VENV)/made
endif

$(VENV)/made:
	@rm -rf $(VENV); \
	for python in $(PYTHON); do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || continue; \
	  old_enough=$$python; \
	  $$python -c 'import venv; from ensurepip import bootstrap' 2> /dev/null || continue; \
	  $$python -m venv $(VENV) && printf %s "$(HERE)" > $@; exit; \
	done; \
	if [ -n "$$old_enough" ]; then \
	  echo "$$old_enough cannot make a virtual environment; as root: apt install python3-venv" >&2; \
	else \
	  echo "Python 3.11 or later is needed; as root: apt install python3 python3-venv" >&2; \
	fi; exit 1
