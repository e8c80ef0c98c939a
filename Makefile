# `make demo` and `make test` need nothing but make and Python 3.11 or newer.
# What they do is in scripts/; scripts/start.py checks the Python first.
PYTHON ?= python3
PORT ?= 8000
# exec: a shell in between would report Ctrl-C as an error, although the demo ends well.
START = @exec "$(PYTHON)" scripts/start.py

.DEFAULT_GOAL := help
.PHONY: help demo docs test lint format bench chaos matrix translations api lock audit sbom clean

help:
	@echo "make demo      start the example project (make demo PORT=8001 for another port)"
	@echo "make docs      build the documentation into build/docs"
	@echo "make test      lint and run every test, from nothing"
	@echo "make lint      check style, types, templates, migrations and structure"
	@echo "make format    apply the style"
	@echo "make bench     print the measured ratios (make bench GROUPS=calls BASE=old.json)"
	@echo "make chaos     kill workers at random (make chaos ROUNDS=2000 SEED=4711)"
	@echo "make matrix    test other Pythons, Djangos, databases (make matrix ROWS='quick mariadb')"
	@echo "make translations   extract, update and compile the words of all languages"
	@echo "make api       list anew what others may rely on"
	@echo "make lock      pin anew what development needs (make lock UPGRADE=1 for the newest)"
	@echo "make audit     ask for known vulnerabilities of what is pinned"
	@echo "make sbom      write the bill of materials that the wheel carries"
	@echo "make clean     remove what the other targets made, the demo's data included"
	@echo
	@echo "Each takes PYTHON=/path/to/python3 for another interpreter."

demo:
	$(START) demo --port "$(PORT)"

docs:
	$(START) docs

test:
	$(START) test

lint:
	$(START) lint

format:
	$(START) lint --fix

bench:
	$(START) tool -m tests.benchmarks $(GROUPS) --base "$(BASE)"

chaos:
	$(START) chaos --rounds "$(ROUNDS)" --seed "$(SEED)"

matrix:
	$(START) matrix --rows "$(ROWS)"

translations:
	$(START) tool -m scripts.translations

api:
	$(START) tool -m scripts.public_api

lock:
	$(START) lock --upgrade "$(UPGRADE)"

audit:
	$(START) audit

sbom:
	$(START) sbom

clean:
	rm -rf .tools .venv .venv.lock node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf example_project/db.sqlite3* example_project/media benchmark.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
