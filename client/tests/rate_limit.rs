//! Fifty clients of one API key, over its limit of 600 requests a minute, in simulated time.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod support;

use nextapi_client::{
    Cap, Environment, ErrorKind, KeyLimits, Millis, Operation, Options, Retrieve, Step, WaitReason,
};
use std::sync::Arc;
use support::{Chance, NOW, Reply, deliver};

const MINUTE: Millis = 60_000;
const LIMIT: u64 = 600;
const CLIENTS: usize = 50;

/// The provider: windows of a minute, each of which begins with its first request.
#[derive(Default)]
struct Provider {
    began: Millis,
    used: u64,
    /// When requests came that were granted, and that were refused.
    granted: Vec<Millis>,
    refused: Vec<Millis>,
}

impl Provider {
    fn answer(&mut self, now: Millis, form: u64) -> Reply {
        if now >= self.began + MINUTE {
            (self.began, self.used) = (now, 0);
        }
        let reset = self.began + MINUTE;
        let seconds = reset.div_ceil(1000);
        let reset = match form % 3 {
            0 => seconds.to_string(),
            1 => reset.to_string(),
            _ => (reset - now).div_ceil(1000).to_string(),
        };
        let reply = if self.used < LIMIT {
            self.used += 1;
            self.granted.push(now);
            Reply::job("running")
        } else {
            self.refused.push(now);
            Reply::error(429, "rate_limit_exceeded")
        };
        let left = LIMIT - self.used;
        reply
            .header("date", date(now))
            .header("x-ratelimit-reset", reset)
            .header("x-ratelimit-remaining", left.to_string())
    }
}

/// The HTTP date of a moment on 2023-11-14 or the day after.
fn date(now: Millis) -> String {
    let midnight = 1_699_920_000;
    let (day, second) = ((now / 1000 - midnight) / 86_400, (now / 1000 - midnight) % 86_400);
    let name = if day == 0 { "Tue, 14" } else { "Wed, 15" };
    format!("{name} Nov 2023 {:02}:{:02}:{:02} GMT", second / 3600, second / 60 % 60, second % 60)
}

struct Client {
    options: Options,
    look: Option<Retrieve>,
    /// How far its clock is ahead of the provider's, or behind it.
    skew: i64,
    due: Millis,
    /// Until when it has been told to send nothing, by the provider's clock.
    told: Millis,
}

/// All clients look at jobs as fast as they may, for three minutes.
fn run(seed: u64, options: impl Fn() -> Options) -> (Provider, u64) {
    let (mut provider, mut chance, mut early) = (Provider::default(), Chance(seed), 0);
    let mut skews = [-600_000, 0, 600_000].into_iter().cycle();
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Client {
            options: options(),
            look: None,
            skew: skews.next().unwrap(),
            due: NOW + number as u64,
            told: 0,
        })
        .collect();
    loop {
        let (number, client) =
            clients.iter_mut().enumerate().min_by_key(|(_, client)| client.due).unwrap();
        let now = client.due;
        if now > NOW + 3 * MINUTE {
            return (provider, early);
        }
        let local = now.checked_add_signed(client.skew).unwrap();
        let options = &client.options;
        let look = client.look.get_or_insert_with(|| Retrieve::new("job_1", true, options.clone()));
        match look.step(local, chance.next()) {
            Step::Send(_) => {
                early += u64::from(now < client.told);
                let window_ends = provider.began + MINUTE;
                let reply = provider.answer(now, number as u64);
                if matches!(reply, Reply::Answer { status: 429, .. }) {
                    client.told = window_ends;
                }
                deliver(look, local, &reply);
                client.due = now + 50;
            }
            Step::Wait { until, why } => {
                assert_eq!(why, WaitReason::RateLimit);
                client.due = until.checked_add_signed(-client.skew).unwrap();
            }
            Step::Done(result) => {
                // Two windows may be used up before it gets a turn: then its two minutes are over, which is no fault.
                match result {
                    Ok(job) => assert_eq!(&*job.id, "job_1"),
                    Err(error) => assert_eq!(
                        (error.kind, error.cap),
                        (ErrorKind::RateLimited, Some(Cap::Time))
                    ),
                }
                client.look = None;
            }
        }
    }
}

/// The most requests in any second.
fn most_in_a_second(moments: &[Millis]) -> usize {
    moments
        .iter()
        .map(|from| moments.iter().filter(|it| (*from..from + 1000).contains(*it)).count())
        .max()
        .unwrap_or(0)
}

#[test]
fn clients_that_know_nothing_of_each_other_wait_for_the_reset_and_spread_after_it() {
    for seed in 1..=5 {
        // One look each for a start, so that all of them meet the limit together.
        let (provider, early) = run(seed, || Options::new(Environment::Live));
        assert_eq!(early, 0, "seed {seed}: sent before the reset");
        assert!(provider.refused.len() >= CLIENTS, "the limit was met");
        // A client is refused at most once in a window, and there were three.
        assert!(provider.refused.len() <= 3 * CLIENTS, "{}", provider.refused.len());
        let resets: Vec<_> = provider
            .granted
            .windows(2)
            .filter(|it| it[1] - it[0] > 1_000)
            .map(|it| it[1])
            .collect();
        assert!(!resets.is_empty());
        for reset in resets {
            // Without jitter all fifty would come in one second, each with twenty requests.
            let firsts =
                provider.granted.iter().filter(|it| (reset..reset + 100).contains(*it)).count();
            assert!(
                firsts <= CLIENTS / 5,
                "seed {seed}: {firsts} in a tenth of a second after the reset"
            );
        }
        assert!(
            provider.granted.len() as u64 >= 3 * LIMIT - LIMIT / 2,
            "{}",
            provider.granted.len()
        );
    }
}

#[test]
fn clients_that_share_their_limits_are_not_refused_at_all() {
    let limits = Arc::new(KeyLimits::new());
    // They share a clock as well: it is one process.
    let (mut now, mut provider, mut chance) = (NOW, Provider::default(), Chance(3));
    let options = Options { limits, ..Options::new(Environment::Live) };
    for _ in 0..1_500 {
        let mut look = Retrieve::new("job_1", true, options.clone());
        support::drive(&mut look, &mut now, chance.next(), |now, _| provider.answer(now, 0))
            .0
            .unwrap();
        now += 10;
    }
    assert_eq!((provider.granted.len(), provider.refused.len()), (1_500, 0));
    assert!(most_in_a_second(&provider.granted) <= 100);
}
