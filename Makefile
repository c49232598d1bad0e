PYTHON ?= python3
BIN := .venv/bin
PLANS := annual-promotion shopping-festival store-campaign-28-days vertical-platform-18-months

.PHONY: demo test lint gate browser long bench clean

demo: .venv/ready  ## Rehearse an 18-month plan on a simulated market.
	$(BIN)/sandtable run vertical-platform-18-months --seeds 5 --users 20000

test: .venv/ready-test lint  ## Lint, types, import contract, tests.
	$(BIN)/pytest -n 2 --dist loadfile -m "not long and not browser"

lint: .venv/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

gate: .venv/ready-test  ## Hold the shipped plans to their policies.
	set -e; for plan in $(PLANS); do $(BIN)/sandtable gate $$plan --policy tests/gates/$$plan.yaml --no-store --quiet; done

browser: .venv/ready-browser  ## The report in headless Chromium (needs chromium and npm).
	$(BIN)/pytest -m browser

long: .venv/ready-test  ## Checks that take minutes.
	$(BIN)/pytest -m long

bench: .venv/ready-bench  ## Speed, as ratios measured side by side.
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.batches
	$(BIN)/python -m benchmarks.optimisers
	$(BIN)/python -m benchmarks.coupons

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/ready-test: .venv/ready
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test,dev]"
	touch $@

.venv/ready-browser: .venv/ready-test
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[browser]"
	npm install --silent --no-audit --no-fund --no-package-lock --prefix tests/browser
	touch $@

.venv/ready-bench: .venv/ready
	$(BIN)/pip install --quiet --no-deps --requirement benchmarks/requirements.txt
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
