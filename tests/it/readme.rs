//! What the README says of the rules is what the code says. `UPDATE_README=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use tiller_guard::manifest::DUPLICATE_KEY;
use tiller_guard::policy::rules;

const BEGIN: &str = "<!-- rules: generated -->\n";
const END: &str = "<!-- rules: end -->";

#[test]
fn the_table_of_rules_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme
        .split_once(BEGIN)
        .expect("the README has a table of rules");
    let (stated, after) = rest.split_once(END).expect("the table of rules has an end");
    if env::var_os("UPDATE_README").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert_eq!(
            stated,
            table(),
            "run UPDATE_README=1 cargo test --test it readme"
        );
    }
}

fn table() -> String {
    let mut table =
        String::from("| rule | severity | what it finds | what happens |\n|---|---|---|---|\n");
    for rule in rules().chain([&DUPLICATE_KEY]) {
        writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            rule.id,
            rule.severity.as_str(),
            rule.summary,
            rule.answer
        )
        .unwrap();
    }
    table
}
