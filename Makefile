# Everything below runs without root. What needs a program that is missing says so.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := dev,acp,mcp
FUZZ_SECONDS ?= 20
PUBLISHED := build/published/stdiobus-2.2.1/kernel/dist/linux-amd64/stdio_bus

ifeq ($(shell command -v cmake),)
CMAKE := $(BIN)/cmake
CTEST := $(BIN)/ctest
KERNEL_NEEDS := $(BIN)/python
else
CMAKE := cmake
CTEST := ctest
KERNEL_NEEDS :=
endif

.PHONY: help demo test unit lint kernel kernel-test kernel-sanitize kernel-valgrind analyze \
        fuzz-short fuzz bench published container clean

help:
	@echo "make demo          install everything into .venv and run the examples"
	@echo "make test          run all tests (unit: those of Python; kernel-test: those of the kernel)"
	@echo "make lint          ruff, mypy and gcc -fanalyzer"
	@echo "make kernel        build the kernel into build/kernel"
	@echo "make fuzz-short    fuzz each target for FUZZ_SECONDS=$(FUZZ_SECONDS); make fuzz: for an hour"
	@echo "make bench         build and run the benchmarks of the kernel"
	@echo "make published     run the examples of the bus over the published kernel"
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

test: unit kernel-test fuzz-short

unit: kernel $(BIN)/python
	$(BIN)/python -m pip install --quiet ".[$(EXTRAS)]"
	$(BIN)/pytest -n auto tests examples --stdiobus-backend=native,subprocess

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

kernel-valgrind: kernel
	@if command -v valgrind >/dev/null; then \
	  for program in $$(find build/kernel -maxdepth 1 -name 'test_*' -type f -perm -u+x | sort); do \
	    echo "valgrind $$program"; \
	    valgrind --quiet --error-exitcode=1 --leak-check=full --trace-children=no "$$program" || exit 1; \
	  done; \
	else echo "valgrind is missing: the kernel's tests were not run under it"; fi

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
	  "$$program" -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -artifact_prefix=build/fuzz/ \
	    "build/fuzz/found/$$name" $$seeds || exit 1; \
	done

fuzz:
	$(MAKE) fuzz-short FUZZ_SECONDS=3600

bench: kernel
	build/kernel/bench_scanner

$(PUBLISHED): $(BIN)/python
	mkdir -p build/published
	$(BIN)/python -m pip download --quiet --no-deps --no-binary :all: --dest build/published stdiobus==2.2.1
	tar -xzf build/published/stdiobus-2.2.1.tar.gz -C build/published
	chmod +x $@

published: $(PUBLISHED)
	$(BIN)/python -m pip install --quiet .
	$(BIN)/pytest --stdiobus-backend=subprocess --stdiobus-binary=$(CURDIR)/$(PUBLISHED) \
	  examples/test_echo.py examples/test_streaming.py

container:
	@command -v docker >/dev/null || { echo "docker is missing: nothing was run in a container"; exit 1; }
	git archive HEAD | docker run --rm --interactive python:3.13-bookworm \
	  sh -c 'mkdir /src && tar -x -C /src && make -C /src demo'

clean:
	rm -rf build $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
