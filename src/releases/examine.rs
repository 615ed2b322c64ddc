//! One record, looked at: what a list shows of it, and what is wrong with it. Neither its manifest nor its chart is kept.

use super::apis::Unserved;
use super::aside::{aside_name, original_name};
use super::hapi::Release;
use super::hooks::unserved_in;
use super::moment::rfc3339;
use super::pending::pending_remedy;
use super::problem::{Problem, ProblemKind};
use super::record::{MAX_SIZE, MIGRATED, OWNER, Record, Storage, named};
use super::status::Status;

/// From which size on a record is near the limit: the next revision of a release is rarely a tenth larger.
const NEAR: usize = MAX_SIZE / 10 * 9;

/// A revision, as its record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The release.
    pub name: String,
    /// The revision's number.
    pub revision: i32,
    /// What became of it.
    pub status: Status,
    /// The status by the record's label.
    pub labelled: Option<String>,
    /// The namespace that it was released into.
    pub namespace: String,
    /// The namespace of the Tiller.
    pub tiller_namespace: String,
    /// Where it is recorded.
    pub storage: Storage,
    /// The name of the record.
    pub record: String,
    /// The chart.
    pub chart: String,
    /// The chart's version.
    pub chart_version: String,
    /// The version of what the chart brings.
    pub app_version: String,
    /// When it was deployed, in RFC 3339.
    pub updated: Option<String>,
    /// The size of the record's text in bytes.
    pub size: usize,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A record, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Examined {
    /// It holds a revision.
    Revision(Box<Revision>),
    /// It cannot be decoded.
    Damaged(Problem),
    /// A move or a migration has set it aside.
    Aside(SetAside),
}

/// A record that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The release.
    pub name: String,
    /// The namespace of the Tiller.
    pub tiller_namespace: String,
    /// Where it is kept.
    pub storage: Storage,
    /// The name of the record.
    pub record: String,
    /// Whether Helm 3 has the release; otherwise the other storage has the record.
    pub is_migrated: bool,
}

/// Examines a record; `minor` is the Kubernetes 1.x that must serve its objects.
pub fn examine(record: &Record, minor: Option<u16>) -> Examined {
    if record.is_aside() {
        return Examined::Aside(set_aside(record));
    }
    match record.decode() {
        Ok(release) => Examined::Revision(Box::new(revision(record, &release, minor))),
        Err(error) => Examined::Damaged(damaged(record, &error)),
    }
}

fn set_aside(record: &Record) -> SetAside {
    let named = named(original_name(&record.name)).map(|(release, _)| release);
    let name = record.label("NAME").or(named).unwrap_or(&record.name);
    SetAside {
        name: name.to_owned(),
        tiller_namespace: record.namespace.clone(),
        storage: record.storage,
        record: record.name.clone(),
        is_migrated: record.label(OWNER.0) == Some(MIGRATED),
    }
}

/// That a record cannot be decoded.
pub fn damaged(record: &Record, error: &dyn std::error::Error) -> Problem {
    let label = record.label("NAME");
    let release = label.or_else(|| Some(named(&record.name)?.0));
    let revision = named(&record.name).map(|(_, revision)| revision);
    let cause = error.source().map(|cause| format!(": {cause}"));
    let message = format!(
        "{record} cannot be decoded: {error}{}; Tiller does not list its release, or stops",
        cause.unwrap_or_default()
    );
    let delete = kubectl(record, "delete", "").map_or_else(String::new, |it| format!(": {it}"));
    let remedy = format!("restore it from a backup, or delete it{delete}");
    let kind = ProblemKind::Damaged;
    Problem::of(
        record,
        kind,
        (release.unwrap_or_default(), revision),
        message,
        remedy,
    )
}

