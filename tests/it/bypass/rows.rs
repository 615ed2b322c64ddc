//! `docs/bypasses.md` lists every way around, and each with the tests that try it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How the third column begins of what no test can try.
const OUT_OF_REACH: &str = "Out of reach: ";

/// A row of the page.
struct Row {
    number: u32,
    outcome: String,
    tests: BTreeSet<String>,
}

#[test]
fn the_page_lists_each_row_with_the_tests_that_try_it() {
    let page = page();
    let numbers: Vec<u32> = page.iter().map(|row| row.number).collect();
    let expected: Vec<u32> = (1..).take(page.len()).collect();
    assert_eq!(numbers, expected, "the rows are numbered without gaps");
    let mut tried = tried();
    for row in &page {
        let known = tried.remove(&row.number).unwrap_or_default();
        assert_eq!(row.tests, known, "the tests of row {}", row.number);
        let out_of_reach = row.outcome.starts_with(OUT_OF_REACH);
        assert_eq!(row.tests.is_empty(), out_of_reach, "row {}", row.number);
    }
    assert!(tried.is_empty(), "not on the page: {tried:?}");
}

fn page() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/bypasses.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.split(" | ").collect();
        let number = cells.first()?.parse().ok()?;
        let [_, _, outcome, tests] = *cells else {
            panic!("a row has four cells: {line}");
        };
        let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned);
        Some(Row {
            number,
            outcome: outcome.to_owned(),
            tests: tests.collect(),
        })
    });
    rows.collect()
}

/// The tests that are named by a row, as `module::test`.
fn tried() -> BTreeMap<u32, BTreeSet<String>> {
    let mut tried: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(root().join("tests/it/bypass")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap();
        let code = fs::read_to_string(&path).unwrap();
        for line in code.lines() {
            let Some(rest) = line.strip_prefix("async fn row_") else {
                continue;
            };
            let (name, _) = rest.split_once('(').unwrap();
            let (number, _) = name.split_once('_').unwrap();
            let test = format!("{module}::row_{name}");
            let _new = tried
                .entry(number.parse().unwrap())
                .or_default()
                .insert(test);
        }
    }
    tried
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
