//! Memory functions that are small, see `memory.s`. Firmware in C links the same.

core::arch::global_asm!(include_str!("../memory.s"), options(raw));
