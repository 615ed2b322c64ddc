//! Which containers of a pod are Tillers.
//!
//! A single name proves little and a renamed image hides much, so many signals are weighed: one strong
//! one, or two weak ones of different kinds, make a Tiller's pod. In it, every container that its own signals make one is a
//! Tiller; where there is none, every container with a signal of its own, and the first one where none has any. Ephemeral
//! containers may come without the rest of their pod.
//!
//! What says that it is something else, a client of Tiller, is none by its name or by the variable that clients read too.

use memchr::memmem;

use crate::pod::{Container, MAX_VOLUMES, PodSpec, PortReference, Probe, VolumeSource};

use super::program::{Prepared, is_argument_only, started, starts_tiller};
use super::word::{Named, has_word, named};
use super::{ImageReference, signs};

/// The weight that makes a Tiller.
const TILLER: u8 = 2;
const STRONG: u8 = 2;
const WEAK: u8 = 1;

/// A JSON text without any of these holds no Tiller: no signal fires. Escapes may spell anything, the kubelet's variables may put
/// the word together, and a shell's too.
pub const WORDS: [&str; 6] = ["iller", "till", "ILLER", "4413", "$(", "\\u"];

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
    /// The list that holds it.
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

/// What signs weigh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Weight {
    /// Of those that a Tiller alone has.
    own: u8,
    /// Whether there is one that its clients have too: its namespace, its certificates. Any number of them is one weak sign.
    shared: bool,
}

/// The signs of a Tiller in a pod, kept of a pod that is not kept itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// The weight of the pod's own.
    of_pod: Weight,
    /// The image of each container with a sign, and its weight.
    of_containers: Box<[(Box<str>, Weight)]>,
}

// === impl Weight ===

impl Weight {
    fn of(own: u8) -> Self {
        Self { own, shared: false }
    }

    fn total(self) -> u8 {
        self.own + WEAK * u8::from(self.shared)
    }

    /// What both weigh together.
    fn with(self, other: Self) -> u8 {
        let both = Self {
            own: self.own + other.own,
            shared: self.shared || other.shared,
        };
        both.total()
    }
}

// === impl Signs ===

impl Signs {
    /// The signs in a pod.
    pub fn of(pod: &PodSpec<'_>, traits: Traits<'_>) -> Self {
        let containers = ContainerList::ALL.into_iter().flat_map(|list| list.of(pod));
        let prepared = Prepared::of(pod);
        let weigh = |it| container_weight(it, pod, &prepared);
        let weighed = containers.map(|it| (it.image.as_str().into(), weigh(it)));
        Self {
            of_pod: pod_weight(pod, traits),
            of_containers: weighed.filter(|(_, own)| own.total() > 0).collect(),
        }
    }

    /// Whether they make a Tiller, those aside of containers whose image is none.
    pub fn make_tiller(&self, is_other: impl Fn(&str) -> bool) -> bool {
        let counting = self
            .of_containers
            .iter()
            .filter(|(image, _)| !is_other(image));
        let heaviest = counting.map(|(_, own)| own.with(self.of_pod)).max();
        heaviest.unwrap_or_else(|| self.of_pod.total()) >= TILLER
    }
}

/// The containers of a pod that are taken for Tillers, in the order of the lists. A container's own signs do not count where
/// its image is known to be another program.
pub fn recognise<'a>(
    pod: &'a PodSpec<'a>,
    traits: Traits<'_>,
    is_other: impl Fn(&str) -> bool,
) -> Vec<Recognised<'a>> {
    let of_pod = pod_weight(pod, traits);
    let prepared = Prepared::of(pod);
    let (mut heaviest, mut together) = (0, of_pod.total());
    let mut suspects = Vec::new();
    for list in ContainerList::ALL {
        for (index, container) in list.of(pod).iter().enumerate() {
            let own = container_weight(container, pod, &prepared);
            if own.total() > 0 && !is_other(&container.image) {
                heaviest = heaviest.max(own.total());
                together = together.max(own.with(of_pod));
                suspects.push((
                    own.total(),
                    Recognised {
                        list,
                        index,
                        container,
                    },
                ));
            }
        }
    }
    if together < TILLER {
        return Vec::new();
    }
    if heaviest >= TILLER {
        suspects.retain(|(own, _)| *own >= TILLER);
    }
    if suspects.is_empty() {
        suspects.extend(ContainerList::ALL.into_iter().find_map(|list| {
            let container = list.of(pod).first()?;
            let first = Recognised {
                list,
                index: 0,
                container,
            };
            Some((0, first))
        }));
    }
    suspects
        .into_iter()
        .map(|(_, recognised)| recognised)
        .collect()
}

fn pod_weight(pod: &PodSpec<'_>, traits: Traits<'_>) -> Weight {
    let labelled = traits.app_label == signs::APP_LABEL && traits.name_label == signs::NAME_LABEL;
    let named = is_tiller_name(traits.workload_name);
    let known_by_name = traits.only_name && is_tiller_pod_name(traits.workload_name);
    let mut certificates = false;
    let mut holds_image = false;
    for volume in &*pod.volumes {
        match &volume.source {
            VolumeSource::Secret(secret) => {
                certificates |= signs::SECRETS.contains(&secret.secret_name.as_str());
            }
            VolumeSource::Image(image) => holds_image |= is_tiller_image(&image.reference),
            _ => {}
        }
    }
    Weight {
        own: STRONG * u8::from(labelled || known_by_name || holds_image) + WEAK * u8::from(named),
        shared: certificates,
    }
}

