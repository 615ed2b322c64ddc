//! Which containers of a pod are Tillers.
//!
//! A single name proves little and a renamed image hides much, so many signals are weighed: one strong
//! one, or two weak ones of different kinds, make a Tiller's pod. In it, every container with a signal of its
//! own is a Tiller, and the first one where none has any. Ephemeral containers may come without the rest of
//! their pod.

use memchr::memmem;

use crate::pod::{Container, EnvVar, PodSpec, PortReference, Probe, Text, VolumeSource};

use super::{ImageReference, signs};

/// The weight that makes a Tiller.
const TILLER: u8 = 2;
const STRONG: u8 = 2;
const WEAK: u8 = 1;

/// Images and pods with `tiller` in their name that are no Tillers: this guard, and kubeapps' client of Tiller.
const NOT_TILLER: [&str; 2] = ["tiller-guard", "tiller-proxy"];

/// A JSON text without any of these holds no Tiller: no signal fires. Escapes may spell anything.
pub const WORDS: [&str; 4] = ["iller", "ILLER", "4413", "\\u"];

/// Whether a JSON text can hold a Tiller.
pub fn may_hold_tiller(json: &str) -> bool {
    WORDS.into_iter().any(|word| holds(json, word))
}

fn holds(json: &str, word: &str) -> bool {
    memmem::find(json.as_bytes(), word.as_bytes()).is_some()
}

/// What tells of Tiller outside the pod's specification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits<'a> {
    /// The name of the object that carries the pod.
    pub workload_name: &'a str,
    /// The label `app`, by which (with `name`) Helm's client finds Tiller.
    pub app_label: &'a str,
    /// The label `name`.
    pub name_label: &'a str,
    /// Whether the name is all that is shown of the pod beside its ephemeral containers.
    pub only_name: bool,
}

/// The three lists of containers in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerList {
    /// `containers`.
    Regular,
    /// `initContainers`.
    Init,
    /// `ephemeralContainers`.
    Ephemeral,
}

/// A container taken for a Tiller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised<'a> {
    /// The list it stands in.
    pub list: ContainerList,
    /// Its index in the list.
    pub index: usize,
    /// The container.
    pub container: &'a Container<'a>,
}

// === impl ContainerList ===

impl ContainerList {
    /// The lists in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Regular, Self::Init, Self::Ephemeral];

    /// The list's field in a pod's specification.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "containers",
            Self::Init => "initContainers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }

    /// The containers of this list.
    pub fn of<'a>(self, pod: &'a PodSpec<'a>) -> &'a [Container<'a>] {
        match self {
            Self::Regular => &pod.containers,
            Self::Init => &pod.init_containers,
            Self::Ephemeral => &pod.ephemeral_containers,
        }
    }
}

/// The containers of a pod that are taken for Tillers, in the order of the lists.
pub fn recognise<'a>(pod: &'a PodSpec<'a>, traits: Traits<'_>) -> Vec<Recognised<'a>> {
    let of_pod = pod_weight(pod, traits);
    let mut heaviest = of_pod;
    let mut suspects = Vec::new();
    for list in ContainerList::ALL {
        for (index, container) in list.of(pod).iter().enumerate() {
            let own = container_weight(container);
            if own > 0 {
                heaviest = heaviest.max(own + of_pod);
                suspects.push(Recognised {
                    list,
                    index,
                    container,
                });
            }
        }
    }
    if heaviest < TILLER {
        return Vec::new();
    }
    if suspects.is_empty() {
        suspects.extend(ContainerList::ALL.into_iter().find_map(|list| {
            let container = list.of(pod).first()?;
            Some(Recognised {
                list,
                index: 0,
                container,
            })
        }));
    }
    suspects
}

fn pod_weight(pod: &PodSpec<'_>, traits: Traits<'_>) -> u8 {
    let labelled = traits.app_label == signs::APP_LABEL && traits.name_label == signs::NAME_LABEL;
    let named = is_tiller_name(traits.workload_name);
    let known_by_name = traits.only_name && is_tiller_pod_name(traits.workload_name);
    let certificates = pod.volumes.iter().any(|volume| match &volume.source {
        VolumeSource::Secret(secret) => signs::SECRETS.contains(&secret.secret_name.as_str()),
        _ => false,
    });
    STRONG * u8::from(labelled || known_by_name)
        + WEAK * u8::from(named)
        + WEAK * u8::from(certificates)
}

