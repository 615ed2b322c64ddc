//! The recorded command lines of real Tillers.

use super::{container, exit, read, summary};
use crate::tiller::{ClientVerification, Storage};

/// The folder that stands for `DIR` and `CD`.
const CERTIFICATES: &str = "/certs";

/// Splits words as a shell does, with single and double quotes.
fn shell_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    assert_eq!(quote, None, "unbalanced quote in {text}");
    words.extend(word);
    words
}

fn replay(version: &str, row: &str) {
    let columns: Vec<&str> = row.split('\t').collect();
    let [
        env,
        args,
        result,
        tls,
        verify,
        storage,
        history,
        _sockets,
        note,
    ] = columns[..]
    else {
        panic!("{} columns in {row}", columns.len());
    };
    let place = |text: &str| text.replace("CD/", "/certs/").replace("=DIR", "=/certs");
    assert!(place("A=DIR").ends_with(CERTIFICATES));

    let args: Vec<String> = shell_words(&place(args));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let env = place(env);
    let env: Vec<(&str, &str)> = env
        .split_whitespace()
        .map(|entry| entry.split_once('=').unwrap())
        .collect();
    let container = container(version, &["/tiller"], &args, &env);
    let tiller = read(&container);
    let context = format!("{version} {row}: {}", summary(&tiller));

    if let Some(code) = result.strip_prefix("exit ") {
        let (exit_code, reason) = exit(&tiller).expect(&context);
        assert_eq!(exit_code.to_string(), code, "{context}");
        // "[main] DATE TIME " comes before what the logger prints.
        let printed = match note.strip_prefix("[main] ") {
            Some(logged) => logged.splitn(3, ' ').nth(2).unwrap(),
            None => note,
        };
        assert!(reason.starts_with(printed), "{context}");
        return;
    }
    assert_eq!(result, "RUNS", "{context}");
    assert_eq!(exit(&tiller), None, "{context}");
    let effective = &tiller.effective;
    assert!(effective.tls.enabled.is(&(tls == "true")), "{context}");
    let verification = match verify {
        "client-cert-required" => ClientVerification::Required,
        "" | "not-required" => ClientVerification::Off,
        other => panic!("verify {other} in {context}"),
    };
    assert!(effective.tls.verify.is(&verification), "{context}");
    let driver = match storage {
        "ConfigMap" => Storage::ConfigMap,
        "Secret" => Storage::Secret,
        "Memory" => Storage::Memory,
        other => panic!("storage {other} in {context}"),
    };
    assert!(effective.storage.is(&driver), "{context}");
    assert!(
        effective.history_max.is(&history.parse().unwrap()),
        "{context}"
    );
}

#[test]
fn every_recording_is_read_as_the_tiller_did() {
    let recordings = [
        (
            "2.7.2",
            include_str!("../../../tests/data/tiller-flags/2.7.2.tsv"),
        ),
        (
            "2.9.1",
            include_str!("../../../tests/data/tiller-flags/2.9.1.tsv"),
        ),
        (
            "2.17.0",
            include_str!("../../../tests/data/tiller-flags/2.17.0.tsv"),
        ),
    ];
    for (version, recording) in recordings {
        let rows: Vec<&str> = recording.lines().skip(1).collect();
        assert_eq!(rows.len(), 91, "{version}");
        for row in rows {
            replay(version, row);
        }
    }
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(
        shell_words(r#"a "" 'b "c"' --d=" e""#),
        ["a", "", r#"b "c""#, "--d= e"]
    );
}
