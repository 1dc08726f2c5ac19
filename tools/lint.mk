# Every static check. `make lint` runs them all; each can be run alone.
LINT_C := $(SRCS) $(wildcard tests/unit/*.c tests/support/*.c tests/fuzz/*.c tests/bench/*.c \
  tests/conformance/*.c tests/model/*.c tests/sim/*.c)
LINT_H := $(HDRS) $(wildcard tests/support/*.h tests/conformance/*.h tests/model/*.h tests/sim/*.h)
SHELL_SCRIPTS := $(shell grep -lE '^\#!.*\b(ba)?sh\b' $$(git ls-files -co --exclude-standard tools tests .ci nginx 2>/dev/null) /dev/null 2>/dev/null)

.PHONY: lint lint-format lint-headers lint-layers lint-banned lint-shape lint-gcc lint-clang \
  lint-analyzer lint-tidy lint-cppcheck lint-shell lint-www lint-docs

lint: lint-format lint-headers lint-layers lint-banned lint-shape lint-shell lint-docs lint-www \
  lint-gcc lint-clang lint-cppcheck lint-analyzer lint-tidy ## Run every static check
	@echo "lint: all checks passed"

lint-format:
	$(call say,LINT,clang-format)
	$(Q)clang-format --dry-run -Werror $(LINT_C) $(LINT_H)

# Each header compiles on its own.
lint-headers: $(GENERATED)
	$(call say,LINT,headers alone)
	$(Q)set -e; for h in $(LINT_H); do \
	  echo "#include \"$${h#include/}\"" | $(CC) $(CPPFLAGS) -I. -Isrc -std=c17 -fsyntax-only -x c - \
	    || { echo "$$h does not compile alone"; exit 1; }; done

lint-layers:
	$(call say,LINT,layers)
	$(Q)tools/check-layers

lint-banned:
	$(call say,LINT,banned functions)
	$(Q)tools/check-banned $(SRCS) $(HDRS)

lint-shape:
	$(call say,LINT,size and shape)
	$(Q)python3 tools/cstat src include

lint-shell:
	$(call say,LINT,shellcheck)
	$(Q)shellcheck -x $(SHELL_SCRIPTS)

# Keys in the programs against docs/configuration.md; routes against docs/openapi.yaml.
lint-docs:
	$(call say,LINT,docs against code)
	$(Q)tools/check-docs

lint-www: www/node_modules/.stamp
	$(call say,LINT,tsc)
	$(Q)cd www && npm run --silent check

lint-gcc:
	$(call say,LINT,gcc -Werror)
	$(Q)$(MAKE) --no-print-directory CC=gcc O=build/lint-gcc CFLAGS=-Werror programs \
	  $(patsubst %.c,build/lint-gcc/%.o,$(wildcard tests/unit/*.c tests/support/*.c tests/fuzz/*.c tests/bench/*.c \
  tests/conformance/*.c)) >/dev/null

lint-clang:
	$(call say,LINT,clang -Werror)
	$(Q)$(MAKE) --no-print-directory CC=clang O=build/lint-clang CFLAGS=-Werror programs >/dev/null

lint-analyzer:
	$(call say,LINT,gcc -fanalyzer)
	$(Q)$(MAKE) --no-print-directory CC=gcc O=build/lint-analyzer CFLAGS='-O1 -fanalyzer -Werror' \
	  $(patsubst %.c,build/lint-analyzer/%.o,$(SRCS)) >/dev/null

# One file a process: with several, version 14 invents va_list errors. A file is checked
# again only when it, a header or the settings changed.
TIDY_STAMPS := $(patsubst %.c,build/lint-tidy/%.ok,$(SRCS))
lint-tidy: $(TIDY_STAMPS)
build/lint-tidy/%.ok: %.c .clang-tidy $(HDRS) | $(GENERATED)
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- -std=c17 $(CPPFLAGS) 2>/dev/null
	@touch $@

lint-cppcheck:
	$(call say,LINT,cppcheck)
	$(Q)mkdir -p build/lint-cppcheck
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -Iinclude -j2 \
	  --cppcheck-build-dir=build/lint-cppcheck --enable=warning,performance,portability \
	  --suppress=missingIncludeSystem $(SRCS)
