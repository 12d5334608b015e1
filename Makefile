# For developers; `./hanji` alone is enough to use Hanji. A torch other than the pinned one: make check TORCH="torch==2.14.0"
PY := .venv/bin/python
export TORCH

.PHONY: check format test test-full bench docs attacks setup

check: setup  ## under a minute: style, types, directions of import, fast tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest -n 3 --dist worksteal -m "not slow and not full"

format: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

test: setup
	$(PY) -m pytest -m "not full"

test-full: setup  ## everything, with coverage by branch
	$(PY) -m pytest --cov --cov-branch --cov-report=term-missing:skip-covered

bench: setup
	$(PY) benchmarks/startup.py

attacks: setup  ## attack every sandbox of this machine; writes the table of docs/sandbox.md
	$(PY) -P docs/attacks.py

docs: setup  ## the tables and the picture of the graph, from the registries
	$(PY) docs/generate.py

setup:
	@HANJI_DEV=1 ./hanji --version
