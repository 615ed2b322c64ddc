//! `-o html`, in a real browser.

mod browser;
mod dumps;

use std::env;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::api_server::recorded_deployment;
use crate::offline::{Folder, run};
use browser::Browser;

/// The page of a cluster with this many Tillers: its folder, its path and its size.
fn page(tillers: usize) -> (Folder, String, usize) {
    page_of(&dumps::cluster(tillers))
}

fn page_of(dump: &Value) -> (Folder, String, usize) {
    let folder = Folder::new();
    let dump = folder.file("dump.json", dump.to_string());
    let page = format!("{}/page.html", folder.path());
    let run = run(&["audit", "-f", &dump, "-o", &format!("html={page}")], b"");
    assert_eq!(run.code, Some(1), "{}{}", run.stderr, run.stdout);
    let size = usize::try_from(fs::metadata(&page).unwrap().len()).unwrap();
    (folder, page, size)
}

/// How often an element is there and can be seen.
fn visible(browser: &mut Browser, selector: &str) -> u64 {
    let counted = format!(
        "[...document.querySelectorAll({})].filter(it => it.getClientRects().length).length",
        json!(selector)
    );
    browser.evaluate(&counted).as_u64().unwrap()
}

#[track_caller]
fn assert_quiet(browser: &Browser) {
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

#[test]
fn one_tiller_is_drawn_with_who_reaches_it() {
    let (_folder, page, _) = page(1);
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.look(1260, 900, "light", "screen");
    browser.open(&page);
    assert_quiet(&browser);
    assert_eq!(visible(&mut browser, "#graph a[data-n=t0]"), 1);
    assert!(visible(&mut browser, "#graph .o path[data-b=t0]") >= 1);
    assert_eq!(visible(&mut browser, "#graph path[data-b=all]"), 0);
}

/// `UPDATE_SCREENSHOT=1` makes the manual's picture anew.
#[test]
fn a_reader_finds_the_way_with_the_keyboard_alone() {
    let (_folder, page, _) = page(12);
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.look(1260, 900, "light", "screen");
    browser.open(&page);
    if env::var_os("UPDATE_SCREENSHOT").is_some() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::write(root.join("docs/images/audit.webp"), browser.screenshot()).unwrap();
    }
    // The drawing is one stop of Tab; in it the arrow keys lead.
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#graph [tabindex=\"0\"]').length"),
        1
    );
    browser.evaluate("document.querySelector('#graph [tabindex=\"0\"]').focus()");
    browser.press("ArrowRight");
    let at = browser.evaluate("document.activeElement.dataset.n");
    assert!(at.as_str().unwrap().starts_with('t'), "{at}");
    assert!(visible(&mut browser, "#graph.dim .on") >= 3);
    browser.press("ArrowDown");
    assert_ne!(browser.evaluate("document.activeElement.dataset.n"), at);
    // Enter shows the details of a Tiller.
    assert_eq!(visible(&mut browser, "#items .d"), 0);
    browser.press("Enter");
    browser.evaluate("new Promise(done => setTimeout(done, 100))");
    assert_eq!(visible(&mut browser, "#items .d"), 1);
    let item = browser.evaluate("document.activeElement.closest('tbody').id");
    assert_eq!(browser.evaluate("location.hash.slice(1)"), item);
    assert_quiet(&browser);
}

#[test]
fn the_table_is_filtered_and_sorted() {
    let (_folder, page, _) = page(12);
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.look(1260, 900, "dark", "screen");
    browser.open(&page);
    let all = visible(&mut browser, "#items tbody");
    browser.evaluate(
        "filter.value = 'Deployment BASIL-tiller/'; filter.dispatchEvent(new Event('input'))",
    );
    assert_eq!(visible(&mut browser, "#items tbody"), 1);
    let told = browser.evaluate("shown.textContent");
    assert_eq!(told, format!("1 of {all} shown"));
    browser.evaluate(
        "filter.value = ''; severity.value = '4'; severity.dispatchEvent(new Event('input'))",
    );
    let critical = visible(&mut browser, "#items tbody");
    assert!(0 < critical && critical < all, "{critical} of {all}");
    browser.evaluate("document.querySelectorAll('#items thead button')[2].click()");
    let counts = browser
        .evaluate("[...document.querySelectorAll('#items td.n')].map(it => +it.textContent)");
    let counts: Vec<u64> = serde_json::from_value(counts).unwrap();
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(
        browser.evaluate("document.querySelector('[aria-sort]').cellIndex"),
        2
    );
    let ground = browser.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    assert_eq!(ground, "rgb(13, 17, 23)");
    assert_quiet(&browser);
}

#[test]
fn on_paper_all_of_it_is_there() {
    let (_folder, page, _) = page(12);
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.look(1000, 900, "dark", "print");
    browser.open(&page);
    let details = visible(&mut browser, "#items .d");
    assert_eq!(details, visible(&mut browser, "#items tbody"));
    assert_eq!(visible(&mut browser, ".filter"), 0);
    let ground = browser.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    assert_eq!(ground, "rgb(255, 255, 255)");
    assert!(browser.print().starts_with(b"%PDF"));
    assert_quiet(&browser);
}

