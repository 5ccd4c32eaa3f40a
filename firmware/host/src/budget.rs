//! The figures, and what they may be at most.

use core::fmt::Write as _;

use crate::Failure;
use crate::cost::{Costs, measure};
use crate::image::Image;
use crate::program::{Build, CORTEX_M0, CORTEX_M4, Hash, in_c};
use crate::readme;

/// What one way of hashing comes to.
struct Column {
    figures: [u64; ROWS.len()],
}

/// The names of figures that have a target of the design as well.
pub(crate) const FLASH_AT_ONCE: &str = "flash, verifying at once, Cortex-M4";
pub(crate) const FLASH_IN_PIECES: &str = "flash, verifying in pieces, Cortex-M4";
pub(crate) const STACK_AT_ONCE: &str = "stack, verifying at once, two keys";
pub(crate) const STACK_IN_PIECES: &str = "stack, verifying in pieces, two keys";

/// A figure's name, and the most that it may be with the compact hash.
const ROWS: [(&str, u64); 13] = [
    (FLASH_AT_ONCE, 3_584),
    (FLASH_IN_PIECES, 4_096),
    ("the same with the compiler's memory functions", 5_760),
    ("flash, event key and replay window, Cortex-M4", 6_656),
    ("flash, the whole example, Cortex-M4", 12_800),
    ("flash, verifying at once, Cortex-M0", 4_352),
    ("flash, verifying in pieces, Cortex-M0", 5_120),
    ("flash, the whole example, Cortex-M0", 12_928),
    (STACK_AT_ONCE, 1_024),
    (STACK_IN_PIECES, 1_280),
    ("instructions, 512 bytes at once, one key", 56_000),
    ("instructions, 512 bytes at once, two keys", 105_000),
    ("instructions, 512 bytes in pieces, two keys", 118_000),
];

/// Bytes of flash that the library adds to firmware in C, at most.
const IN_C: u64 = 14_848;

/// A figure with the compact hash, by its name.
pub(crate) struct Figures(Column);

impl Figures {
    pub(crate) fn get(&self, wanted: &str) -> Result<u64, Failure> {
        let mut figures = ROWS.iter().zip(&self.0.figures);
        let found = figures.find(|((name, _), _)| *name == wanted);
        Ok(*found.ok_or_else(|| format!("there is no figure {wanted}"))?.1)
    }
}

pub(crate) fn show() -> Result<(), Failure> {
    println!(
        "Claim: flash, stack and instructions stay within their bounds; no allocator, no panic."
    );
    let (_, table) = print()?;
    readme::check(&table)
}

/// Measures, prints the table and holds it against the bounds. Gives the table's rows as well.
pub(crate) fn print() -> Result<(Figures, String), Failure> {
    let compact = Column::measure(Hash::Compact)?;
    let unrolled = Column::measure(Hash::Unrolled)?;
    let in_c = flash_in_c()?;
    let mut table = String::new();
    let figures = compact.figures.iter().zip(&unrolled.figures);
    for ((name, bound), (compact, unrolled)) in ROWS.iter().zip(figures) {
        let [compact, bound, unrolled] = [*compact, *bound, *unrolled].map(Grouped);
        writeln!(table, "| {name} | {compact} | {bound} | {unrolled} |")?;
    }
    let [figure, bound] = [in_c, IN_C].map(Grouped);
    writeln!(
        table,
        "| flash, the library in the example in C, Cortex-M4 | {figure} | {bound} | |"
    )?;
    println!("| what | compact SHA-256 | at most | unrolled SHA-256 |\n| --- | --- | --- | --- |");
    print!("{table}");

    within_bounds(&compact.figures, in_c)?;
    // The bounds notice what is larger: the unrolled hash is, by 7 KB.
    match within_bounds(&unrolled.figures, in_c) {
        Ok(()) => Err("the unrolled hash stayed within the bounds of the compact one".into()),
        Err(_) => Ok((Figures(compact), table)),
    }
}

impl Column {
    fn measure(hash: Hash) -> Result<Self, Failure> {
        let m4 = Build { target: CORTEX_M4, hash, small_memory_functions: true };
        let m0 = Build { target: CORTEX_M0, ..m4 };
        let fast_memory = Build { small_memory_functions: false, ..m4 };
        let Costs { at_once: one_key, .. } = measure(hash, 1)?;
        let Costs { at_once, in_pieces } = measure(hash, 2)?;
        let fast_in_pieces = flash(fast_memory, "verify_in_pieces")?;
        Ok(Self {
            figures: [
                difference(m4, "verify_at_once", "base")?,
                difference(m4, "verify_in_pieces", "base")?,
                // What the compiler's memory functions take is counted as the verifier's.
                fast_in_pieces.saturating_sub(flash(m4, "base")?),
                difference(m4, "filter", "verify_in_pieces")?,
                flash(m4, "filter")?,
                difference(m0, "verify_at_once", "base")?,
                difference(m0, "verify_in_pieces", "base")?,
                flash(m0, "filter")?,
                at_once.stack,
                in_pieces.stack,
                one_key.instructions,
                at_once.instructions,
                in_pieces.instructions,
            ],
        })
    }
}

/// The flash that one program takes more than another.
fn difference(build: Build, larger: &str, smaller: &str) -> Result<u64, Failure> {
    Ok(flash(build, larger)?.saturating_sub(flash(build, smaller)?))
}

fn flash(build: Build, name: &str) -> Result<u64, Failure> {
    checked(&Image::read(&build.program(name)?)?, name)
}

fn flash_in_c() -> Result<u64, Failure> {
    let with = checked(&Image::read(&in_c("filter")?)?, "filter in C")?;
    let without = checked(&Image::read(&in_c("base")?)?, "base in C")?;
    Ok(with.saturating_sub(without))
}

/// The flash of a program in which there is nothing that must not be.
fn checked(image: &Image, name: &str) -> Result<u64, Failure> {
    match image.unwanted()[..] {
        [] => Ok(image.flash),
        ref found => {
            Err(format!("{name} has an allocator or can panic: {}", found.join(", ")).into())
        }
    }
}

fn within_bounds(figures: &[u64; ROWS.len()], in_c: u64) -> Result<(), Failure> {
    let in_c = ("flash, the library in C", in_c, IN_C);
    let figures = ROWS.iter().zip(figures).map(|((name, bound), figure)| (*name, *figure, *bound));
    for (name, figure, bound) in figures.chain([in_c]) {
        if figure > bound {
            return Err(format!("{name}: {figure}, more than {bound}").into());
        }
    }
    Ok(())
}

/// A number with commas between thousands.
pub(crate) struct Grouped(pub(crate) u64);

impl core::fmt::Display for Grouped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.0 / 1_000, self.0 % 1_000) {
            (0, rest) => write!(f, "{rest}"),
            (thousands, rest) => write!(f, "{},{rest:03}", Self(thousands)),
        }
    }
}
