PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test bench lint long clean

demo: .venv/ready  ## Rehearse an 18-month plan on a simulated market.
	$(BIN)/sandtable run vertical-platform-18-months --seeds 5 --users 20000

test: .venv/ready-test lint  ## Lint, types, import contract, tests.
	$(BIN)/pytest -n 2 --dist loadfile -m "not long"

lint: .venv/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

long: .venv/ready-test  ## Checks that take minutes.
	$(BIN)/pytest -m long

bench: .venv/ready-bench  ## Speed, as ratios measured side by side.
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.scaling

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/ready-test: .venv/ready
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test,dev]"
	touch $@

.venv/ready-bench: .venv/ready
	$(BIN)/pip install --quiet --no-deps --requirement benchmarks/requirements.txt
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
