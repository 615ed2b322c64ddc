//! What kubectl would send, and what is read here, over streams that nobody wrote.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tiller_guard::manifest::{Part, Stream, to_yaml};

use super::grammar;
use super::kubectl::{self, Sent};
use crate::api_server::cluster;

/// The kubectl that decides; older ones refuse or drop more.
const NEWEST: &str = "1.37";

/// What is read of a stream.
struct Read {
    objects: Vec<Value>,
    /// Why `check` and `harden` exit with 3.
    faults: Vec<String>,
}

/// How many streams came out how.
#[derive(Debug, Default)]
struct Tally {
    alike: usize,
    refused_here: usize,
    refused_by_kubectl: usize,
}

/// `KUBECTL_SEEDS=20000-30000` tries others.
fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("KUBECTL_SEEDS") else {
        return 0..10_000;
    };
    let (from, to) = text.split_once('-').unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

fn kubeconfig() -> PathBuf {
    cluster().kubeconfig()
}

fn read(bytes: &[u8]) -> Read {
    let mut read = Read {
        objects: Vec::new(),
        faults: Vec::new(),
    };
    for part in Stream::new("-", bytes.to_vec()).parts() {
        let document = match part {
            Part::Document(document) => document,
            Part::Unreadable(fault, _) => {
                read.faults.push(fault.message);
                continue;
            }
            Part::Blank(_) => continue,
        };
        for object in document.objects() {
            match object {
                // A list that holds a key twice itself is told of beside its items.
                Ok(object) if object.value["items"].is_array() => {}
                Ok(mut object) => {
                    object.value["kind"] = json!(object.kind);
                    object.value["apiVersion"] = json!(object.api_version);
                    read.objects.push(object.value);
                }
                Err(fault) => read.faults.push(fault.message),
            }
        }
    }
    read
}

/// Nothing is read otherwise than kubectl reads it, unless it is told that it cannot be read (exit 3). What
/// kubectl refuses may be read, but nothing in another way that it sends before.
#[test]
fn what_kubectl_would_send_is_what_is_read() {
    let kubeconfig = kubeconfig();
    let streams: Vec<Vec<u8>> = seeds().map(grammar::stream).collect();
    let sent = kubectl::sent(NEWEST, &kubeconfig, &streams);
    let mut tally = Tally::default();
    for ((seed, bytes), sent) in seeds().zip(&streams).zip(&sent) {
        let read = read(bytes);
        if read.objects == sent.objects && read.faults.is_empty() {
            tally.alike += 1;
        } else if !read.faults.is_empty() {
            tally.refused_here += 1;
        } else if sent.refusal.is_some() || refuses(&kubeconfig, bytes) {
            tally.refused_by_kubectl += 1;
            let mut objects = read.objects.iter();
            let before = sent
                .objects
                .iter()
                .all(|sent| objects.any(|read| read == sent));
            assert!(before, "{}", told(seed, bytes, sent, &read));
        } else {
            panic!("{}", told(seed, bytes, sent, &read));
        }
    }
    assert!(tally.alike > streams.len() / 3, "{tally:?}");
}

fn refuses(kubeconfig: &Path, bytes: &[u8]) -> bool {
    kubectl::refusal(NEWEST, kubeconfig, bytes).is_some()
}

fn told(seed: u64, bytes: &[u8], sent: &Sent, read: &Read) -> String {
    format!(
        "seed {seed}:\n{}\n{:?}\nkubectl sends {}\nread is       {}",
        String::from_utf8_lossy(bytes),
        String::from_utf8_lossy(bytes),
        Value::Array(sent.objects.clone()),
        Value::Array(read.objects.clone()),
    )
}

/// What `harden` writes into a manifest is to kubectl what it was meant to be, and the rest what it was.
#[test]
fn what_is_edited_is_what_kubectl_would_send() {
    let edits: Vec<(u64, String, Value)> = seeds()
        .filter_map(|seed| edited(&grammar::stream(seed)).map(|(text, value)| (seed, text, value)))
        .collect();
    let texts: Vec<Vec<u8>> = edits
        .iter()
        .map(|(_, text, _)| text.clone().into_bytes())
        .collect();
    let sent = kubectl::sent(NEWEST, &kubeconfig(), &texts);
    let mut count = 0;
    for ((seed, text, value), sent) in edits.iter().zip(&sent) {
        // The text around the edit may be one that kubectl refuses.
        let refused = sent.refusal.is_some() && sent.objects.is_empty();
        let alike = sent.objects == std::slice::from_ref(value);
        assert!(
            alike || refused,
            "seed {seed}:\n{text}\n{text:?}\n{value}\n{sent:?}"
        );
        count += usize::from(alike);
    }
    assert!(count > texts.len() * 3 / 4, "{count} of {}", texts.len());
}

/// A stream of one object with something more in it, something else, and something less.
fn edited(bytes: &[u8]) -> Option<(String, Value)> {
    let stream = Stream::new("-", bytes.to_vec());
    let read = read(bytes);
    let [document] = &stream.documents().collect::<Vec<_>>()[..] else {
        return None;
    };
    if !read.faults.is_empty() || read.objects.len() != 1 || document.value()["kind"] != "Namespace"
    {
        return None;
    }
    let mut value = document.value();
    value["metadata"] =
        json!({ "name": "edited", "labels": { "a": "0444", "b": "yes\n", "c d": " #" } });
    value["added"] = json!([["- a: b", "\u{e4}: \"'"], { "1": "1e3", "<<": null }, " x\n\n y", "\u{85}\u{feff}", 0.5]);
    let fields = value.as_object_mut().unwrap();
    let other = fields
        .keys()
        .find(|key| !["kind", "apiVersion", "metadata", "added"].contains(&key.as_str()));
    if let Some(other) = other.cloned() {
        fields.shift_remove(&other);
    }
    let text = document.edited(stream.text_of(document), &value);
    Some((text.unwrap_or_else(|| to_yaml(&value)), value))
}
