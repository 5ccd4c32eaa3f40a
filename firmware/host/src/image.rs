//! What a program takes of the flash, and what is in it.

use std::path::Path;

use object::elf::SHF_ALLOC;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags, SectionKind};

use crate::Failure;

/// A program as it was linked.
pub(crate) struct Image {
    /// Bytes of flash: code, constants, the vector table, and what is copied to RAM at the start.
    pub(crate) flash: u64,
    symbols: Vec<String>,
}

impl Image {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = object::File::parse(&*bytes)?;
        let stored = |section: &object::Section<'_, '_>| {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { return false };
            sh_flags.0 & SHF_ALLOC.0 != 0 && section.kind() != SectionKind::UninitializedData
        };
        let flash = file.sections().filter(stored).map(|section| section.size()).sum();
        let symbols = file.symbols().filter_map(|symbol| Some(symbol.name().ok()?.to_owned()));
        Ok(Self { flash, symbols: symbols.collect() })
    }

    /// The symbols that something which must not be linked would have.
    pub(crate) fn unwanted(&self) -> Vec<&str> {
        self.symbols.iter().map(String::as_str).filter(|symbol| is_unwanted(symbol)).collect()
    }
}

/// Whether a symbol belongs to an allocator, or to what a panic calls. (The handler of panics is in
/// every program's source; linked it is only if a panic can be reached.)
fn is_unwanted(symbol: &str) -> bool {
    const ALLOCATORS: [&str; 8] = [
        "__rust_alloc",
        "__rust_dealloc",
        "__rust_realloc",
        "__rustc_alloc",
        "__rdl_alloc",
        "__rg_alloc",
        "_sbrk",
        "5alloc",
    ];
    const PANICS: [&str; 3] = ["rust_begin_unwind", "panic_fmt", "4core9panicking"];
    ["malloc", "calloc", "realloc", "free"].contains(&symbol)
        || ALLOCATORS.iter().chain(&PANICS).any(|part| symbol.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocators_and_panics_are_seen() {
        for symbol in [
            "malloc",
            "free",
            "__rust_alloc",
            "_RNvCs5_7___rustc12___rust_alloc",
            "_ZN5alloc7raw_vec12handle_error17h0E",
            "_ZN4core9panicking9panic_fmt17h0E",
            "_RNvCs5_7___rustc17rust_begin_unwind",
        ] {
            assert!(is_unwanted(symbol), "{symbol}");
        }
        for symbol in ["memcpy", "main", "_ZN15nextapi_webhook7verdict7Verdict7release17h0E"] {
            assert!(!is_unwanted(symbol), "{symbol}");
        }
    }
}
