//! Machines without a platform: each step by hand.

mod admin;
mod deliveries;
mod jobs;
mod long_bodies;
mod refusals;
mod replays;
mod tokens;
mod tracing;

use nextapi_webhook::{Key, UnixTime};

use super::*;
use crate::counts::Counts;
use crate::isolate::Bindings;
use crate::ledger::message::{Call, Reply};
use crate::ledger::order::Order;
use crate::outcome::OriginResult;
use crate::settings::tests::{SECRET, settings_with};

const NOW_MS: u64 = 1_700_000_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job_id":"job_1"}}"#;
const GRANTED: Reply = Reply::Granted { token: 1, order: Order::InOrder };

/// With which the answer waits for the origin, so that the tests of the machine can follow it all the way.
const THROUGH: (&str, &str) = ("DELIVERY", "through");
const ADMIN: &str = "0123456789abcdef";
const AS_ADMIN: (&str, &str) = ("authorization", "Bearer 0123456789abcdef");
const FROM: (&str, &str) = ("cf-connecting-ip", "192.0.2.7");

fn isolate(bindings: Bindings) -> Isolate {
    Isolate::new(Ok(settings_with(&[("ADMIN_TOKEN", ADMIN), THROUGH])), bindings)
}

fn random() -> Random {
    Random::from_bytes(&[7; 40])
}

/// The signature of a body, made now.
fn signature(secret: &str, body: &[u8]) -> String {
    let key = Key::new(secret.as_bytes()).unwrap();
    key.sign(UnixTime::from_secs(NOW_MS / 1_000), body).to_string()
}

/// A machine that was begun, and where it has come to.
struct Run {
    isolate: Isolate,
    machine: Option<Machine>,
    output: Output,
}

impl Run {
    /// Begins a request.
    fn request(mut isolate: Isolate, method: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let request = Request::new(method, &format!("https://edge.test{path}"), headers);
        let (machine, output) = Machine::begin(&mut isolate, request, random(), NOW_MS);
        Self { isolate, machine, output }
    }

    /// Begins a delivery with these headers alone.
    fn webhook(isolate: Isolate, headers: &[(&str, &str)]) -> Self {
        Self::request(isolate, "POST", "/webhook", headers)
    }

    /// Begins a delivery, signed over `BODY`, with more headers.
    fn delivery(isolate: Isolate, more: &[(&str, &str)]) -> Self {
        let signature = signature(SECRET, BODY);
        let headers = [
            ("x-nextapi-signature", signature.as_str()),
            ("user-agent", "NextAPI/1"),
            ("cookie", "a=b"),
        ];
        Self::webhook(isolate, &[&headers, more].concat())
    }

    fn begin(bindings: Bindings, more: &[(&str, &str)]) -> Self {
        Self::delivery(isolate(bindings), more)
    }

    fn to_origin() -> Self {
        let mut run = Self::begin(Bindings::default(), &[]);
        run.handle(body(BODY), NOW_MS);
        run.handle(replied(&GRANTED), NOW_MS);
        run
    }

    fn handle(&mut self, input: Input, now_ms: u64) -> &Output {
        let machine = self.machine.take().expect("the machine has ended");
        (self.machine, self.output) = machine.handle(&mut self.isolate, input, now_ms);
        let is_end = matches!(self.output, Output::Respond { .. } | Output::End { .. });
        assert_eq!(self.machine.is_none(), is_end);
        &self.output
    }

    /// The calls, each with its shard.
    fn calls(&self) -> Vec<(String, Call)> {
        let Output::CallLedger { calls, .. } = &self.output else {
            panic!("no call: {:?}", self.output)
        };
        calls.iter().map(|it| (it.shard.clone(), Call::decode(&it.message).unwrap())).collect()
    }

    /// The one call of a delivery.
    fn call(&self) -> Call {
        assert!(matches!(self.output, Output::CallLedger { deadline_ms: 3_000, .. }));
        let [(_, call)] = <[_; 1]>::try_from(self.calls()).unwrap();
        call
    }

    /// Has all shards reply until the response: the calls of each round, and the response.
    fn answered(
        mut self,
        reply: impl Fn(&str, &Call) -> Reply,
    ) -> (Vec<Vec<(String, Call)>>, Response) {
        let mut rounds = Vec::new();
        loop {
            match &self.output {
                Output::Respond { response, .. } => return (rounds, response.clone()),
                Output::AskWatch { .. } => {
                    let page = r#"{"rules":[],"notifications":[]}"#;
                    self.handle(Input::Watch(Ok(page.to_owned())), NOW_MS);
                }
                _ => {
                    let calls = self.calls();
                    let replies = calls.iter().map(|(shard, call)| reply(shard, call));
                    self.handle(all_replied(replies), NOW_MS);
                    rounds.push(calls);
                }
            }
        }
    }

    fn response(&self) -> &Response {
        let Output::Respond { response, .. } = &self.output else {
            panic!("no response: {:?}", self.output)
        };
        response
    }

    /// The code of the response, and its log line.
    fn code(&self) -> (String, String) {
        let body: serde_json::Value = serde_json::from_str(&self.response().body).unwrap();
        let code = body.get("status").unwrap_or_else(|| &body["error"]["code"]);
        (code.as_str().unwrap().to_owned(), log(&self.output).unwrap_or_default())
    }
}

/// The log line that comes with an output.
fn log(output: &Output) -> Option<String> {
    match output {
        Output::Respond { log, .. }
        | Output::RespondEarly { log, .. }
        | Output::End { log, .. } => log.clone(),
        output => panic!("no line: {output:?}"),
    }
}

fn body(bytes: &[u8]) -> Input {
    Input::Body(bytes.to_vec())
}

fn replied(reply: &Reply) -> Input {
    Input::LedgerReplies(reply.encode())
}

fn all_replied(replies: impl IntoIterator<Item = Reply>) -> Input {
    let replies: Vec<_> = replies.into_iter().map(|reply| reply.encode()).collect();
    Input::LedgerReplies(replies.join("\n"))
}

fn broken() -> Input {
    Input::LedgerReplies(r#"{"error":{"message":"broken","overloaded":false}}"#.to_owned())
}
