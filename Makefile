# Everything below runs without root. What needs a program that is missing says so.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := dev,acp,mcp
FUZZ_SECONDS ?= 20
SOAK_SECONDS ?= 300
# Most tests wait for other processes: more of them than processors keep those busy.
JOBS ?= $(shell expr 2 '*' "$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)")
SDIST := build/published/stdiobus-2.2.1
PUBLISHED := $(SDIST)/kernel/dist/linux-amd64/stdio_bus
PUBLISHED_LIBRARY := build/published/libstdio_bus.so
PUBLISHED_CLIENT := build/published/sdk/bin/python

ifeq ($(shell command -v cmake),)
CMAKE := $(BIN)/cmake
CTEST := $(BIN)/ctest
KERNEL_NEEDS := $(BIN)/python
else
CMAKE := cmake
CTEST := ctest
KERNEL_NEEDS :=
endif

.PHONY: saboteurs saboteur-matrix adapters peers subjects findings help demo test unit behaviour pythons package-tests lint kernel kernel-test kernel-instructions kernel-sanitize kernel-valgrind analyze \
        fuzz-short fuzz soak explore explore-saboteurs bench published cross static-kernel image judge-docker container clean

help:
	@echo "make demo          install everything into .venv and run the examples"
	@echo "make test          run all tests (unit: those of Python; kernel-test: those of the kernel)"
	@echo "make pythons       the tests of the package under every Python from 3.10 on that is here"
	@echo "make lint          ruff, mypy and gcc -fanalyzer"
	@echo "make kernel        build the kernel into build/kernel"
	@echo "make fuzz-short    fuzz each target for FUZZ_SECONDS=$(FUZZ_SECONDS); make fuzz: for an hour"
	@echo "make soak          the client under mixed load and killed workers for SOAK_SECONDS=$(SOAK_SECONDS)"
	@echo "make explore       EXAMPLES=$(EXAMPLES) cases made at random for each transport and each of SEEDS=\"$(SEEDS)\""
	@echo "make explore-saboteurs  which of EXAMPLES=$(EXAMPLES) such cases first sees each kernel with a fault, for the seed 0"
	@echo "make bench         measure kernel and client beside the published ones and the least there can be (about 20 minutes)"
	@echo "make published     one suite over both clients, our examples over the published kernel, theirs over ours"
	@echo "make adapters      build the adapter of the published Rust client (needs cargo)"
	@echo "make peers         judge real agents of ACP and servers of MCP, and write docs/findings (needs npm)"
	@echo "make saboteurs     play each kernel and SDK with a fault in what catches it and in what exercises its rule (some ten minutes)"
	@echo "make saboteur-matrix  the same in a case of every other file, too (hours; it goes on where it was stopped)"
	@echo "make subjects      build and install what the findings judge (needs cargo)"
	@echo "make findings      judge the published kernel and clients beside ours, and write docs/findings (about an hour)"
	@echo "make cross         compile the kernel for macOS, musl and other processors"
	@echo "make image         the container image of the kernel, for the docker backend"
	@echo "make judge-docker  every case about SDKs that is played in containers, against the client (three minutes)"
	@echo "make container     make demo in a fresh container"
	@echo "make clean         remove what was built"

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: install Python 3.10 or newer, or set PYTHON="; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "venv is missing: install the package python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(if $(shell command -v cmake),,$(BIN)/python -m pip install --quiet cmake)

demo: $(BIN)/python
	@echo "Installing into $(VENV); the kernel is compiled on the way (about a minute)."
	@$(BIN)/python -m pip install --quiet ".[acp,mcp]"
	@if $(BIN)/pytest --stdiobus-backend=native,subprocess examples/; then \
	  echo; \
	  echo "It works. Each test above ran twice: with the message bus inside the test process (native) and"; \
	  echo "with the bus as a program of its own (subprocess). Behind it were real workers: an echo, a"; \
	  echo "calculator that dies on demand, an MCP server, and an ACP agent that knows nothing of the bus."; \
	  echo "What was skipped says what it needs. Next: open examples/test_echo.py, or test your own worker"; \
	  echo "as README.md shows. This environment is in $(VENV): $(BIN)/pytest runs it."; \
	else \
	  echo; \
	  echo "Something failed: the first error above says what. A missing C compiler is the usual reason."; \
	  exit 1; \
	fi

test: unit behaviour kernel-test kernel-instructions fuzz-short

