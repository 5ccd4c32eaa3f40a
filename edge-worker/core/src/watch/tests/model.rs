//! The rules beside a naive model of them, over any sequence of samples, with crashes at any point.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::World;
use crate::outcome::OriginResult;
use crate::watch::rule::MINUTE_MS;

/// What happens in a minute.
#[derive(Clone, Debug)]
struct Minute {
    /// Failures that are counted, by shard.
    failed: [u64; 2],
    /// Dead letters, by shard.
    dead: [u64; 2],
    /// Shards that do not answer.
    is_silent: [bool; 2],
    /// Whether the engine dies after so many steps of the first round.
    crash_after: Option<usize>,
    /// Whether the endpoint fails.
    is_endpoint_down: bool,
}

fn minute() -> impl Strategy<Value = Minute> {
    let dead = || prop_oneof![3 => Just(0_u64), 2 => 1_u64..3];
    (
        [0_u64..4, 0_u64..4],
        [dead(), dead()],
        [prop::bool::weighted(0.15), prop::bool::weighted(0.15)],
        prop::option::weighted(0.4, 0_usize..7),
        prop::bool::weighted(0.3),
    )
        .prop_map(|(failed, dead, is_silent, crash_after, is_endpoint_down)| Minute {
            failed,
            dead,
            is_silent,
            crash_after,
            is_endpoint_down,
        })
}

/// A minute in which nothing fails.
fn well(failed: [u64; 2], dead: [u64; 2]) -> Minute {
    Minute { failed, dead, is_silent: [false, false], crash_after: None, is_endpoint_down: false }
}

const RULES: [&str; 3] = ["origin_failed > 6 for 3m", "dead > 0", "dead > 1 for 4m"];

/// Lets a minute pass.
fn play(world: &mut World, minute: &Minute) {
    for shard in 0..2 {
        world.count(shard, "attempt_origin_failed", minute.failed[shard]);
        let dead = minute.dead[shard];
        world.shard(shard).events =
            if dead > 0 { format!("dead:{dead}").as_str().into() } else { "".into() };
    }
    let silent = (0..2).filter(|shard| minute.is_silent[*shard]);
    world.silent = silent.map(|shard| format!("shard-{shard}")).collect();
    let answers = if minute.is_endpoint_down { 50 } else { 0 };
    world.answers = vec![(OriginResult::Unreachable, None); answers];
    if let Some(steps) = minute.crash_after {
        world.round_up_to(steps);
    }
}

/// Whether each rule holds after each minute, reckoned from all minutes anew, without any memory of its own.
fn holds(minutes: &[Minute], last: usize) -> [bool; 3] {
    let failed = |minute: &Minute| minute.failed.iter().sum::<u64>();
    let dead = |minute: &Minute| minute.dead.iter().sum::<u64>();
    // The first sample only says where counting begins.
    let window = minutes.get(1..=last).unwrap_or_default();
    let recent: u64 = window.iter().rev().take(3).map(failed).sum();
    let on_end = minutes[..=last].iter().rev().take_while(|it| dead(it) > 1).count();
    [recent > 6, dead(&minutes[last]) > 0, on_end > 4]
}

/// What was told about each rule.
fn by_rule(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (rule, state, _) in world.told() {
        told.entry(rule).or_default().push(state);
    }
    told
}

fn assert_alternating(world: &World) -> Result<(), TestCaseError> {
    for (rule, states) in by_rule(world) {
        for (index, state) in states.iter().enumerate() {
            let expected = if index % 2 == 0 { "firing" } else { "resolved" };
            prop_assert_eq!(state, expected, "{} of {}: {:?}", index, rule, states);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each change of what the model says is told once, and nothing else.
    #[test]
    fn what_is_told_is_what_the_model_says(
        minutes in proptest::collection::vec(minute(), 1..30),
    ) {
        let mut world = World::new(&RULES.join(";"));
        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut before = [false; 3];
        for (last, minute) in minutes.iter().enumerate() {
            let Minute { failed, dead, .. } = *minute;
            play(&mut world, &well(failed, dead));
            world.round_up_to(usize::MAX);
            world.now_ms += MINUTE_MS;
            let now = holds(&minutes, last);
            for (rule, (before, now)) in RULES.iter().zip(before.iter().zip(now)) {
                if *before != now {
                    let state = if now { "firing" } else { "resolved" };
                    expected.entry((*rule).to_owned()).or_default().push(state.to_owned());
                }
            }
            before = now;
        }
        prop_assert_eq!(by_rule(&world), expected);
    }

    /// Shards that do not answer, an endpoint that fails, an engine that dies at any output: per rule firing and
    /// resolved alternate, and in the end whoever is told knows how things stand.
    #[test]
    fn nothing_is_lost_and_nothing_is_told_twice(
        minutes in proptest::collection::vec(minute(), 1..30),
    ) {
        let mut world = World::new(&RULES.join(";"));
        for minute in &minutes {
            play(&mut world, minute);
            world.pass(1);
            assert_alternating(&world)?;
        }
        // All is well again: shards answer, the endpoint takes what is sent, and nobody dies.
        world.silent.clear();
        world.answers.clear();
        world.pass(30);
        assert_alternating(&world)?;
        let alerts = world.alerts();
        let told = by_rule(&world);
        for rule in alerts["rules"].as_array().unwrap() {
            let last = told.get(rule["rule"].as_str().unwrap()).and_then(|states| states.last());
            let is_firing = rule["state"] == "firing";
            prop_assert_eq!(last.is_some_and(|state| state == "firing"), is_firing, "{}", rule);
        }
        let dead: u64 = minutes.last().map_or(0, |last| last.dead.iter().sum());
        let states: Vec<_> =
            alerts["rules"].as_array().unwrap().iter().map(|it| it["state"] == "firing").collect();
        prop_assert_eq!(states, [false, dead > 0, dead > 1]);
    }

    /// A shard's silence changes no rule: with it or without, what is told is told of the same changes, or later.
    #[test]
    fn silence_alone_tells_nothing(
        dead in [0_u64..3, 0_u64..3],
        is_silent in proptest::collection::vec([any::<bool>(), any::<bool>()], 1..30),
    ) {
        let mut world = World::new(&RULES.join(";"));
        for _ in 0..6 {
            play(&mut world, &well([0, 0], dead));
            world.pass(1);
        }
        let told = world.told();
        for is_silent in is_silent {
            play(&mut world, &Minute { is_silent, ..well([0, 0], dead) });
            world.pass(1);
            prop_assert_eq!(world.told(), told.clone());
        }
    }
}