fn revision(record: &Record, release: &Release, minor: Option<u16>) -> Revision {
    let metadata = &release.chart.metadata;
    let status = Status::of(release.info.status.code);
    Revision {
        name: release.name.clone(),
        revision: release.version,
        status,
        labelled: record.label("STATUS").map(ToOwned::to_owned),
        namespace: release.namespace.clone(),
        tiller_namespace: record.namespace.clone(),
        storage: record.storage,
        record: record.name.clone(),
        chart: metadata.name.clone(),
        chart_version: metadata.version.clone(),
        app_version: metadata.app_version.clone(),
        updated: rfc3339(release.info.last_deployed.as_option()),
        size: record.size(),
        problems: problems(record, release, status, minor),
    }
}

fn problems(
    record: &Record,
    release: &Release,
    status: Status,
    minor: Option<u16>,
) -> Vec<Problem> {
    let which = (release.name.as_str(), Some(release.version));
    let mut found = Vec::new();
    let mut add = |kind, message, remedy| {
        found.push(Problem::of(record, kind, which, message, remedy));
    };
    if !record.is_tillers() {
        add(
            ProblemKind::NotFound,
            format!("{record} has no label OWNER=TILLER, so Tiller does not find it"),
            relabel(record, "OWNER", "TILLER"),
        );
    }
    for (label, inside) in [
        ("NAME", release.name.clone()),
        ("STATUS", status.as_str().to_owned()),
        ("VERSION", release.version.to_string()),
    ] {
        let outside = record.label(label);
        if outside != Some(inside.as_str()) {
            let outside = outside.map_or_else(
                || format!("has no label {label}"),
                |outside| format!("has the label {label}={outside}"),
            );
            add(
                ProblemKind::LabelDiffers,
                format!("{record} {outside}; the release in it says {inside}"),
                relabel(record, label, &inside),
            );
        }
    }
    let expected = format!("{}.v{}", release.name, release.version);
    if record.name == aside_name(&expected) {
        let (message, remedy) = labelled_back(record, release, &expected);
        add(ProblemKind::LabelDiffers, message, remedy);
    } else if record.name != expected {
        add(
            ProblemKind::LabelDiffers,
            format!(
                "{record} holds revision {} of {}, whose record is {expected}",
                release.version, release.name
            ),
            format!("compare it with {expected}, and delete the one that is wrong"),
        );
    }
    if status.is_pending() {
        add(
            ProblemKind::Pending,
            format!(
                "revision {} of {} is {}",
                release.version,
                release.name,
                status.as_str()
            ),
            pending_remedy(&release.name, status, None),
        );
    }
    if record.size() >= NEAR {
        add(
            ProblemKind::NearSizeLimit,
            format!("{record} has {} of {MAX_SIZE} bytes", record.size()),
            "make the chart smaller: files that no template reads go into .helmignore".to_owned(),
        );
    }
    if let Some(reason) = unchangeable(record) {
        add(
            ProblemKind::Unchangeable,
            format!("{record} {reason}; Tiller cannot update it and does not say so"),
            "create it again as an Opaque Secret that is not immutable".to_owned(),
        );
    }
    if !status.is_past() {
        let unserved = minor.map(|minor| (minor, unserved_in(release, minor)));
        if let Some((minor, unserved)) = unserved.filter(|(_, unserved)| !unserved.is_empty()) {
            let named: Vec<_> = unserved.iter().map(told).collect();
            add(
                ProblemKind::RemovedApi,
                format!("Kubernetes 1.{minor} does not serve {}", named.join(", ")),
                "upgrade the release with a chart that names served versions while the old ones are still served; or \
                 migrate it with `tiller-guard releases migrate --map-apis`"
                    .to_owned(),
            );
        }
    }
    found
}

/// That a record that was set aside has got its label back, but not its name, and what gives it back whole.
fn labelled_back(record: &Record, release: &Release, expected: &str) -> (String, String) {
    let message = format!(
        "{record} was set aside by a migration, and its label was changed by hand: Tiller finds it, but looks for {expected}"
    );
    let is_plain = is_plain(&release.name) && is_plain(&record.namespace);
    let restore = if is_plain {
        format!(
            "tiller-guard releases restore {} -n {}",
            release.name, record.namespace
        )
    } else {
        "`tiller-guard releases restore`".to_owned()
    };
    let relabel = relabel(record, OWNER.0, MIGRATED);
    (message, format!("{relabel}; then give it back: {restore}"))
}

