PYTHON ?= python3
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
BIN := .venv/bin

.PHONY: render test e2e redis-server golden bench clean

# The default system, from a bare checkout.
render: .venv/ready
	@$(BIN)/redisgen render > manifests.yaml
	@echo "manifests.yaml: $$(grep -c '^kind:' manifests.yaml) objects, in the order in which kubectl applies them"
	@grep -A 3 '^kind:' manifests.yaml | awk '/^kind:/ {kind = $$2} /^  name:/ {print "  " kind " " $$2}'

# Every check there is.
test: .venv/ready $(BIN)/kubeconform redis-server
	tools/get_redis.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest

# The README's promises on the cluster of the current kubeconfig, which it takes over; E2E='-k default' selects.
e2e: .venv/ready
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -s -x tests/e2e $(E2E)

# The tests start servers of their own, on loopback; Debian's is not started as a service.
redis-server:
	@command -v redis-server > /dev/null || ! command -v apt-get > /dev/null || { echo "installing Debian's redis-server"; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server > /dev/null; }

# The expected files anew, to be reviewed like code.
golden: .venv/ready
	$(BIN)/pytest tests/test_golden.py tests/test_rules.py tests/test_examples.py --update-golden
	$(BIN)/python tools/build_reference.py

bench: .venv/ready
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/scale.py

clean:
	rm -rf .venv build dist manifests.yaml

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; make PYTHON=… names another" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "installing Debian's python3-venv"; $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv > /dev/null; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q --editable '.[verify]' --group dev
	@touch $@

$(BIN)/kubeconform: | .venv/ready
	tools/get_kubeconform.sh .venv
