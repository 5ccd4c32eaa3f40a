//! Short histories by hand, good ones and bad ones.

use core::time::Duration;

use super::*;
use crate::history::Entry;

/// A history of events that is written step by step.
#[derive(Default)]
struct Story(History);

impl Story {
    fn fact(mut self, fact: Fact) -> Self {
        self.0.entries.push(Entry { at: Duration::ZERO, fact });
        self
    }

    fn step(self, delivery: DeliveryNumber, step: Step) -> Self {
        self.fact(Fact::Delivery { event: 0, delivery, step })
    }

    fn sent(self, delivery: DeliveryNumber) -> Self {
        self.step(delivery, Step::Sent)
    }

    fn received(self, delivery: DeliveryNumber, attempt: u64, conduct: Conduct) -> Self {
        let reception = Reception {
            attempt: Some(attempt),
            idempotency_key: Some("event-0".to_owned()),
            is_same_body: true,
            conduct,
            replay: None,
        };
        let story = self.step(delivery, Step::Received(reception));
        match conduct.status() {
            Some(status) => story.step(delivery, Step::OriginAnswered(status)),
            None => story,
        }
    }

    fn answered(self, delivery: DeliveryNumber, status: u16) -> Self {
        self.step(delivery, Step::Answered { status, code: "code".to_owned() })
    }

    fn logged(mut self, delivery: DeliveryNumber, outcome: &str, settlement: &str) -> Self {
        self.0.log.push(LogEntry {
            event: 0,
            delivery,
            outcome: outcome.to_owned(),
            attempt: Some(delivery as u64 + 1),
            settlement: Some(settlement.to_owned()),
            is_attempt: false,
        });
        self
    }

    /// Delivery `delivery` goes well, as the attempt of the next number.
    fn forwarded(self, delivery: DeliveryNumber) -> Self {
        self.sent(delivery)
            .received(delivery, delivery as u64 + 1, Conduct::Answer(200))
            .answered(delivery, 200)
            .logged(delivery, "forwarded", "committed")
    }

    fn breaches(&self) -> Vec<Breach> {
        Verdict::of(1, &self.0).breaches.into_iter().map(|(breach, _)| breach).collect()
    }

    /// The only reason why the event came again, which it did without a breach.
    fn reason(&self) -> Reason {
        let verdict = Verdict::of(1, &self.0);
        assert_eq!(verdict.breaches, []);
        assert_eq!(verdict.again.values().sum::<usize>(), 1);
        *verdict.again.keys().next().unwrap()
    }
}

/// The first attempt meets `conduct` and is logged with `outcome`; the second one goes well.
fn again(conduct: Conduct, outcome: &str) -> Story {
    Story::default()
        .sent(0)
        .received(0, 1, conduct)
        .answered(0, 502)
        .logged(0, outcome, "released")
        .forwarded(1)
}

#[test]
fn an_event_that_goes_through_is_well() {
    let story = Story::default().forwarded(0);
    assert_eq!(story.breaches(), []);
    let story = story.sent(1).answered(1, 200);
    assert_eq!(story.breaches(), []);
}

#[test]
fn an_event_that_never_arrives_is_lost() {
    assert_eq!(Story::default().breaches(), [Breach::Lost]);
    let story = Story::default().sent(0).received(0, 1, Conduct::Hang).answered(0, 504);
    assert_eq!(story.breaches(), [Breach::Lost]);
}

/// The origin has it, but the provider was never told: it would go on, or give up.
#[test]
fn an_event_without_an_end_is_lost() {
    let story = Story::default().sent(0).received(0, 1, Conduct::Answer(200)).answered(0, 409);
    assert_eq!(story.breaches(), [Breach::Lost]);
}

#[test]
fn a_2xx_before_the_origin_s_is_early() {
    let story = Story::default().sent(1).answered(1, 200).forwarded(0);
    assert!(story.breaches().contains(&Breach::AcknowledgedEarly));
    let story = Story::default().sent(0).received(0, 1, Conduct::Answer(500)).answered(0, 200);
    assert_eq!(story.breaches(), [Breach::Lost, Breach::AcknowledgedEarly]);
}

#[test]
fn a_2xx_while_the_origin_is_still_thinking_is_early() {
    let mut story = Story::default().sent(0).sent(1).received(0, 1, Conduct::Answer(200));
    let answer = story.0.entries.pop().unwrap();
    let story = story.answered(1, 200).fact(answer.fact).answered(0, 200);
    assert_eq!(story.breaches(), [Breach::AcknowledgedEarly]);
}

#[test]
fn again_after_the_provider_was_told_is_a_breach() {
    let mut story = Story::default().forwarded(0).forwarded(1);
    // The log is not needed to see it.
    story.0.log.clear();
    assert_eq!(story.breaches(), [Breach::AgainAfterCommit]);
}

#[test]
fn again_after_a_commit_that_only_the_log_knows_of_is_a_breach() {
    let story = Story::default()
        .sent(0)
        .received(0, 1, Conduct::Answer(200))
        .logged(0, "forwarded", "committed")
        .fact(Fact::EngineKilled)
        .step(0, Step::Unanswered)
        .fact(Fact::EngineBack)
        .forwarded(1);
    assert_eq!(story.breaches(), [Breach::AgainAfterCommit]);
}

