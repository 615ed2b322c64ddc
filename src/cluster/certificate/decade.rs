//! Ten years of an installation, day by day: the decisions of each replica by a clock that runs ahead, over a Secret and bundles that
//! hold what they were last given.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::secret::{CaInSecret, Next, Texts};
use super::{LINGERS_AT_LEAST, SETTLED, State, Times};
use crate::pki::Bundle;

const DAY: Duration = Duration::from_hours(24);
const NAME: &str = "tiller-guard.tiller-guard.svc";
const YEARS: u32 = 10;

/// What the API server stores, and the API server's and the replicas' clocks.
struct Stored {
    secret: Option<Texts>,
    bundles: [Bundle; 2],
    now: SystemTime,
    at: Instant,
}

// === impl Stored ===

impl Stored {
    /// One look of a replica, as [`Keeper::round`] does it.
    fn round(&mut self, state: &mut State) -> CaInSecret {
        let Times { ca, leaf, .. } = Times::default();
        let next = Next::of(self.secret.as_ref(), state, self.now, ca).unwrap();
        let found = match next {
            Next::Stays(found) => found,
            Next::Writes(found, unusable) => {
                assert!(unusable.is_none(), "{unusable:?}");
                self.secret = Some(found.texts());
                found
            }
        };
        let wanted = state.wanted(&found, self.now);
        for (bundle, lingering) in self.bundles.iter_mut().zip(&mut state.lingering) {
            // As it is read: without what has expired.
            let there = Bundle::read_all(&bundle.to_pem(), self.now);
            *bundle = lingering.bundle(&there, &wanted, self.at);
        }
        let names = [NAME.to_owned()];
        let issued = state.next_leaf(&found.ca, (&names, leaf), self.now, self.at);
        issued.unwrap();
        found
    }

    /// Whether each bundle has the CA of what a replica serves, and both are valid now.
    fn accepts(&self, state: &State) -> bool {
        let Some(leaf) = &state.leaf else {
            return false;
        };
        let is_valid = leaf.ca.validity().check(self.now).is_ok();
        let mut bundles = self.bundles.iter();
        leaf.holds(self.now) && is_valid && bundles.all(|it| it.holds(&leaf.ca))
    }
}

/// One replica looks each day, the other one misses two days of three.
#[test]
fn no_replica_is_ever_without_a_certificate_that_the_bundles_accept() {
    let begin = SystemTime::now();
    let mut stored = Stored {
        secret: None,
        bundles: [Bundle::default(), Bundle::default()],
        now: begin,
        at: Instant::now(),
    };
    let mut replicas = [State::new(LINGERS_AT_LEAST), State::new(LINGERS_AT_LEAST)];
    for state in &mut replicas {
        stored.round(state);
    }
    let (mut leaves, mut cas) = (0_u32, 0_u32);
    for day in 1..=365 * YEARS {
        stored.now = begin + DAY * day;
        for (number, state) in replicas.iter_mut().enumerate() {
            assert!(stored.accepts(state), "replica {number}, day {day}");
            if number == 1 && day % 3 != 0 {
                continue;
            }
            let before = state.leaf.as_ref().map(|it| it.certificate.validity());
            stored.at += Times::default().every;
            stored.round(state);
            if state.awaits_settling() {
                cas += u32::from(number == 0);
                stored.at += SETTLED;
                stored.round(state);
            }
            let after = state.leaf.as_ref().map(|it| it.certificate.validity());
            leaves += u32::from(before != after);
        }
        for state in &replicas {
            assert!(stored.accepts(state), "day {day}, after the looks");
        }
        assert!(
            stored
                .bundles
                .iter()
                .all(|it| it.clone().parts().count() <= 4)
        );
    }
    // A CA issues for two thirds of a year, a leaf lives for two thirds of a week.
    assert!((14..=16).contains(&cas), "{cas}");
    assert!(leaves >= 2 * YEARS * 365 / 6, "{leaves}");
}