/// Less than 1 MB, and drawn in less than a second.
#[test]
#[expect(clippy::print_stdout, reason = "it is measured")]
fn three_hundred_tillers_are_drawn_in_a_second() {
    let (_folder, page, size) = page(300);
    assert!(size < 1_000_000, "{size} bytes");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.look(1260, 900, "light", "screen");
    // Other tests run beside this one, but in `make bench`.
    let most = env::var_os("BENCH").map_or(5000.0, |_| 1000.0);
    let times: Vec<f64> = (0..15).map(|_| browser.open(&page)).collect();
    if most < 5000.0 {
        let (cold, best) = (times[0], times.iter().copied().fold(f64::MAX, f64::min));
        println!(
            "{size} bytes, drawn in {cold:.0} ms by a cold browser, and in {best:.0} ms at best"
        );
    }
    assert!(times.iter().any(|it| *it < most), "{times:?} ms");
    assert_eq!(visible(&mut browser, "#graph a[data-n]"), 300);
    assert!(visible(&mut browser, "#items tbody") > 300);
    assert_quiet(&browser);
}

/// However many bindings there are, the page is bounded, and says what it leaves out.
#[test]
fn of_many_bindings_the_first_are_shown() {
    let (_folder, page, size) = page_of(&dumps::crowd(300, 5000));
    assert!(size < 1_500_000, "{size} bytes");
    let text = fs::read_to_string(&page).unwrap();
    let told = |end: &str| {
        let at = text.find(end).unwrap_or_else(|| panic!("{end}"));
        let number = text[..at].rsplit(|it: char| !it.is_ascii_digit()).next();
        number.unwrap().parse::<usize>().unwrap()
    };
    let bindings = told(" more objects, none");
    assert!(bindings > 700, "{bindings}");
    assert!(told(" more lines; -o json has all") > 0);
    assert!(told(" more; -o json has all") > 10);
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.look(1260, 900, "light", "screen");
    browser.open(&page);
    assert_eq!(visible(&mut browser, "#graph a[data-n^=t]"), 300);
    assert_quiet(&browser);
}

/// What names and messages hold is shown, and neither run nor fetched.
#[test]
fn a_hostile_name_is_text() {
    let folder = Folder::new();
    let hostile = "</script><script>document.title='run'</script><img src=http://127.0.0.1:9/x onerror=\"document.title='run'\">";
    let mut dump = dumps::cluster(3);
    let items = dump["items"].as_array_mut().unwrap();
    items.push(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": hostile },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "forward" },
        "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": hostile }],
    }));
    let dump = folder.file("dump.json", dump.to_string());
    let page = format!("{}/page.html", folder.path());
    run(&["audit", "-f", &dump, "-o", &format!("html={page}")], b"");
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&page);
    assert_eq!(
        browser.evaluate("document.title"),
        "Tillers of the cluster · tiller-guard"
    );
    assert_eq!(
        browser.evaluate("document.images.length + document.scripts.length"),
        1
    );
    let shown = browser.evaluate("document.body.innerText.includes(\"document.title='run'\")");
    assert_eq!(shown, true);
    assert_quiet(&browser);
}

/// A repository of any size makes a page of less than 1 MB, with the worst of its objects.
#[test]
fn of_many_manifests_the_worst_are_shown() {
    let folder = Folder::new();
    let check = |number: usize| {
        let of = |number: usize| {
            let mut deployment = recorded_deployment("2.17.0-plain");
            deployment["metadata"]["namespace"] = json!(format!("team-{number}-tiller"));
            deployment.to_string()
        };
        let all: Vec<String> = (0..number).map(of).collect();
        let manifests = folder.file("manifests.yaml", all.join("\n---\n"));
        let page = format!("{}/page.html", folder.path());
        let run = run(&["check", &manifests, "-o", &format!("html={page}")], b"");
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        fs::read_to_string(page).unwrap()
    };
    let page = check(300);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(!page.contains(" more objects, none"));
    let page = check(3000);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(page.contains("and 2500 more objects, none of which is worse"));
    assert_eq!(page.matches("<tbody id=").count(), 500);
}

#[test]
fn check_writes_a_page_of_files() {
    let folder = Folder::new();
    let page = format!("{}/page.html", folder.path());
    let checked = run(
        &[
            "check",
            "docs/examples/tiller.yaml",
            "-o",
            &format!("html={page}"),
        ],
        b"",
    );
    assert_eq!(checked.code, Some(1), "{}", checked.stderr);
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.open(&page);
    assert_eq!(
        browser.evaluate("document.querySelector('h1').textContent"),
        "Tiller in manifests"
    );
    assert!(visible(&mut browser, "article") >= 5);
    assert_quiet(&browser);
}
