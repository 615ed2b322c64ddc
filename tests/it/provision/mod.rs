//! `tiller-guard provision`.

mod access;
mod adopted;
mod adopted_records;
mod beforehand;
mod bundles;
mod cluster;
mod command;
mod configured;
mod converges;
mod elsewhere;
mod faults;
mod faults_later;
mod first;
mod gone;
mod helms;
mod interrupted;
mod killed;
mod life;
mod no_dry_run;
mod not_yours;
mod people;
mod plans;
pub(crate) mod proxy;
mod real_tiller;
mod renewal;
mod requests;
mod rotation;
mod shown;
mod specs;
mod terminal;
mod unserved;
mod unusable;
mod walk;

use std::time::{Duration, SystemTime};

use tiller_guard::pki::team::{Certificates, Holder, Lifetimes, Present, Server, TeamCa, Wanted};
use tiller_guard::policy::Settings;
use tiller_guard::provision::{CheckedTeam, Person, TeamSpec, check};

/// A time in 2027.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn spec() -> TeamSpec {
    TeamSpec {
        users: texts(&["ada@example.com"]),
        ..TeamSpec::new(
            "blue".to_owned(),
            "blue-tiller".to_owned(),
            texts(&["blue"]),
        )
    }
}

fn checked(spec: TeamSpec) -> CheckedTeam {
    check(vec![spec], &Settings::default()).unwrap().remove(0)
}

fn certificates(team: &CheckedTeam) -> Certificates {
    let lifetimes = Lifetimes::default();
    let ca = TeamCa::create(&team.team, now(), lifetimes.ca).unwrap();
    let holders: Vec<Holder> = team.people().iter().map(Person::holder).collect();
    let wanted = Wanted {
        server: Server {
            namespace: &team.tiller_namespace,
            cluster_domain: &team.cluster_domain,
        },
        holders: &holders,
        lifetimes,
    };
    Certificates::complete(ca, Present::default(), wanted, now()).unwrap()
}