fn container_weight(
    container: &Container<'_>,
    pod: &PodSpec<'_>,
    prepared: &Prepared<'_>,
) -> Weight {
    let image = ImageReference::parse(&container.image);
    let by_image = image.named();
    if by_image == Named::Tiller
        || starts_tiller(container, prepared)
        || mounts_tiller(container, pod)
    {
        return Weight::of(STRONG);
    }
    let has_port = |number| {
        container
            .ports
            .iter()
            .any(|port| port.container_port == Some(number))
    };
    let has_variable = |names: &[&str]| {
        let mut variables = container.env.iter();
        variables.any(|it| names.contains(&it.name.as_str()))
    };
    let server = has_variable(&signs::SERVER_VARIABLES);
    let tls = !server && has_variable(&signs::SHARED_VARIABLES);
    let listens = has_port(signs::PORT) || listens_as_tiller(container);
    let probed = has_port(signs::PROBE_PORT)
        || [&container.liveness_probe, &container.readiness_probe]
            .into_iter()
            .flatten()
            .any(|probe| probes_tiller(probe));
    let named = is_tiller_name(&container.name) || is_argument_only(container);
    // Helm's client reads TILLER_NAMESPACE too; the other variables are the server's alone.
    let client = has_variable(&[signs::CLIENT_VARIABLE]);
    let of_server: u8 = [server, listens, probed]
        .into_iter()
        .map(|signal| WEAK * u8::from(signal))
        .sum();
    let weight = Weight {
        own: of_server,
        shared: tls,
    };
    if by_image == Named::AboutTiller {
        // Such a program may have a port or a path in common with Tiller, but does not serve as one.
        return Some(weight)
            .filter(|it| it.total() >= TILLER)
            .unwrap_or_default();
    }
    if !(named || client) || is_client(container, image.base_name()) {
        return weight;
    }
    Weight {
        own: of_server + WEAK * u8::from(named),
        shared: tls || client,
    }
}

/// Whether the files of Tiller's image appear in the container. With more volumes than a Tiller may have it is not looked at:
/// such a volume makes a Tiller's pod by itself.
fn mounts_tiller(container: &Container<'_>, pod: &PodSpec<'_>) -> bool {
    pod.volumes.iter().take(MAX_VOLUMES).any(|volume| {
        let VolumeSource::Image(image) = &volume.source else {
            return false;
        };
        is_tiller_image(&image.reference)
            && container
                .volume_mounts
                .iter()
                .any(|mount| mount.name == volume.name)
    })
}

/// Whether a container says that it talks to a Tiller or about one: by its image, its program, its environment, or the address
/// of a Tiller elsewhere.
fn is_client(container: &Container<'_>, image: &str) -> bool {
    let by_image = || {
        signs::CLIENT_IMAGE_WORDS
            .into_iter()
            .any(|word| has_word(image, word))
    };
    let by_variable = || {
        container.env.iter().any(|variable| {
            let name = variable.name.as_str();
            signs::CLIENT_ONLY_VARIABLES.contains(&name) || name.starts_with(signs::CLIENT_TLS)
        })
    };
    let by_address = || {
        let mut words = container.command.iter().chain(&container.args);
        words.any(|word| word.ends_with(signs::LISTEN_END)) && !listens_as_tiller(container)
    };
    by_image() || by_variable() || by_address() || started(container).client
}

/// Whether a workload, Service, pod or container is named as `helm init` names it.
pub fn is_tiller_name(name: &str) -> bool {
    name == signs::NAME || name.starts_with(signs::NAME_START) && named(name) == Named::Tiller
}

/// Whether a service account or another object is named after a program about Tiller, as `tiller-exporter`.
pub fn is_about_tiller(name: &str) -> bool {
    named(name) == Named::AboutTiller
}

/// The pods of a Deployment `tiller` or `tiller-…` are named so, with a hash after it.
fn is_tiller_pod_name(name: &str) -> bool {
    (name == "tiller" || name.starts_with("tiller-")) && named(name) == Named::Tiller
}

/// Whether an image is named as Tiller's.
pub fn is_tiller_image(reference: &str) -> bool {
    ImageReference::parse(reference).named() == Named::Tiller
}

/// Whether a word of the launch has Tiller listen on its port. The address of a Tiller elsewhere has another flag before it.
fn listens_as_tiller(container: &Container<'_>) -> bool {
    let mut before = "";
    let words = container.command.iter().chain(&container.args);
    words.into_iter().any(|word| {
        let listens = word.ends_with(signs::LISTEN_END) && {
            let mut parts = word.rsplit(|it: char| it.is_ascii_whitespace());
            let last = parts.next().unwrap_or_default();
            let flag = last.split_once('=').map(|(flag, _)| flag);
            is_listen_flag(flag.or_else(|| parts.next()).unwrap_or(before))
        };
        before = word;
        listens
    })
}

fn is_listen_flag(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|flag| {
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        signs::LISTEN_FLAGS.contains(&flag)
    })
}

fn probes_tiller(probe: &Probe<'_>) -> bool {
    probe.http_get.as_ref().is_some_and(|get| {
        get.port == PortReference::Number(signs::PROBE_PORT)
            && signs::PROBE_PATHS.contains(&get.path.as_str())
    })
}