fn told(unserved: &Unserved) -> String {
    let Unserved { api, kind } = unserved;
    format!("{} {kind} (since 1.{})", api.api_version, api.removed_in)
}

fn relabel(record: &Record, label: &str, value: &str) -> String {
    let words = format!(" {label}={value} --overwrite");
    let command = kubectl(record, "label", &words);
    command
        .filter(|_| value.is_empty() || is_plain(value))
        .unwrap_or_else(|| format!("set its label {label} to what the release in it says"))
}

/// A command about the record. `None` if a word of it holds what a shell or kubectl would read in another way: whoever writes a record
/// decides its words.
fn kubectl(record: &Record, verb: &str, words: &str) -> Option<String> {
    let Record {
        namespace, name, ..
    } = record;
    (is_plain(namespace) && is_plain(name)).then(|| {
        let kind = record.storage.kind().to_ascii_lowercase();
        format!("kubectl -n {namespace} {verb} {kind} {name}{words}")
    })
}

/// Whether this is a word of a command as it stands.
pub(super) fn is_plain(word: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    word.trim_start_matches("--")
        .starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.chars().all(is_part)
}

fn unchangeable(record: &Record) -> Option<&'static str> {
    let kind = record.secret_type.as_deref().unwrap_or("Opaque");
    match record.storage {
        _ if record.immutable => Some("is immutable"),
        Storage::Secrets if kind != "Opaque" => Some("is not of type Opaque"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::releases::encoding::encode;
    use crate::releases::hapi::{Chart, Info, Metadata, Status as Told};

    fn record(name: &str, owner: &str) -> Record {
        let labels = format!(r#"{{"OWNER":"{owner}"}}"#);
        let text = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"a","labels":{labels}}},"data":{{"release":"x"}}}}"#
        );
        Record::read(&RawValue::from_string(text).unwrap(), None).unwrap()
    }

    /// Followed as they are printed.
    #[test]
    fn commands_have_only_words_that_a_shell_takes_as_they_are() {
        let plain = record("web.v1", "TILLER");
        assert_eq!(
            relabel(&plain, "NAME", "web"),
            "kubectl -n a label configmap web.v1 NAME=web --overwrite"
        );
        for name in ["a;id", "$(id)", "a b", "-o", ""] {
            let told = relabel(&plain, "NAME", name);
            assert_eq!(told.contains("kubectl"), name.is_empty(), "{told}");
        }
        assert_eq!(kubectl(&record("a;id", "TILLER"), "delete", ""), None);
    }

    #[test]
    fn what_was_set_aside_counts_no_more() {
        assert!(record("web.v1", "TILLER").is_one());
        for owner in ["MOVED", "MIGRATED"] {
            assert!(!record("web.v1", owner).is_one(), "{owner}");
        }
    }

    /// `app.v1` and `release` are names that others give too, and so is a label `owner`.
    #[test]
    fn without_its_label_a_record_holds_a_release() {
        let release = Release {
            name: "web".to_owned(),
            version: 1,
            info: buffa::MessageField::some(Info {
                status: buffa::MessageField::some(Told::default()),
                ..Info::default()
            }),
            chart: buffa::MessageField::some(Chart {
                metadata: buffa::MessageField::some(Metadata::default()),
                ..Chart::default()
            }),
            ..Release::default()
        };
        for owner in ["nobody", "tiller"] {
            let mut record = record("web.v1", owner);
            assert!(!record.is_one() && !record.is_labelled(), "{owner}");
            record.text = Ok(encode(&release).unwrap().into_bytes());
            assert!(record.is_one(), "{owner}");
            assert_eq!(record.is_labelled(), owner == "tiller");
        }
    }
}