# The docker backend is tested where a container engine answers or can be started (tests/with-engine).
unit: kernel $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	@$(BIN)/python -m pip install --quiet ".[stdiobus]" 2>/dev/null || \
	  echo "the published client cannot be installed here: the tests that compare with it are skipped"
	tests/with-engine $(BIN)/pytest -n $(JOBS) tests examples --stdiobus-backend=native,subprocess

# The tests of the package once more under every other Python that is here (PATH and pyenv); under the first of them
# with the lowest versions that pyproject.toml allows.
PYTHONS ?= 3.10 3.11 3.12 3.13 3.14
LOWEST := pytest==8.2.* pytest-asyncio==0.26.* cffi==1.17.* hypothesis==6.100.* jsonschema==4.22.*
pythons:
	@for version in $(PYTHONS); do \
	  program=$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version.*/bin/python 2>/dev/null | tail -n 1); \
	  [ -n "$$program" ] || program=$$(command -v python$$version); \
	  if [ -z "$$program" ] || ! "$$program" -c "" 2>/dev/null; then echo "Python $$version is not here"; continue; fi; \
	  if [ "$$version" = "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" ]; then \
	    echo "Python $$version is that of make test"; continue; fi; \
	  pins=""; [ $$version != $(firstword $(PYTHONS)) ] || pins="$(LOWEST)"; \
	  echo "Python $$version$${pins:+ with $$pins}"; \
	  $(MAKE) --no-print-directory package-tests PYTHON="$$program" VENV=.venv-$$version PINS="$$pins" || exit 1; \
	done

# Without the saboteurs: what they show is the same under every Python. The lowest pytest-asyncio leaves its event loops
# to the garbage collector.
package-tests: $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]" $(foreach pin,$(PINS),"$(pin)")
	$(BIN)/pytest -n $(JOBS) -q tests/bus tests/plugin tests/testing tests/workers tests/kit tests/report tests/cli tests/adapters examples \
	  --stdiobus-backend=native,subprocess -k 'not saboteurs' $(if $(PINS),-W ignore::ResourceWarning)

lint: $(BIN)/python analyze
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

kernel: $(KERNEL_NEEDS)
	@command -v cc >/dev/null || { echo "a C compiler is missing: install gcc or clang"; exit 1; }
	$(CMAKE) -S . -B build/kernel -DKERNEL_TESTS=ON -DKERNEL_BENCH=ON -DKERNEL_WARNINGS=ON
	$(CMAKE) --build build/kernel --parallel

kernel-test: kernel kernel-sanitize kernel-valgrind
	$(CTEST) --test-dir build/kernel --output-on-failure

kernel-sanitize: $(KERNEL_NEEDS)
	$(CMAKE) -S . -B build/sanitize -DKERNEL_TESTS=ON -DKERNEL_SANITIZE=ON
	$(CMAKE) --build build/sanitize --parallel
	$(CTEST) --test-dir build/sanitize --output-on-failure

# The behaviour of the executable once more: under the sanitizers, and as on a system without pidfds. The
# sanitizers would keep freed memory back, which the tests of memory would take for growth; without pidfds an exit
# is seen up to 20 ms later, so that the test of reaping at once does not apply.
BEHAVIOUR := $(BIN)/pytest -n $(JOBS) tests/kernel -m 'not packaging'
behaviour: $(BIN)/python kernel kernel-sanitize
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	ASAN_OPTIONS=quarantine_size_mb=0:thread_local_quarantine_size_kb=0 \
	  STDIOBUS_TEST_KERNEL=$(CURDIR)/build/sanitize/stdiobus-kernel $(BEHAVIOUR)
	@if [ -x build/kernel/without_pidfd ]; then \
	  printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$(CURDIR)/build/kernel/without_pidfd" \
	    "$(CURDIR)/build/kernel/stdiobus-kernel" > build/kernel/old-system && chmod +x build/kernel/old-system && \
	  STDIOBUS_TEST_KERNEL=$(CURDIR)/build/kernel/old-system $(BEHAVIOUR) \
	    -k '(workers or shutdown or errors) and not is_reaped'; fi

kernel-valgrind: kernel
	@if command -v valgrind >/dev/null; then \
	  for program in $$(find build/kernel -maxdepth 1 -name 'test_*' -type f -perm -u+x | sort); do \
	    echo "valgrind $$program"; \
	    valgrind --quiet --error-exitcode=1 --leak-check=full --trace-children=no "$$program" || exit 1; \
	  done; \
	else echo "valgrind is missing: the kernel's tests were not run under it"; fi

