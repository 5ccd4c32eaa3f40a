## The C library (capi/)

# Where it is installed.
PREFIX = /usr/local
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
DESTDIR =

C_VERSION := $(call locked,nextapi-webhook-c)
# The number in the shared library's name: raised with every change that a program would have to be
# compiled again for.
C_ABI := 0
C_LIBRARY := target/capi/libnextapi_webhook_c
C_OUT := target/capi/c
C_HEADER := capi/include/nextapi_webhook.h
# Bytes that verifying may add to a program on x86-64.
C_SIZE_BUDGET := 26624
CBINDGEN := .tools/installed/cbindgen-$(CBINDGEN_VERSION)

# Without Rust's standard library, for which the panic handler stands in: see capi/README.md.
C_BUILD = cargo rustc --quiet --profile capi --package nextapi-webhook-c --features panic-handler

.PHONY: c-library
c-library: ## the static and the shared C library
	$(call say,The C library)
	$(C_BUILD) --crate-type staticlib,cdylib -- \
		-C link-arg=-Wl,-soname,libnextapi_webhook.so.$(C_ABI),-z,defs -C link-arg=-lc

.PHONY: install
install: c-library ## install it; PREFIX, LIBDIR, INCLUDEDIR, DESTDIR
	PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DESTDIR='$(DESTDIR)' \
		capi/packaging/install.sh $(C_LIBRARY) $(C_VERSION) $(C_ABI)

# Made from the sources, and committed for those who have no Rust.
generate_header = .tools/bin/cbindgen --quiet --config capi/cbindgen.toml --crate nextapi-webhook-c --output $(1) capi

.PHONY: c-header
c-header: $(CBINDGEN) ## write capi/include/nextapi_webhook.h anew
	$(call generate_header,$(C_HEADER))

.PHONY: c-header-check
c-header-check: $(CBINDGEN) ## the committed header is the one that the sources give
	$(call say,The C header)
	mkdir -p $(C_OUT)
	$(call generate_header,$(C_OUT)/nextapi_webhook.h)
	diff $(C_HEADER) $(C_OUT)/nextapi_webhook.h || { echo 'the header is out of date: make c-header' >&2; exit 1; }

.PHONY: c-test
c-test: c-header-check c-library ## every function and result from C and C++; symbols
	$(call say,The C library from C99 and from C++$(comma) under sanitizers)
	capi/tests/programs.sh $(C_LIBRARY) $(C_OUT) sanitizers
	capi/tests/symbols.sh $(C_LIBRARY)
	capi/tests/size.sh $(C_LIBRARY) $(C_OUT) $(C_SIZE_BUDGET)

.PHONY: c-assurance
c-assurance: c-library hook .tools/installed/valgrind .tools/installed/c-packages ## memcheck, a planted panic, installing, the example
	$(call say,The C library under memcheck)
	ABI=$(C_ABI) capi/tests/programs.sh $(C_LIBRARY) $(C_OUT) valgrind
	$(call say,A panic that was planted in the C library is found)
	CARGO_PROFILE_CAPI_OVERFLOW_CHECKS=true CARGO_TARGET_DIR=target/planted $(C_BUILD) --crate-type staticlib
	capi/tests/symbols.sh target/planted/capi/libnextapi_webhook_c planted
	$(call say,The C library$(comma) installed)
	capi/tests/install.sh $(C_OUT) $(C_VERSION) $(C_ABI)
	$(call say,The example receiver$(comma) on real sockets)
	capi/tests/receiver.sh $(C_OUT) target/debug/nextapi-hook

$(CBINDGEN):
	$(call say,Installing cbindgen $(CBINDGEN_VERSION) into .tools (1 minute$(comma) once))
	$(install) --locked cbindgen --version $(CBINDGEN_VERSION)
	mkdir -p $(@D) && touch $@

.tools/installed/c-packages: apt.mk
	$(call say,Looking for CMake$(comma) pkg-config and libmicrohttpd)
	$(call debian,cmake pkg-config libmicrohttpd-dev,command -v cmake && command -v pkg-config && pkg-config --exists libmicrohttpd)
	mkdir -p $(@D) && touch $@
