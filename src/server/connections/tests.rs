use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::time::{Instant, advance};

use super::{Connections, Worth};
use crate::server::Limits;
use crate::server::progress::{Moment, Progress, Stage};

/// More than one may take if it is crowded.
const STEP: Duration = Duration::from_millis(251);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const THERE: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn connections(cap: usize) -> Arc<Connections> {
    let limits = Limits {
        connections: cap,
        ..Limits::default()
    };
    Arc::new(Connections::new(limits, Gauge::default()))
}

fn moment(stage: Stage, proven: bool, age: Duration) -> Moment {
    Moment {
        stage,
        proven,
        since: Instant::now().checked_sub(age).unwrap(),
    }
}

#[tokio::test]
async fn who_stands_still_goes_first_and_those_being_served_never() {
    let now = Instant::now();
    let worth = |stage, proven, millis| {
        Worth::of(
            moment(stage, proven, Duration::from_millis(millis)),
            now,
            STEP,
        )
    };
    for stage in [Stage::Handshake, Stage::Head, Stage::Body] {
        assert_eq!(worth(stage, false, 0), Some(Worth::Unproven));
        assert_eq!(worth(stage, false, 300), Some(Worth::Stalled));
    }
    assert_eq!(worth(Stage::Idle, false, 0), Some(Worth::Unproven));
    assert_eq!(worth(Stage::Idle, false, 300), Some(Worth::Silent));
    for stage in [Stage::Head, Stage::Body] {
        assert_eq!(worth(stage, true, 0), None);
        assert_eq!(worth(stage, true, 300), Some(Worth::Stalled));
    }
    assert_eq!(worth(Stage::Linger, true, 0), Some(Worth::Silent));
    assert_eq!(worth(Stage::Idle, true, 0), Some(Worth::Idle));
    assert_eq!(worth(Stage::Idle, true, 60_000), Some(Worth::Idle));
    assert_eq!(worth(Stage::Review, false, 1500), None);
    assert_eq!(worth(Stage::Answer, true, 900), None);
    assert_eq!(worth(Stage::Answer, true, 1500), Some(Worth::Stalled));
    let order = [Worth::Silent, Worth::Stalled, Worth::Unproven, Worth::Idle];
    assert!(order.is_sorted());
}

/// What became of a connection.
async fn admit(
    connections: &Arc<Connections>,
    address: IpAddr,
    stages: &[Stage],
) -> Option<Arc<Progress>> {
    let mut kept = None;
    let admitted = connections.admit(address, |peer| {
        for stage in stages {
            peer.progress.enter(*stage);
        }
        if stages.contains(&Stage::Answer) {
            peer.progress.prove();
        }
        kept = Some(Arc::clone(&peer.progress));
        async move {
            pending::<()>().await;
            drop(peer);
        }
    });
    advance(Duration::from_millis(5)).await;
    admitted.then_some(kept).flatten()
}

/// Whether the connection's task let go of its progress.
async fn is_gone(progress: &Arc<Progress>) -> bool {
    tokio::task::yield_now().await;
    Arc::strong_count(progress) == 1
}

const PROVEN: [Stage; 3] = [Stage::Idle, Stage::Answer, Stage::Idle];

#[tokio::test(start_paused = true)]
async fn a_full_house_gives_up_the_one_idle_longest() {
    let connections = connections(2);
    let first = admit(&connections, HERE, &PROVEN).await.unwrap();
    let second = admit(&connections, HERE, &PROVEN).await.unwrap();
    let third = admit(&connections, HERE, &[Stage::Review]).await.unwrap();
    assert_eq!(connections.gauge.get(), 2);
    assert!(is_gone(&first).await);
    second.enter(Stage::Review);
    third.enter(Stage::Review);
    assert!(
        admit(&connections, HERE, &[Stage::Handshake])
            .await
            .is_none()
    );

    assert_eq!(connections.cut(), 2);
    connections.empty().await;
}

#[tokio::test(start_paused = true)]
async fn slow_bodies_go_before_idle_connections_and_are_asked_to() {
    let connections = connections(3);
    let idle = admit(&connections, HERE, &PROVEN).await.unwrap();
    let slow = admit(&connections, HERE, &PROVEN).await.unwrap();
    let slower = admit(&connections, HERE, &PROVEN).await.unwrap();
    slower.enter(Stage::Body);
    advance(Duration::from_millis(50)).await;
    slow.enter(Stage::Body);
    advance(STEP).await;
    for progress in [&slower, &slow] {
        admit(&connections, HERE, &[Stage::Review]).await.unwrap();
        assert!(progress.is_turned_away());
    }
    assert!(!is_gone(&idle).await);
    assert_eq!(connections.gauge.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_address_with_more_than_its_share_makes_room_among_its_own() {
    let connections = connections(4);
    let first = admit(&connections, THERE, &PROVEN).await.unwrap();
    let mut many = Vec::new();
    for _ in 0..3 {
        many.push(admit(&connections, HERE, &PROVEN).await.unwrap());
    }
    // Another address with the same right, though the other's connection is idle longest.
    admit(&connections, THERE, &[Stage::Review]).await.unwrap();
    assert!(is_gone(&many[0]).await && !is_gone(&first).await);
    // Two and two now; the third of one of them costs the one that is idle longest.
    admit(&connections, HERE, &[Stage::Review]).await.unwrap();
    assert!(is_gone(&first).await);
    // Three now; the fourth costs one of its own.
    admit(&connections, HERE, &[Stage::Review]).await.unwrap();
    assert!(is_gone(&many[1]).await);
}

#[tokio::test(start_paused = true)]
async fn memory_is_taken_from_those_that_stand_still() {
    const SHARE: usize = 5 << 20;
    let connections = connections(8);
    assert!(!connections.hold_memory());
    let begin = Instant::now();
    let mut bodies = Vec::new();
    for address in [HERE, THERE, HERE, HERE, HERE, HERE] {
        let body = admit(&connections, address, &[Stage::Body]).await.unwrap();
        body.claim(SHARE / 5);
        bodies.push(body);
    }
    assert!(connections.hold_memory());
    bodies[0].review();
    advance(STEP).await;
    bodies[4].enter(Stage::Body);
    bodies[5].enter(Stage::Body);
    let now = Instant::now();
    let turned_away = |earliest| connections.turn_away_standing(earliest);
    assert_eq!(turned_away(begin), 0);
    // One of them waits for memory itself, and two go on well.
    assert_eq!(turned_away(now), 2);
    assert!(bodies[2].is_turned_away() && bodies[3].is_turned_away());
    assert_eq!(turned_away(now), 0);
    // Now there is not enough for all.
    bodies[4].claim(2 * SHARE);
    assert_eq!(turned_away(now), 1);
    assert!(bodies[1].is_turned_away());
}