# What each fault of the small kernel and of the client fails, beside what is declared of it.
saboteur-matrix: WHOLE := --whole
saboteurs saboteur-matrix: $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	$(BIN)/python tests/saboteur_matrix.py kernel $(WHOLE)
	$(BIN)/python tests/saboteur_matrix.py sdk $(WHOLE)

# malloc-leak does not see through intrusive lists; LeakSanitizer and valgrind look for leaks.
analyze:
	@if gcc -fanalyzer -E -x c /dev/null >/dev/null 2>&1; then \
	  for source in kernel/src/*.c; do \
	    gcc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fanalyzer \
	      -Wno-analyzer-malloc-leak -Ikernel/include -c "$$source" -o /dev/null || exit 1; \
	  done; \
	else echo "gcc with -fanalyzer is missing: the kernel was not analysed"; fi

fuzz-short:
	@if ! command -v clang >/dev/null; then echo "clang is missing: nothing was fuzzed"; exit 0; fi; \
	CC=clang $(CMAKE) -S . -B build/fuzz -DKERNEL_FUZZ=ON -DCMAKE_BUILD_TYPE=Debug && \
	$(CMAKE) --build build/fuzz --parallel || exit 1; \
	for program in $$(find build/fuzz -maxdepth 1 -name 'fuzz_*' -type f -perm -u+x | sort); do \
	  name=$${program##*/fuzz_}; mkdir -p "build/fuzz/found/$$name"; \
	  seeds=$$(ls -d "kernel/fuzz/corpus/$$name" 2>/dev/null); \
	  echo "$$program for $(FUZZ_SECONDS) s"; \
	  "$$program" -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_funcs=0 -artifact_prefix=build/fuzz/ \
	    "build/fuzz/found/$$name" $$seeds || exit 1; \
	done

fuzz:
	$(MAKE) fuzz-short FUZZ_SECONDS=3600

soak: $(BIN)/python
	STDIOBUS_SOAK_SECONDS=$(SOAK_SECONDS) $(BIN)/pytest -s tests/bus/test_soak.py

# Cases made at random, as many for each transport and seed; under the sanitizers too where that kernel is built.
EXAMPLES ?= 1000
SEEDS ?= 1 2 3
explore: $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	@for seed in $(SEEDS); do \
	  for kernel in "" $(wildcard build/sanitize/stdiobus-kernel); do \
	    echo "seed $$seed $$kernel"; \
	    $(BIN)/stdiobus-conformance kernel -k generated --max-examples $(EXAMPLES) --seed $$seed --strict \
	      $${kernel:+--binary "$$kernel"} || exit 1; \
	  done; \
	done

explore-saboteurs: $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	$(BIN)/python tests/explore_matrix.py $(EXAMPLES) 0

bench: $(BIN)/python
	$(BIN)/python benchmarks/kernel.py
	$(BIN)/python -m pip install --quiet ".[stdiobus]" setuptools
	$(BIN)/python benchmarks/client.py

# Instruction counts do not depend on how busy a machine is.
kernel-instructions: $(BIN)/python
	@if command -v valgrind >/dev/null; then $(BIN)/python benchmarks/kernel.py --instructions; \
	else echo "valgrind is missing: instructions per message were not counted"; fi

$(PUBLISHED): $(BIN)/python
	mkdir -p build/published
	$(BIN)/python -m pip download --quiet --no-deps --no-binary :all: --dest build/published stdiobus==2.2.1
	tar -xzf build/published/stdiobus-2.2.1.tar.gz -C build/published
	chmod +x $@

$(PUBLISHED_LIBRARY): $(PUBLISHED)
	cc -shared -o $@ -Wl,--whole-archive $(SDIST)/kernel/prebuilds/x86_64-unknown-linux-gnu/libstdio_bus.a -Wl,--no-whole-archive

# One suite over both clients, the published kernel under our examples, and the published client over our kernel.
published: $(PUBLISHED) kernel
	$(BIN)/python -m pip install --quiet ".[stdiobus]" setuptools
	STDIOBUS_PUBLISHED=$(SDIST) $(BIN)/pytest tests/published
	$(BIN)/pytest --stdiobus-backend=subprocess --stdiobus-binary=$(CURDIR)/$(PUBLISHED) \
	  examples/test_echo.py examples/test_streaming.py

