//! tiller-guard lets no Tiller (Helm 2's in-cluster server) run unless it is hardened.
//!
//! ```text
//! webhook   bytes ─ k8s::review ─┐                                     ┌─ AdmissionReview: deny, warn, patch
//! check     files ─ offline     ─┼─ k8s::read ─ policy::decide ─ Verdict ─┼─ report and exit code
//! harden    files ─ offline     ─┤    Object     pure: no clock, no      ├─ the same patch, applied to the file
//! provision plan  ─ provision   ─┘               I/O, no door            └─ a plan that the guard lets in
//! ```
//!
//! A review's way from the listener to its answer, each room once:
//!
//! ```text
//! server: listener ─ connection ─ reviews ─ Guard
//!   └─ k8s::review: Review::read, once ─ Review::answer, as often as more is known
//!        └─ policy::decide ─ rules, over tiller ─ pod ─ json
//! cluster: what the answer hangs on, looked up in between
//! ```
//!
//! | layer | module | what lives there |
//! |---|---|---|
//! | 0 | `gather` | iterators into ordered collections |
//! | 0 | [`json`] | JSON as reviews are read and answered with it |
//! | 0 | [`pod`] | the fields of a pod that are read, borrowed |
//! | 0 | [`tiller`] | what Tiller does with them |
//! | 1 | [`policy`] | what we think of it: rules, findings, hardening |
//! | 2 | [`k8s`] | Kubernetes JSON to objects; the AdmissionReview codec |
//! | 2 | [`manifest`] | streams of YAML and JSON documents |
//! | 2 | [`config`] | the policy file |
//! | 2 | [`pki`] | the certificates we issue and read |
//! | 2 | [`provision`] | what a team needs, as a plan of exact objects |
//! | 2 | [`installation`] | what runs in a cluster: every object of an installation |
//! | 2 | [`releases`] | Helm 2's release records |
//! | 2 | [`report`] | findings for people and programs |
//! | 3 | [`offline`] | manifests in files, judged and hardened |
//! | 3 | [`audit`] | all Tillers of a cluster, and who reaches whom |
//! | 4 | [`cluster`] | the one owner of the Kubernetes client |
//! | 4 | [`server`] | the webhook's listener, routes, metrics and drain |
//! | 5 | [`cli`] | the command line |
//!
//! A module uses those of lower layers only.

pub mod audit;
pub mod cli;
pub mod cluster;
pub mod config;
mod gather;
pub mod installation;
pub mod json;
pub mod k8s;
pub mod manifest;
pub mod offline;
pub mod pki;
pub mod pod;
pub mod policy;
pub mod provision;
pub mod releases;
pub mod report;
pub mod server;
pub mod tiller;
