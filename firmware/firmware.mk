## The firmware (firmware/), under QEMU

EMBEDDED_TARGETS := thumbv7em-none-eabihf thumbv6m-none-eabi

.PHONY: embedded
embedded: .tools/installed/embedded ## the host's vectors on a Cortex-M4, flash, stack
	$(call say,Formatting and lints of the firmware)
	cd firmware && cargo fmt --all --check
	cd firmware && cargo clippy --locked --package nextapi-firmware --target thumbv7em-none-eabihf -- --deny warnings
	cd firmware && cargo clippy --locked --package nextapi-firmware-host --all-targets -- --deny warnings
	$(call say,The firmware on a Cortex-M4)
	cd firmware && cargo test --quiet --locked --package nextapi-firmware-host
	cd firmware && cargo run --quiet --locked --package nextapi-firmware-host

EXAMPLES = cargo $(1) --quiet --locked --manifest-path firmware/examples/Cargo.toml \
	--target-dir target/embedded-examples
EXAMPLE_TARGETS := thumbv7em-none-eabihf riscv32imc-unknown-none-elf riscv32imac-unknown-none-elf
EXAMPLE_STM32 := --package nextapi-embassy-stm32 --target thumbv7em-none-eabihf
EXAMPLE_ESP32C3 := --package nextapi-esp-hal --features esp32c3 --target riscv32imc-unknown-none-elf
EXAMPLE_ESP32C6 := --package nextapi-esp-hal --features esp32c6 --target riscv32imac-unknown-none-elf

.PHONY: embedded-examples
embedded-examples: ## peripherals of STM32 and ESP32 as engines (minutes)
	$(call say,Examples for embassy-stm32 and esp-hal)
	rustup target add $(EXAMPLE_TARGETS)
	cargo fmt --all --manifest-path firmware/examples/Cargo.toml --check
	$(call EXAMPLES,test) --package nextapi-self-test
	$(call EXAMPLES,clippy) --package nextapi-self-test --all-targets -- --deny warnings
	$(call EXAMPLES,clippy) $(EXAMPLE_STM32) -- --deny warnings
	$(call EXAMPLES,clippy) $(EXAMPLE_ESP32C6) -- --deny warnings
	# Linked as well: what is missing is often found only then.
	$(call EXAMPLES,build) --release $(EXAMPLE_STM32)
	$(call EXAMPLES,build) --release $(EXAMPLE_ESP32C3)
	$(call EXAMPLES,build) --release $(EXAMPLE_ESP32C6)

.tools/installed/embedded: firmware/firmware.mk rust-toolchain.toml
	$(call say,Looking for QEMU$(comma) a C compiler for Arm and the compiler targets)
	$(call debian,qemu-system-arm gcc-arm-none-eabi,command -v qemu-system-arm && command -v arm-none-eabi-gcc)
	rustup target add $(EMBEDDED_TARGETS)
	mkdir -p $(@D) && touch $@
