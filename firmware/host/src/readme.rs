//! The figures in `README.md`, which must not lag behind those that are measured.

use std::path::Path;

use crate::Failure;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// Fails if a row of a measured table is not in the README, or with a figure that is off by more than 2 %. Rows are
/// `| name | figure | figure |…`; a figure may be missing.
pub(crate) fn check(measured: &str) -> Result<(), Failure> {
    compare(&std::fs::read_to_string(Path::new(FILE))?, measured)
}

fn compare(readme: &str, measured: &str) -> Result<(), Failure> {
    let said: Vec<Row<'_>> = readme.lines().filter_map(Row::read).collect();
    for line in measured.lines() {
        let row = Row::read(line).ok_or_else(|| format!("`{line}` is no row of figures"))?;
        match said.iter().find(|said| said.name == row.name) {
            Some(said) if said.is_near(&row) => {}
            Some(_) => return Err(format!("firmware/README.md is out of date: {line}").into()),
            None => return Err(format!("firmware/README.md lacks: {line}").into()),
        }
    }
    Ok(())
}

/// A row of a table, if it is one of figures.
struct Row<'a> {
    name: &'a str,
    figures: Vec<Option<u64>>,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let cells = line.strip_prefix("| ")?.strip_suffix('|')?;
        let (name, figures) = cells.split_once(" | ")?;
        let figure = |cell: &str| match &*cell.trim().replace(',', "") {
            "" => Some(None),
            digits => digits.parse().ok().map(Some),
        };
        Some(Self { name, figures: figures.split('|').map(figure).collect::<Option<_>>()? })
    }

    fn is_near(&self, other: &Self) -> bool {
        let near = |(said, is): (&Option<u64>, &Option<u64>)| match (said, is) {
            (Some(said), Some(is)) => said.abs_diff(*is).saturating_mul(50) <= *is,
            (None, None) => true,
            _ => false,
        };
        self.figures.len() == other.figures.len()
            && self.figures.iter().zip(&other.figures).all(near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "\
        | what | compact | at most | unrolled |\n| --- | --- | --- | --- |\n\
        | flash | 3,376 | 3,584 | 10,084 |\n| stack | 800 | 1,024 | |\n";

    #[test]
    fn figures_may_be_off_by_a_fiftieth() {
        for (measured, is_fine) in [
            ("| flash | 3,376 | 3,584 | 10,084 |", true),
            ("| stack | 800 | 1,024 | |", true),
            ("| flash | 3,376 | 3,584 | 10,084 |\n| stack | 800 | 1,024 | |", true),
            ("| flash | 3,400 | 3,584 | 10,084 |", true),
            ("| flash | 3,446 | 3,584 | 10,084 |", false),
            ("| flash | 3,309 | 3,584 | 10,084 |", false),
            ("| flash | 3,376 | 3,584 | 13,000 |", false),
            ("| flash | 3,376 | 3,584 | |", false),
            ("| flash | 3,376 | 3,584 |", false),
            ("| stack | 800 | 1,024 | 0 |", false),
            ("| heap | 1 | 2 | 3 |", false),
            ("| flash | few | 3,584 | 10,084 |", false),
            ("", true),
        ] {
            assert_eq!(compare(README, measured).is_ok(), is_fine, "{measured}");
        }
    }
}