# The tests try it where it is built; the adapters in Python and Node need no building.
adapters:
	@command -v cargo >/dev/null || { echo "cargo is missing: the adapter of the Rust client was not built"; exit 1; }
	CARGO_TARGET_DIR=$(CURDIR)/build/adapters/rust cargo build --quiet --locked --manifest-path conformance/adapters/rust/Cargo.toml

# Agents and servers of other projects, judged offline once they are installed; nothing of them is kept.
PEERS := build/peers
peers: $(BIN)/python
	@command -v npm >/dev/null || { echo "npm is missing: no peer was judged"; exit 1; }
	$(BIN)/python -m pip install --quiet ".[acp,mcp]"
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet mcp-server-time mcp-server-git mcp-server-fetch pydantic-acp
	npm install --silent --no-audit --no-fund --prefix $(PEERS) @modelcontextprotocol/server-everything \
	  @modelcontextprotocol/server-filesystem @modelcontextprotocol/server-memory @agentclientprotocol/sdk@0.12.0
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python conformance/findings/findings.py --judge acp mcp

# An environment of its own, without our package.
$(PUBLISHED_CLIENT): $(BIN)/python
	$(PYTHON) -m venv build/published/sdk
	$@ -m pip install --quiet setuptools "stdiobus[native]==2.2.1"

# The published kernel beside ours, as a program and as a library, and the published clients; last what these say side by side.
subjects: $(PUBLISHED) $(PUBLISHED_LIBRARY) $(PUBLISHED_CLIENT) adapters kernel

findings: subjects
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python conformance/findings/findings.py --judge kernel library sdk
	$(BIN)/python conformance/parity/parity_page.py

# Compiles and links for every system that the kernel is meant for; runs nothing there.
CROSS := x86_64-macos.10.15 aarch64-macos.11.0 x86_64-linux-musl aarch64-linux-musl arm-linux-musleabihf \
         x86_64-linux-gnu.2.17 aarch64-linux-gnu.2.17
cross: $(BIN)/python
	$(BIN)/python -m pip install --quiet ziglang
	@mkdir -p build/cross; for target in $(CROSS); do \
	  echo "$$target"; \
	  $(BIN)/python -m ziglang cc -target $$target -std=c11 -D_GNU_SOURCE -O2 -g0 -s -Wall -Wextra -Werror \
	    -Ikernel/include kernel/src/*.c -o build/cross/stdiobus-kernel-$$target || exit 1; \
	done

# A kernel that needs no file of the system it runs on. zig brings musl along where there is no static libc.
STATIC := build/static/stdiobus-kernel
STATIC_FLAGS := -static -s -std=c11 -D_GNU_SOURCE -O2 -Ikernel/include -Ikernel/src
ENGINE ?= docker
IMAGE ?= stdiobus-kernel

$(STATIC): $(wildcard kernel/src/*.c kernel/src/*.h kernel/include/*.h) pyproject.toml
	@mkdir -p $(@D)
	@version=-DSTDIO_BUS_VERSION=\"$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)\"; \
	if cc $(STATIC_FLAGS) "$$version" kernel/src/*.c -pthread -o $@ 2>$(@D)/cc.log; then exit 0; fi; \
	echo "cc cannot link statically here ($(@D)/cc.log says why), zig does"; \
	$(MAKE) --no-print-directory $(BIN)/python && $(BIN)/python -m pip install --quiet ziglang && \
	$(BIN)/python -m ziglang cc -target $$(uname -m | sed s/arm64/aarch64/)-linux-musl $(STATIC_FLAGS) "$$version" kernel/src/*.c -o $@

static-kernel: $(STATIC)

image: $(STATIC)
	@command -v $(ENGINE) >/dev/null || { echo "$(ENGINE) is missing: no image was built"; exit 1; }
	$(ENGINE) build --quiet --tag $(IMAGE) --file kernel/docker/Dockerfile build/static

# An image with Python too, for the kit's workers; that of this machine, so that no registry is needed.
judge-docker: $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	tests/with-engine sh -c '$(MAKE) image IMAGE=$(IMAGE) && $(BIN)/python tests/python_image.py $(IMAGE) $(IMAGE)-python && \
	  $(BIN)/stdiobus-conformance sdk --backend docker --image $(IMAGE)-python --strict -- \
	    $(BIN)/python conformance/adapters/python/reference.py'

container:
	@command -v docker >/dev/null || { echo "docker is missing: nothing was run in a container"; exit 1; }
	git archive HEAD | docker run --rm --interactive python:3.13-bookworm \
	  sh -c 'mkdir /src && tar -x -C /src && make -C /src demo'

clean:
	rm -rf build .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis
