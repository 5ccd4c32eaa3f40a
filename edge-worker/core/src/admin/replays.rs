//! Bulk replays of all shards, put together.

use core::cmp::Reverse;

use serde::Serialize;

use super::replay_request::ReplayRequest;
use crate::ledger::bulk_replay::{BulkReplay, ReplayState, Selection};
use crate::ledger::figures::COUNT_LIMIT;
use crate::ledger::message::{CallError, Reply};
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;
use crate::time::rfc3339;

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// What a bulk replay would do, or does from now on.
#[derive(Serialize)]
struct Plan<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    events: u64,
    /// Events that would be meant, and whose bytes are gone.
    without_bytes: u64,
    /// In every shard, events beyond this number are not counted. They are delivered all the same.
    events_counted_up_to: u32,
    rate: u32,
    selection: SelectionView<'a>,
}

#[derive(Serialize)]
struct SelectionView<'a> {
    state: &'a str,
    since: Option<String>,
    until: String,
    job: Option<&'a str>,
    #[serde(rename = "type")]
    event_type: Option<&'a str>,
}

impl<'a> From<&'a Selection> for SelectionView<'a> {
    fn from(selection: &'a Selection) -> Self {
        Self {
            state: &selection.state,
            since: (selection.since_ms > 0).then(|| rfc3339(selection.since_ms)),
            until: rfc3339(selection.until_ms),
            job: selection.job_id.as_deref(),
            event_type: selection.event_type.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct List<'a> {
    replays: Vec<ReplayView<'a>>,
}

/// A bulk replay as an admin sees it.
#[derive(Serialize)]
struct ReplayView<'a> {
    id: &'a str,
    state: &'static str,
    started: String,
    rate: u32,
    selection: SelectionView<'a>,
    #[serde(flatten)]
    progress: Progress,
    /// Shards that are paused, each with why.
    paused: Vec<PausedShard<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<Vec<ShardView<'a>>>,
}

#[derive(Serialize)]
struct PausedShard<'a> {
    shard: &'a str,
    reason: String,
}

#[derive(Serialize)]
struct ShardView<'a> {
    shard: &'a str,
    state: &'static str,
    changed: String,
    #[serde(flatten)]
    progress: Progress,
}

/// How far it is.
#[derive(Clone, Copy, Default, Serialize)]
struct Progress {
    events: u64,
    released: u64,
    skipped: u64,
    delivered: u64,
    dead: u64,
}

impl Progress {
    fn and(self, part: &BulkReplay) -> Self {
        Self {
            events: self.events.saturating_add(part.events),
            released: self.released.saturating_add(part.released),
            skipped: self.skipped.saturating_add(part.skipped),
            delivered: self.delivered.saturating_add(part.delivered),
            dead: self.dead.saturating_add(part.dead),
        }
    }
}

/// The plan, or the start under a name.
pub(super) fn planned(
    replies: Vec<Replied>,
    request: &ReplayRequest,
    id: Option<&str>,
) -> Result<Response, Response> {
    let shards = replies.len();
    let (mut events, mut without_bytes, mut silent) = (0_u64, 0_u64, 0_usize);
    for reply in replies {
        match reply {
            Ok(Reply::Planned { events: more, without_bytes: gone }) => {
                events = events.saturating_add(more);
                without_bytes = without_bytes.saturating_add(gone);
            }
            Ok(Reply::Full) => {
                return Err(Outcome::ReplayRefused.response_saying(&format!(
                    "A shard has as many replays as it may that have not ended: cancel some, this one \
                     included ({}), or wait.",
                    id.unwrap_or_default()
                )));
            }
            Ok(Reply::Duplicate) => {
                let text = "There is another replay of this id: leave `id` out, or repeat the request as it was.";
                return Err(Outcome::ReplayRefused.response_saying(text));
            }
            _ => silent = silent.saturating_add(1),
        }
    }
    match id {
        Some(id) if silent > 0 => {
            return Err(Outcome::LedgerUnavailable.response_saying(&format!(
                "{silent} of {shards} shards did not answer: to start the replay there as well, send the \
                 same request with \"id\":\"{id}\"."
            )));
        }
        None if silent > 0 => return Err(Outcome::LedgerUnavailable.response()),
        _ => {}
    }
    Ok(Response::json(&Plan {
        status: if id.is_some() { "started" } else { "planned" },
        id,
        events,
        without_bytes,
        events_counted_up_to: COUNT_LIMIT,
        rate: request.rate,
        selection: (&request.selection).into(),
    }))
}

