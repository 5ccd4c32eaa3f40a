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

.tools/installed/embedded: firmware/firmware.mk rust-toolchain.toml
	$(call say,Looking for QEMU$(comma) a C compiler for Arm and the compiler targets)
	$(call debian,qemu-system-arm gcc-arm-none-eabi,command -v qemu-system-arm && command -v arm-none-eabi-gcc)
	rustup target add $(EMBEDDED_TARGETS)
	mkdir -p $(@D) && touch $@
