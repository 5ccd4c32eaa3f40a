//! The origin's side: what it does with each request is planned, what it sees is recorded.

use std::sync::{Arc, Mutex};

use nextapi_testkit::{EventBody, Origin, Received, Reply};

use crate::history::{DeliveryNumber, EventNumber, Fact, Reception, Recorder, Step};
use crate::plan::Event;

/// The name of one delivery, which the edge hands on to the origin and to its log.
pub(crate) fn correlation_id(event: EventNumber, delivery: DeliveryNumber) -> String {
    format!("chaos-{event}-{delivery}")
}

/// The event and the delivery of that name.
pub(crate) fn parse_correlation_id(id: &str) -> Option<(EventNumber, DeliveryNumber)> {
    let (event, delivery) = id.strip_prefix("chaos-")?.split_once('-')?;
    Some((event.parse().ok()?, delivery.parse().ok()?))
}

/// Lets `origin` do as planned.
pub(crate) fn conduct(
    origin: &Origin,
    events: &[Event],
    bodies: Arc<Vec<EventBody>>,
    recorder: Recorder,
) {
    let conducts: Vec<_> = events.iter().map(|event| event.conducts.clone()).collect();
    let received = Mutex::new(vec![0_usize; events.len()]);
    origin.reply_with(move |request| {
        let delivery = request.header("x-correlation-id").and_then(parse_correlation_id);
        let Some((event, delivery)) = delivery.filter(|(event, _)| *event < conducts.len()) else {
            recorder.note(Fact::Stray);
            return Reply::default();
        };
        let conducts = &conducts[event];
        let mut received = received.lock().unwrap();
        let conduct = *conducts.get(received[event]).or(conducts.last()).unwrap();
        received[event] += 1;
        let reception = Reception {
            attempt: request.attempt(),
            idempotency_key: request.idempotency_key().map(str::to_owned),
            is_same_body: is_same(request, &bodies[event]),
            conduct,
            replay: request.header("x-edge-replay").map(str::to_owned),
        };
        // Under the lock, so that the order of the record is that of the count.
        recorder.note_step(event, delivery, Step::Received(reception));
        drop(received);
        let recorder = recorder.clone();
        let reply = conduct.reply();
        match conduct.status() {
            Some(status) => reply.on_answer(move || {
                recorder.note_step(event, delivery, Step::OriginAnswered(status));
            }),
            None => reply,
        }
    });
}

fn is_same(request: &Received, body: &EventBody) -> bool {
    request.body()[..] == body.bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_found_by_its_name() {
        assert_eq!(parse_correlation_id(&correlation_id(9_999, 12)), Some((9_999, 12)));
        for other in ["", "chaos-", "chaos-1", "chaos-1-", "chaos-a-1", "1-1"] {
            assert_eq!(parse_correlation_id(other), None, "{other}");
        }
    }
}