fn container_weight(container: &Container<'_>) -> u8 {
    if is_tiller_image(&container.image)
        || container
            .command
            .iter()
            .chain(&container.args)
            .any(|word| starts_tiller(word))
    {
        return STRONG;
    }
    let named = is_tiller_name(&container.name);
    // Helm's client reads TILLER_NAMESPACE too; the other variables are the server's alone.
    let client = container
        .env
        .iter()
        .any(|variable| variable.name == signs::CLIENT_VARIABLE);
    let server = container.env.iter().any(is_server_variable);
    let listens = container
        .ports
        .iter()
        .any(|port| port.container_port == Some(signs::PORT))
        || container
            .args
            .iter()
            .chain(&container.command)
            .any(listens_as_tiller);
    let probed = container
        .ports
        .iter()
        .any(|port| port.container_port == Some(signs::PROBE_PORT))
        || [&container.liveness_probe, &container.readiness_probe]
            .into_iter()
            .flatten()
            .any(|probe| probes_tiller(probe));
    [named, client, server, listens, probed]
        .into_iter()
        .map(|signal| WEAK * u8::from(signal))
        .sum()
}

/// Whether a workload, Service, pod or container is named as `helm init` names it.
pub fn is_tiller_name(name: &str) -> bool {
    name == signs::NAME || name.starts_with(signs::NAME_START)
}

/// The pods of a Deployment `tiller` or `tiller-…` are named so, with a hash after it.
fn is_tiller_pod_name(name: &str) -> bool {
    (name == "tiller" || name.starts_with("tiller-"))
        && !NOT_TILLER.into_iter().any(|other| name.starts_with(other))
}

/// To a container runtime a repository is lower case; the other spellings are a person's slip.
fn is_tiller_image(image: &str) -> bool {
    let name = ImageReference::parse(image).base_name();
    signs::IMAGE_WORDS
        .into_iter()
        .any(|word| name.contains(word))
        && !NOT_TILLER.contains(&name)
}

/// Whether a word of a launch, or of a shell line in it, names the program `tiller`.
fn starts_tiller(word: &str) -> bool {
    word.contains(signs::PROGRAM)
        && word
            .split(|separator: char| {
                separator.is_ascii_whitespace() || ";&|()'\"`=<>".contains(separator)
            })
            .any(|part| part.rsplit('/').next() == Some(signs::PROGRAM))
}

fn listens_as_tiller(word: &Text<'_>) -> bool {
    word.ends_with(signs::LISTEN_END)
}

fn is_server_variable(variable: &EnvVar<'_>) -> bool {
    signs::SERVER_VARIABLES.contains(&variable.name.as_str())
}