/// The parts of all shards, each with the shard's name. If a shard does not reply there are none: a list with
/// gaps would be taken for the whole.
fn parts(replies: Vec<Replied>, shards: &[String]) -> Result<Vec<(&str, BulkReplay)>, Outcome> {
    let mut parts = Vec::new();
    for (shard, reply) in shards.iter().zip(replies) {
        let Ok(Reply::Replays(replays)) = reply else { return Err(Outcome::LedgerUnavailable) };
        parts.extend(replays.into_iter().map(|replay| (shard.as_str(), replay)));
    }
    Ok(parts)
}

/// All bulk replays, those first that were started last.
pub(super) fn list(replies: Vec<Replied>, shards: &[String]) -> Result<Response, Outcome> {
    let parts = parts(replies, shards)?;
    let mut ids: Vec<_> = parts
        .iter()
        .map(|(_, part)| part.id.as_str())
        .map(|id| {
            let of_replay = parts.iter().filter(|(_, part)| part.id == id);
            (Reverse(of_replay.map(|(_, part)| part.started_ms).min()), id)
        })
        .collect();
    merge::sort(&mut ids);
    ids.dedup();
    let of = |(_, id): &(_, &str)| {
        let of_replay: Vec<_> = parts.iter().filter(|(_, part)| part.id == *id).collect();
        view(&of_replay, false)
    };
    Ok(Response::json(&List { replays: ids.iter().filter_map(of).collect() }))
}

/// One bulk replay, shard by shard.
pub(super) fn find(replies: Vec<Replied>, shards: &[String]) -> Result<Response, Outcome> {
    let parts = parts(replies, shards)?;
    let parts: Vec<_> = parts.iter().collect();
    view(&parts, true).map(|view| Response::json(&view)).ok_or(Outcome::NotFound)
}

/// A replay's parts put together; none if there are none.
fn view<'a>(parts: &[&'a (&'a str, BulkReplay)], by_shard: bool) -> Option<ReplayView<'a>> {
    let (_, first) = parts.first()?;
    let started_ms = parts.iter().map(|(_, part)| part.started_ms).min()?;
    // It runs as long as some shard does, and is paused as long as some shard has to be resumed.
    let state = [ReplayState::Running, ReplayState::Paused, ReplayState::Cancelled]
        .into_iter()
        .find(|state| parts.iter().any(|(_, part)| part.state == *state))
        .unwrap_or(ReplayState::Done);
    let paused = parts
        .iter()
        .filter_map(|(shard, part)| Some(PausedShard { shard, reason: part.reason()? }))
        .collect();
    let shard = |(shard, part): &&'a (&'a str, BulkReplay)| ShardView {
        shard,
        state: part.state.name(),
        changed: rfc3339(part.changed_ms),
        progress: Progress::default().and(part),
    };
    Some(ReplayView {
        id: &first.id,
        state: state.name(),
        started: rfc3339(started_ms),
        rate: first.rate,
        selection: (&first.selection).into(),
        progress: parts.iter().fold(Progress::default(), |sum, (_, part)| sum.and(part)),
        paused,
        shards: by_shard.then(|| parts.iter().map(shard).collect()),
    })
}

