## The C library (capi/)

# Where it is installed.
PREFIX = /usr/local
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
# For the texts of the licences.
DOCDIR = $(PREFIX)/share/doc/nextapi_webhook
DESTDIR =
# What it is built and installed for, as rustc calls it; if empty, CARGO_BUILD_TARGET, else this machine.
TARGET =

# The number in the shared library's name: raised with every change that a program would have to be
# compiled again for.
C_ABI := 1
# Where `make c-library` leaves what `make install` takes.
C_STAGE := target/c-library
C_LIBRARY := $(C_STAGE)/libnextapi_webhook
C_OUT := target/c-tests
C_HEADER := capi/include/nextapi_webhook.h
# Bytes that verifying may add to a program on x86-64.
C_SIZE_BUDGET := 26624
CBINDGEN := .tools/installed/cbindgen-$(CBINDGEN_VERSION)

# Without Rust's standard library, for which the panic handler stands in: see capi/README.md.
C_BUILD = cargo rustc --quiet --profile capi --package nextapi-webhook-c --features panic-handler

.PHONY: c-library
c-library: ## the static and the shared C library; TARGET
	$(call say,The C library$(if $(TARGET), for $(TARGET)))
	capi/packaging/build.sh $(C_STAGE) $(C_ABI) $(TARGET)

# Needs no Rust, so that it can be run by root; what is not built is not installed.
.PHONY: install
install: ## install what c-library built; PREFIX, DESTDIR, TARGET
	@PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DOCDIR='$(DOCDIR)' DESTDIR='$(DESTDIR)' \
		capi/packaging/install.sh $(C_STAGE) $(TARGET)

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
c-test: c-header-check c-library ## functions and results from C and C++, symbols, stack
	$(call say,The C library from C99 and from C++$(comma) under sanitizers)
	capi/tests/programs.sh $(C_LIBRARY) $(C_OUT) sanitizers
	capi/tests/symbols.sh $(C_STAGE)
	capi/tests/stack.sh $(C_OUT)
	capi/tests/size.sh $(C_LIBRARY) $(C_OUT) $(C_SIZE_BUDGET)

# What tests/targets.sh looks at.
C_TARGETS := x86_64-unknown-linux-gnu x86_64-unknown-linux-musl i686-unknown-linux-gnu aarch64-unknown-linux-gnu \
	aarch64-apple-darwin wasm32-unknown-unknown thumbv7em-none-eabihf thumbv6m-none-eabi riscv32imc-unknown-none-elf

# Levels of optimisation; `assurance` checks one, the weekly run all three.
C_LEVELS := 3 s z

.PHONY: c-targets
c-targets: .tools/installed/c-targets ## panics, symbols and sizes for nine machines; C_LEVELS=
	$(call say,The C library for other machines)
	LEVELS='$(C_LEVELS)' capi/tests/targets.sh capi/README.md '$(C_TARGETS)'

.PHONY: c-sizes
c-sizes: .tools/installed/c-targets ## write the sizes in capi/README.md anew
	capi/tests/targets.sh capi/README.md '$(C_TARGETS)' write

.PHONY: c-assurance
c-assurance: C_LEVELS := s
c-assurance: c-targets c-library hook .tools/installed/valgrind .tools/installed/targets .tools/installed/c-packages ## c-targets, memcheck, installing, the example
	$(call say,The C library under memcheck)
	ABI=$(C_ABI) capi/tests/programs.sh $(C_LIBRARY) $(C_OUT) valgrind
	RUSTFLAGS='--cfg sha2_backend="soft"' capi/tests/stack.sh $(C_OUT)
	$(call say,A panic that was planted in the C library is found)
	CARGO_PROFILE_CAPI_OVERFLOW_CHECKS=true capi/packaging/build.sh $(C_OUT)/planted $(C_ABI)
	capi/tests/symbols.sh $(C_OUT)/planted planted
	$(call say,The C library$(comma) installed)
	capi/tests/install.sh $(C_STAGE) $(C_OUT)
	$(call say,The examples$(comma) on real sockets and with mbedTLS)
	capi/tests/examples.sh $(C_OUT) target/debug/nextapi-hook

# The oldest compiler for what is linked elsewhere: verifier and C library.
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"$$/\1/p' capi/Cargo.toml)

.PHONY: msrv
msrv: .tools/installed/rust-$(MSRV) ## verifier and C library with the oldest compiler
	$(call say,Verifier and C library with Rust $(MSRV))
	grep -q '^rust-version = "$(MSRV)"$$' verifier/Cargo.toml
	CARGO_TARGET_DIR=target/msrv cargo +$(MSRV) test --quiet --package nextapi-webhook --lib --tests \
		--features embedded-io-async,serde,std,zeroize
	RUSTUP_TOOLCHAIN=$(MSRV) CARGO_TARGET_DIR=target/msrv capi/packaging/build.sh $(C_OUT)/msrv $(C_ABI)
	capi/tests/programs.sh $(C_OUT)/msrv/libnextapi_webhook $(C_OUT) sanitizers

.tools/installed/rust-%:
	$(call say,Installing Rust $*)
	rustup toolchain install $* --profile minimal --no-self-update
	mkdir -p $(@D) && touch $@

$(CBINDGEN):
	$(call say,Installing cbindgen $(CBINDGEN_VERSION) into .tools (1 minute$(comma) once))
	$(install) --locked cbindgen --version $(CBINDGEN_VERSION)
	mkdir -p $(@D) && touch $@

.tools/installed/c-packages: capi/capi.mk apt.mk
	$(call say,Looking for CMake$(comma) pkg-config$(comma) libmicrohttpd and mbedTLS)
	$(call debian,cmake pkg-config libmicrohttpd-dev libmbedtls-dev,command -v cmake && command -v pkg-config && pkg-config --exists libmicrohttpd && test -e /usr/include/mbedtls/md.h)
	mkdir -p $(@D) && touch $@

.tools/installed/c-targets: capi/capi.mk rust-toolchain.toml
	$(call say,Adding compiler targets$(comma) and the tools that read their objects)
	rustup target add $(C_TARGETS)
	rustup component add llvm-tools
	mkdir -p $(@D) && touch $@
