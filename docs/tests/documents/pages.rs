//! Links and lines of the pages that people read first.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::project;

const LONGEST_LINE: usize = 120;

/// The pages of the project's top folder and of `docs/`.
fn pages() -> Vec<PathBuf> {
    let folders = [project(), project().join("docs")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = files.filter(|path| path.extension() == Some("md".as_ref())).collect();
    pages.sort();
    assert!(pages.len() > 8, "{pages:?}");
    pages
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let letters = heading.trim().chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then(|| letter.to_ascii_lowercase()),
    });
    letters.collect()
}

fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The targets of all links, `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn links_lead_to_files_and_headings() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).filter(|link| !link.starts_with("https://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                _ => page.parent().unwrap().join(file),
            };
            let is_there =
                target.exists() && (heading.is_empty() || anchors(&target).contains(heading));
            if !is_there {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// The names of all files below a folder, but for what is fetched or built.
fn file_names(folder: &Path, names: &mut BTreeSet<String>) {
    const OTHERS: [&str; 4] = ["target", "node_modules", ".tools", ".git"];
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() && !OTHERS.contains(&name.as_str()) {
            file_names(&entry.path(), names);
        }
        names.insert(name);
    }
}

#[test]
fn tests_that_are_named_are_there() {
    let mut present = BTreeSet::new();
    file_names(&project(), &mut present);
    let mut gone = Vec::new();
    for page in ["docs/testing.md", "SECURITY.md"] {
        let text = fs::read_to_string(project().join(page)).unwrap();
        // What is between backticks: every other part.
        let codes = text.split('`').skip(1).step_by(2).map(Path::new);
        let files = codes.filter(|code| code.extension() == Some("rs".as_ref()));
        let named: Vec<_> = files.filter_map(|file| file.file_name()?.to_str()).collect();
        assert!(named.len() > 8, "{page}: {named:?}");
        let is_gone = |file: &&str| !present.contains(*file);
        gone.extend(named.into_iter().filter(is_gone).map(|file| format!("{page}: {file}")));
    }
    assert!(gone.is_empty(), "{gone:#?}");
}

/// Rows of tables cannot be broken. The README has none that is longer all the same.
#[test]
fn lines_fit() {
    for page in pages() {
        let is_readme = page.ends_with("README.md");
        let text = fs::read_to_string(&page).unwrap();
        let long: Vec<_> = text
            .lines()
            .filter(|line| line.chars().count() > LONGEST_LINE)
            .filter(|line| is_readme || !line.starts_with('|'))
            .collect();
        assert!(long.is_empty(), "{}: {long:#?}", page.display());
    }
}

#[test]
fn anchors_are_made_as_in_links() {
    for (heading, expected) in [
        (" What it costs", "what-it-costs"),
        ("`RETENTION_HOURS`", "retention_hours"),
        ("When the origin is down, for days", "when-the-origin-is-down-for-days"),
    ] {
        assert_eq!(anchor(heading), expected);
    }
    assert_eq!(links("[a](b) and [c](d#e)").collect::<Vec<_>>(), ["b", "d#e"]);
}