/// Whether all shards that have a part of it have paused, resumed or cancelled it.
pub(super) fn steered(replies: &[Replied]) -> Result<(), Outcome> {
    let any = |wanted: &Reply| replies.iter().any(|it| it.as_ref() == Ok(wanted));
    let is_known = |reply: &Replied| matches!(reply, Ok(Reply::Ok | Reply::Ended | Reply::Absent));
    if !replies.iter().all(is_known) {
        Err(Outcome::LedgerUnavailable)
    } else if any(&Reply::Ok) {
        Ok(())
    } else if any(&Reply::Ended) {
        Err(Outcome::ReplayRefused)
    } else {
        Err(Outcome::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::bulk_replay::Steering;
    use crate::ledger::bulk_replay::tests::replay;

    fn body(response: &Response) -> Value {
        serde_json::from_str(&response.body).unwrap()
    }

    fn broken() -> Replied {
        Err("broken".into())
    }

    fn shards(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("shard-{index}")).collect()
    }

    fn request(start: bool) -> ReplayRequest {
        let body = format!(r#"{{"state":"dead","start":{start}}}"#);
        ReplayRequest::read(body.as_bytes(), 1_700_000_000_000).unwrap()
    }

    const fn plan(events: u64) -> Reply {
        Reply::Planned { events, without_bytes: 1 }
    }

    #[test]
    fn a_plan_is_pinned() {
        let planned = |id: Option<&str>| {
            body(&planned(vec![Ok(plan(2)), Ok(plan(3))], &request(id.is_some()), id).unwrap())
        };
        let mut expected = json!({
            "status": "planned",
            "events": 5,
            "without_bytes": 2,
            "events_counted_up_to": 10_000,
            "rate": 10,
            "selection": {
                "state": "dead",
                "since": null,
                "until": "2023-11-14T22:13:20.000Z",
                "job": null,
                "type": null,
            },
        });
        assert_eq!(planned(None), expected);
        expected["status"] = "started".into();
        expected["id"] = "r-1".into();
        assert_eq!(planned(Some("r-1")), expected);
    }

    #[test]
    fn a_plan_with_gaps_is_none_and_a_start_with_gaps_says_how_to_go_on() {
        let refused = |reply: Reply, id| {
            planned(vec![Ok(plan(1)), Ok(reply)], &request(true), id).unwrap_err()
        };
        let gaps = planned(vec![Ok(plan(1)), broken()], &request(false), None).unwrap_err();
        assert_eq!(gaps.status, 503);
        let gaps = refused(Reply::Ok, Some("r-1"));
        assert_eq!(gaps.status, 503);
        assert!(gaps.body.contains("1 of 2 shards did not answer") && gaps.body.contains("r-1"));
        let full = refused(Reply::Full, Some("r-1"));
        assert_eq!((full.status, full.body.contains("cancel some")), (409, true));
        let other = refused(Reply::Duplicate, Some("r-1"));
        assert_eq!((other.status, other.body.contains("another replay of this id")), (409, true));
    }

    #[test]
    fn a_replay_is_pinned() {
        let paused = replay(5).steered(Steering::Pause, 1_700_000_000_000).unwrap();
        let parts = vec![
            Ok(Reply::Replays(vec![BulkReplay {
                released: 2,
                delivered: 1,
                dead: 1,
                ..replay(5)
            }])),
            Ok(Reply::Replays(Vec::new())),
            Ok(Reply::Replays(vec![paused])),
        ];
        let mut expected = json!({
            "id": "r-1",
            "state": "running",
            "started": "1970-01-01T00:00:01.000Z",
            "rate": 10,
            "selection": {
                "state": "dead",
                "since": null,
                "until": "1970-01-01T00:00:01.000Z",
                "job": null,
                "type": null,
            },
            "events": 6,
            "released": 2,
            "skipped": 0,
            "delivered": 1,
            "dead": 1,
            "paused": [{ "shard": "shard-2", "reason": "an admin has paused it" }],
        });
        let listed = body(&list(parts.clone(), &shards(3)).unwrap());
        assert_eq!(listed, json!({ "replays": [expected.clone()] }));
        let part = |shard, state, changed, released, delivered, dead| {
            json!({
                "shard": shard,
                "state": state,
                "changed": changed,
                "events": 3,
                "released": released,
                "skipped": 0,
                "delivered": delivered,
                "dead": dead,
            })
        };
        expected["shards"] = json!([
            part("shard-0", "running", "1970-01-01T00:00:01.000Z", 2, 1, 1),
            part("shard-2", "paused", "2023-11-14T22:13:20.000Z", 0, 0, 0),
        ]);
        assert_eq!(body(&find(parts, &shards(3)).unwrap()), expected);
    }

    #[test]
    fn it_ends_when_all_shards_have() {
        let state = |parts: Vec<BulkReplay>| {
            let replies: Vec<_> =
                parts.into_iter().map(|part| Ok(Reply::Replays(vec![part]))).collect();
            let shards = shards(replies.len());
            body(&find(replies, &shards).unwrap())["state"].as_str().unwrap().to_owned()
        };
        let cancelled = || replay(5).steered(Steering::Cancel, 7).unwrap();
        let paused = || replay(5).steered(Steering::Pause, 7).unwrap();
        assert_eq!(state(vec![replay(5).done(7), replay(5).done(7)]), "done");
        assert_eq!(state(vec![replay(5).done(7), replay(5)]), "running");
        assert_eq!(state(vec![replay(5).done(7), paused()]), "paused");
        assert_eq!(state(vec![replay(5).done(7), cancelled()]), "cancelled");
    }

    #[test]
    fn what_is_not_there_or_not_known_is_said() {
        let none = || Ok(Reply::Replays(Vec::new()));
        assert_eq!(find(vec![none(), none()], &shards(2)), Err(Outcome::NotFound));
        assert_eq!(find(vec![none(), broken()], &shards(2)), Err(Outcome::LedgerUnavailable));
        assert_eq!(list(vec![none(), broken()], &shards(2)), Err(Outcome::LedgerUnavailable));
        let (ok, ended, absent) = (|| Ok(Reply::Ok), || Ok(Reply::Ended), || Ok(Reply::Absent));
        assert_eq!(steered(&[ok(), ended(), absent()]), Ok(()));
        assert_eq!(steered(&[ok(), broken()]), Err(Outcome::LedgerUnavailable));
        assert_eq!(steered(&[ended(), absent()]), Err(Outcome::ReplayRefused));
        assert_eq!(steered(&[absent(), absent()]), Err(Outcome::NotFound));
    }
}