fn probes_tiller(probe: &Probe<'_>) -> bool {
    probe.http_get.as_ref().is_some_and(|get| {
        get.port == PortReference::Number(signs::PROBE_PORT)
            && signs::PROBE_PATHS.contains(&get.path.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Reader, read};

    fn recognised(pod: &str, traits: Traits<'_>) -> Vec<(&'static str, usize)> {
        let pod: PodSpec<'_> = read(&mut Reader::new(pod)).unwrap();
        recognise(&pod, traits)
            .into_iter()
            .map(|Recognised { list, index, .. }| (list.as_str(), index))
            .collect()
    }

    fn container(fields: &str) -> Vec<(&'static str, usize)> {
        recognised(
            &format!(r#"{{"containers":[{{{fields}}}]}}"#),
            Traits::default(),
        )
    }

    const FIRST: [(&str, usize); 1] = [("containers", 0)];
    const NONE: [(&str, usize); 0] = [];

    #[test]
    fn an_image_named_tiller_is_enough() {
        for image in [
            "ghcr.io/helm/tiller:v2.17.0",
            "localhost:5000/tiller",
            "registry.suse.com/caasp/v4/helm-tiller:2.16.1",
            "hub.example:443/x/Tiller@sha256:00",
            "jessestuart/tiller:v2.14.3-arm",
        ] {
            assert_eq!(
                container(&format!(r#""image":"{image}""#)),
                FIRST,
                "{image}"
            );
        }
    }

    #[test]
    fn a_registry_or_folder_named_tiller_is_not() {
        for image in [
            "tiller.example/web:v1",
            "example/tiller/web:v1",
            "example/web:tiller",
        ] {
            assert_eq!(container(&format!(r#""image":"{image}""#)), NONE, "{image}");
        }
    }

    #[test]
    fn the_guard_itself_and_clients_of_tiller_are_not() {
        assert_eq!(
            container(r#""name":"tiller-guard","image":"x/tiller-guard:v1""#),
            NONE
        );
        assert_eq!(container(r#""image":"kubeapps/tiller-proxy:v1.0""#), NONE);
    }

    #[test]
    fn the_program_is_enough_wherever_it_stands() {
        for launch in [
            r#""command":["/tiller"]"#,
            r#""args":["/bin/tiller"]"#,
            r#""command":["sh","-c","exec /tiller --listen=:1"]"#,
            r#""command":["sh","-c","sleep 1;tiller&"]"#,
        ] {
            assert_eq!(
                container(&format!(r#""image":"busybox",{launch}"#)),
                FIRST,
                "{launch}"
            );
        }
        assert_eq!(container(r#""args":["--namespace=tiller-world"]"#), NONE);
    }

    #[test]
    fn two_weak_signals_are_enough_and_one_is_not() {
        let port = r#""ports":[{"containerPort":44134}]"#;
        assert_eq!(container(port), NONE);
        assert_eq!(container(r#""name":"tiller""#), NONE);
        assert_eq!(container(&format!(r#""name":"tiller",{port}"#)), FIRST);
        let client = r#""env":[{"name":"TILLER_NAMESPACE","value":"x"}]"#;
        assert_eq!(container(client), NONE);
        assert_eq!(container(&format!("{client},{port}")), FIRST);
        let probe = r#""livenessProbe":{"httpGet":{"path":"/liveness","port":44135}}"#;
        assert_eq!(container(&format!("{probe},{port}")), FIRST);
    }

    #[test]
    fn labels_mark_the_first_container_unless_another_says_more() {
        let labels = Traits {
            app_label: "helm",
            name_label: "tiller",
            ..Traits::default()
        };
        let plain = r#"{"containers":[{"name":"a"},{"name":"b"}]}"#;
        assert_eq!(recognised(plain, labels), FIRST);
        let alone = r#"{"ephemeralContainers":[{"name":"a"}]}"#;
        assert_eq!(recognised(alone, labels), [("ephemeralContainers", 0)]);
        let second = r#"{"containers":[{"name":"a"},{"image":"x/tiller:v2.17.0"}]}"#;
        assert_eq!(recognised(second, labels), [("containers", 1)]);
        let half = Traits {
            app_label: "helm",
            ..Traits::default()
        };
        assert_eq!(recognised(plain, half), NONE);
    }

    #[test]
    fn a_name_is_enough_where_it_is_all_that_is_shown() {
        let pod = r#"{"ephemeralContainers":[{"name":"a"}]}"#;
        let named = |workload_name, only_name| {
            let traits = Traits {
                workload_name,
                only_name,
                ..Traits::default()
            };
            recognised(pod, traits)
        };
        for name in ["tiller", "tiller-deploy-5d7-x2", "tiller-5d7-x2"] {
            assert_eq!(named(name, true), [("ephemeralContainers", 0)], "{name}");
            assert_eq!(named(name, false), NONE, "{name}");
        }
        for name in [
            "tillerless",
            "web",
            "tiller-guard-5d7-x2",
            "tiller-proxy-0",
            "",
        ] {
            assert_eq!(named(name, true), NONE, "{name}");
        }
    }

    #[test]
    fn every_list_is_read() {
        let pod = r#"{"containers":[{"image":"web"}],
            "initContainers":[{"image":"web"},{"image":"x/tiller"}],
            "ephemeralContainers":[{"command":["/tiller"]}]}"#;
        assert_eq!(
            recognised(pod, Traits::default()),
            [("initContainers", 1), ("ephemeralContainers", 0)]
        );
    }
}
