//! CAs in the webhook configurations that nothing here asks for any more, and that another replica may still serve.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::pki::Bundle;

/// The most that stay in a bundle: however often somebody replaces the CA, the configurations stay small.
const MOST: usize = 16;

/// Since when each is not asked for.
#[derive(Debug)]
pub(super) struct Lingering {
    since: BTreeMap<String, Instant>,
    /// How long one stays.
    stay: Duration,
}

// === impl Lingering ===

impl Lingering {
    /// Each stays for so long: time for every replica to serve a certificate of another CA.
    pub(super) fn new(stay: Duration) -> Self {
        Self {
            since: BTreeMap::new(),
            stay,
        }
    }

    /// What a configuration is to hold that holds this now.
    pub(super) fn bundle(&mut self, found: &Bundle, wanted: &Bundle, now: Instant) -> Bundle {
        let mut whole = self.keep(found, wanted, now);
        whole.join(wanted.clone());
        whole
    }

    /// Those that stay of all that were found: what is not asked for for too long goes, and so do the oldest of too many.
    fn keep(&mut self, found: &Bundle, wanted: &Bundle, now: Instant) -> Bundle {
        let mut unasked = found.clone();
        unasked.remove(wanted);
        let mut parts: Vec<(Instant, Bundle)> = unasked
            .parts()
            .map(|part| (self.since(&part, now), part))
            .collect();
        self.since = parts
            .iter()
            .map(|(since, part)| (part.to_pem(), *since))
            .collect();
        parts.retain(|(since, _)| now.duration_since(*since) < self.stay);
        parts.sort_by_key(|(since, _)| std::cmp::Reverse(*since));
        let mut kept = Bundle::default();
        for (_, part) in parts.into_iter().take(MOST) {
            kept.join(part);
        }
        kept
    }

    fn since(&self, part: &Bundle, now: Instant) -> Instant {
        self.since.get(&part.to_pem()).copied().unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::pki::WebhookCa;

    const STAY: Duration = Duration::from_mins(5);

    fn ca() -> WebhookCa {
        WebhookCa::create(SystemTime::now(), Duration::from_hours(24)).unwrap()
    }

    fn bundle<'a>(cas: impl IntoIterator<Item = &'a WebhookCa>) -> Bundle {
        let mut bundle = Bundle::default();
        for ca in cas {
            bundle.add(ca);
        }
        bundle
    }

    #[test]
    fn what_is_not_asked_for_stays_a_while_and_goes() {
        let (old, new) = (ca(), ca());
        let (found, wanted) = (bundle([&old, &new]), bundle([&new]));
        let mut lingering = Lingering::new(STAY);
        let begin = Instant::now();
        for (at, stays) in [
            (begin, true),
            (begin + STAY / 2, true),
            (begin + STAY, false),
        ] {
            let kept = lingering.keep(&found, &wanted, at);
            assert_eq!(kept.holds(&old), stays);
            assert!(!kept.holds(&new));
        }
    }

    #[test]
    fn what_is_asked_for_again_begins_anew() {
        let old = ca();
        let (found, none) = (bundle([&old]), Bundle::default());
        let mut lingering = Lingering::new(STAY);
        let begin = Instant::now();
        lingering.keep(&found, &none, begin);
        lingering.keep(&found, &found, begin + STAY / 2);
        assert!(lingering.keep(&found, &none, begin + STAY).holds(&old));
    }

    #[test]
    fn of_too_many_those_stay_that_came_last() {
        let mut lingering = Lingering::new(STAY);
        let begin = Instant::now();
        let none = Bundle::default();
        let all: Vec<_> = (0..MOST + 4).map(|_| ca()).collect();
        for (number, last) in all.iter().enumerate() {
            let at = begin + Duration::from_secs(number as u64);
            let there = bundle(all.iter().take(number + 1));
            let kept = lingering.keep(&there, &none, at);
            assert!(kept.holds(last));
            assert_eq!(kept.parts().count(), MOST.min(number + 1));
        }
    }
}