#[test]
fn again_after_a_commit_that_was_lost_has_its_reason() {
    for settlement in ["commit_failed", "commit_refused"] {
        let story = Story::default()
            .sent(0)
            .received(0, 1, Conduct::Answer(200))
            .answered(0, 200)
            .logged(0, "forwarded", settlement)
            .forwarded(1);
        assert_eq!(story.reason(), Reason::LostCommit);
    }
}

#[test]
fn again_after_a_fault_has_its_reason() {
    for (conduct, outcome, reason) in [
        (Conduct::Answer(500), "origin_failed", Reason::Refused),
        (Conduct::Answer(404), "origin_rejected", Reason::Refused),
        (Conduct::Hang, "origin_timeout", Reason::TimeOut),
        (Conduct::Late(Duration::ZERO), "origin_timeout", Reason::TimeOut),
        (Conduct::Answer(200), "origin_timeout", Reason::TimeOutOfPromptAnswer),
        (Conduct::Close, "origin_unreachable", Reason::Closed),
        (Conduct::Reset, "origin_unreachable", Reason::Reset),
        (Conduct::Half, "origin_unreachable", Reason::CutInAnswer),
    ] {
        assert_eq!(again(conduct, outcome).reason(), reason, "{conduct}, {outcome}");
    }
}

/// The edge says that the origin has failed, and the origin has not.
#[test]
fn again_after_a_fault_that_was_none_is_a_breach() {
    for outcome in ["origin_failed", "origin_rejected", "origin_unreachable", "in_flight", "new"] {
        let story = again(Conduct::Answer(200), outcome);
        assert_eq!(story.breaches(), [Breach::AgainWithoutReason], "{outcome}");
    }
}

#[test]
fn an_origin_that_goes_away_cuts_what_is_under_way_and_nothing_else() {
    let requested = |story: Story| story.sent(0).received(0, 1, Conduct::Answer(200));
    let refused = |story: Story| story.answered(0, 502).logged(0, "origin_unreachable", "released");
    let gone = |story: Story| story.fact(Fact::OriginGone);
    let back = |story: Story| story.fact(Fact::OriginBack);
    let begin = Story::default;

    let during = back(refused(gone(requested(begin())))).forwarded(1);
    assert_eq!(during.reason(), Reason::OriginGone);
    // It has begun to go when it gets its last request.
    let last = back(refused(requested(gone(begin())))).forwarded(1);
    assert_eq!(last.reason(), Reason::OriginGone);
    let before = refused(requested(back(gone(begin())))).forwarded(1);
    assert_eq!(before.breaches(), [Breach::AgainWithoutReason]);
    let after = back(gone(refused(requested(begin())))).forwarded(1);
    assert_eq!(after.breaches(), [Breach::AgainWithoutReason]);
}

#[test]
fn an_attempt_that_was_not_logged_was_cut_off_by_a_kill_or_is_a_breach() {
    let requested = |story: Story| story.sent(0).received(0, 1, Conduct::Answer(200));
    let killed = |story: Story| story.fact(Fact::EngineKilled);
    let back = |story: Story| story.fact(Fact::EngineBack);
    let begin = Story::default;
    let cut = |story: Story| story.step(0, Step::Unanswered);

    let during = back(cut(killed(requested(begin())))).forwarded(1);
    assert_eq!(during.reason(), Reason::Crash);
    let last = back(cut(requested(killed(begin())))).forwarded(1);
    assert_eq!(last.reason(), Reason::Crash);
    for unexplained in [
        cut(requested(begin())),
        cut(requested(back(killed(begin())))),
        back(killed(requested(begin()).answered(0, 502))),
    ] {
        assert_eq!(unexplained.forwarded(1).breaches(), [Breach::AgainWithoutReason]);
    }
}

/// Changes the second of two receptions that are well.
fn with_reception(change: impl FnOnce(&mut Reception)) -> Vec<Breach> {
    let mut story = again(Conduct::Answer(500), "origin_failed");
    let receptions = story.0.entries.iter_mut().filter_map(|entry| match &mut entry.fact {
        Fact::Delivery { step: Step::Received(reception), .. } => Some(reception),
        _ => None,
    });
    change(receptions.last().unwrap());
    story.breaches()
}

#[test]
fn what_is_wrong_with_a_request_is_a_breach() {
    assert_eq!(with_reception(|_| {}), []);
    assert_eq!(with_reception(|request| request.is_same_body = false), [Breach::OtherBody]);
    for attempt in [None, Some(0), Some(1)] {
        let breaches = with_reception(|request| request.attempt = attempt);
        assert_eq!(breaches, [Breach::AttemptNotHigher], "{attempt:?}");
    }
    for key in [None, Some("event-1".to_owned())] {
        let breaches = with_reception(|request| request.idempotency_key = key);
        assert_eq!(breaches, [Breach::OtherKey]);
    }
}

#[test]
fn two_events_with_one_key_are_a_breach() {
    let mut history = Story::default().forwarded(0).0;
    for mut entry in history.entries.clone() {
        if let Fact::Delivery { event, .. } = &mut entry.fact {
            *event = 1;
        }
        history.entries.push(entry);
    }
    assert_eq!(Verdict::of(2, &history).breaches, [(Breach::OtherKey, Some(1))]);
}

#[test]
fn a_request_out_of_nowhere_is_a_breach() {
    let story = Story::default().forwarded(0).fact(Fact::Stray);
    assert_eq!(story.breaches(), [Breach::Stray]);
}
