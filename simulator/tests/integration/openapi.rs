//! The simulator against the document that describes it.

use std::collections::BTreeSet;

use http::Method;
use nextapi_simulator::{
    ApiFaults, ApiKeys, Behaviour, Client, DeliveryOutcome, Moderation, Response, Simulator,
};
use nextapi_testkit::{Credits, Origin};
use serde_json::{Value, json};

use crate::support::{SOON, builder, example, quick};

const SUBMIT: &str = "/v1/video/generations";
const RETRIEVE: &str = "/v1/video/generations/{id}";
const DELIVERIES: &str = "/_provider/deliveries";
const BOOKS: &str = "/_provider/books";
const EVENTS: &str = "/_provider/events";
const REDELIVER: &str = "/_provider/events/{id}/redeliver";

/// Compares every answer with what is documented, and remembers what was seen.
struct Checker {
    document: Value,
    seen: BTreeSet<(String, String, String)>,
}

impl Checker {
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let found = self.document.pointer(reference.trim_start_matches('#'));
                self.resolve(found.unwrap_or_else(|| panic!("{reference} leads nowhere")))
            }
            None => value,
        }
    }

    fn validator(&self, schema: &Value) -> jsonschema::Validator {
        // The schema's references lead into the document.
        let root = json!({ "allOf": [schema], "components": self.document["components"] });
        jsonschema::draft202012::new(&root).unwrap()
    }

    fn check(&self, schema: &Value, value: &Value, what: &str) {
        let errors: Vec<_> =
            self.validator(schema).iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{what}: {errors:?} in {value}");
    }

    fn note(&mut self, method: &Method, path: &str, response: &Response) {
        let (method, status) = (method.as_str().to_lowercase(), response.status.to_string());
        let what = format!("{method} {path} {status}");
        let responses = &self.document["paths"][path][&method]["responses"];
        // All server errors are one entry.
        let status = match response.status / 100 {
            5 => "5XX".to_owned(),
            _ => status,
        };
        let documented = &responses[&status];
        assert!(documented.is_object(), "{what} is not documented: {}", response.body);
        let documented = self.resolve(documented);
        let content = &documented["content"]["application/json"]["schema"];
        assert_eq!(response.headers["content-type"], "application/json", "{what}");
        assert!(content.is_object(), "{what}");
        self.check(content, &response.body, &what);
        for (name, header) in documented["headers"].as_object().into_iter().flatten() {
            let value = response.headers[name].to_str().unwrap();
            let value: u64 = value.parse().unwrap();
            self.check(&self.resolve(header)["schema"], &json!(value), &format!("{what} {name}"));
        }
        self.seen.insert((path.to_owned(), method, status));
    }

    async fn call(
        &mut self,
        client: &Client,
        (method, path, real): (Method, &str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let response = client.call(method.clone(), real, headers, body.to_owned()).await.unwrap();
        self.note(&method, path, &response);
        response
    }

    fn documented(&self) -> BTreeSet<(String, String, String)> {
        let mut all = BTreeSet::new();
        for (path, methods) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for status in operation["responses"].as_object().unwrap().keys() {
                    all.insert((path.clone(), method.clone(), status.clone()));
                }
            }
        }
        all
    }
}

async fn start(origin: &Origin, behaviour: Behaviour) -> (Simulator, Client, Checker) {
    let keys = ApiKeys::parse("live:key-1 live-admin:key-2").unwrap();
    let builder = builder(&origin.url(), behaviour).moderation(Moderation::refusing(["canary"]));
    let simulator = builder.start(keys).await.unwrap();
    let client = Client::new(&simulator.url(), "key-1").unwrap();
    let document = client.get("/openapi.json");
    let checker = Checker { document: document.await.unwrap().body, seen: BTreeSet::new() };
    (simulator, client, checker)
}

#[tokio::test]
async fn every_documented_answer_occurs_and_is_as_documented() {
    let origin = Origin::start().await.unwrap();
    // Enough for four of the five jobs that are asked for.
    let credits = Credits::from_thousandths(4_200);
    let (simulator, client, mut checker) =
        start(&origin, Behaviour { failure_rate: 0.5, credits, ..quick() }).await;
    let submit = || (Method::POST, SUBMIT, SUBMIT);
    let nobody = Client::new(&simulator.url(), "").unwrap();
    let admin = Client::new(&simulator.url(), "key-2").unwrap();

    checker.call(&nobody, (Method::GET, "/openapi.json", "/openapi.json"), &[], "").await;
    let key = [("idempotency-key", "order-7")];
    let body = example().to_string();
    let id = checker.call(&client, submit(), &key, &body).await.id().unwrap();
    checker.call(&client, submit(), &key, "{}").await;
    checker.call(&client, submit(), &[], "{}").await;
    let refused = body.replace("fox", "canary");
    assert_eq!(checker.call(&client, submit(), &[], &refused).await.status, 422);
    checker.call(&client, submit(), &[], &" ".repeat(1 << 20)).await;
    checker.call(&nobody, submit(), &[], &body).await;

    // Jobs at every stage of their lives, both ends among them.
    let path = format!("{SUBMIT}/{id}");
    let retrieve = || (Method::GET, RETRIEVE, path.as_str());
    let mut ends = BTreeSet::new();
    for number in 0..4 {
        let id = if number == 0 {
            id.clone()
        } else {
            checker.call(&client, submit(), &[], &body).await.id().unwrap()
        };
        let path = format!("{SUBMIT}/{id}");
        let mut job = Value::Null;
        for events in 1..=3 {
            // What an event tells is so when it arrives, and may be past when we ask.
            origin.wait_for(3 * number + events, SOON).await.unwrap();
            let answer = checker.call(&client, (Method::GET, RETRIEVE, &path), &[], "");
            job = answer.await.body;
        }
        let end = job["status"].as_str().unwrap().to_owned();
        ends.insert(end);
    }
    assert_eq!(ends.len(), 2, "the seed lets some fail and some succeed: {ends:?}");
    // Sixty seconds cost more than is left.
    let mut long = example();
    long["duration_seconds"] = json!(60);
    let refused = checker.call(&client, submit(), &[], &long.to_string()).await;
    assert_eq!(refused.error(), (402, "insufficient_credits"));

    checker.call(&nobody, retrieve(), &[], "").await;
    checker.call(&client, retrieve(), &[("x-nextapi-environment", "prod")], "").await;
    let none = format!("{SUBMIT}/job_none");
    checker.call(&client, (Method::GET, RETRIEVE, &none), &[], "").await;
    for query in ["", "?limit=2&offset=1", "?limit=0"] {
        let path = format!("{SUBMIT}{query}");
        checker.call(&client, (Method::GET, SUBMIT, &path), &[], "").await;
    }
    checker.call(&nobody, (Method::GET, SUBMIT, SUBMIT), &[], "").await;

    // An admin key has 300 requests; what comes after is refused everywhere.
    while admin.get(&path).await.unwrap().status != 429 {}
    for what in [submit(), retrieve(), (Method::GET, SUBMIT, SUBMIT)] {
        let refused = checker.call(&admin, what, &[], &body).await;
        assert_eq!(refused.error(), (429, "rate_limit_exceeded"));
        assert_eq!(refused.headers["x-ratelimit-remaining"], "0");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }

    let events = origin.wait_for(12, SOON).await.unwrap();
    let event = nextapi_webhook::Event::read_unverified(events[0].body()).unwrap();
    for (id, status) in [(event.id().unwrap(), 202), ("evt_none", 404)] {
        let path = format!("/_provider/events/{id}/redeliver");
        let answer = checker.call(&nobody, (Method::POST, REDELIVER, &path), &[], "").await;
        assert_eq!(answer.status, status);
    }
    for query in ["?limit=100", "?limit=0"] {
        let path = format!("{DELIVERIES}{query}");
        checker.call(&nobody, (Method::GET, DELIVERIES, &path), &[], "").await;
    }
    let clock = "/_provider/clock";
    checker.call(&nobody, (Method::GET, clock, clock), &[], "").await;
    for body in ["{\"advance_seconds\":7}", "{\"advance_seconds\":-1}"] {
        checker.call(&nobody, (Method::POST, clock, clock), &[], body).await;
    }
    for query in ["?limit=100", "?dropped=maybe"] {
        let path = format!("{EVENTS}{query}");
        checker.call(&nobody, (Method::GET, EVENTS, &path), &[], "").await;
    }
    for query in ["?limit=3", "?limit=0"] {
        let path = format!("{BOOKS}{query}");
        checker.call(&nobody, (Method::GET, BOOKS, &path), &[], "").await;
    }
    let usage = "/_provider/usage";
    checker.call(&nobody, (Method::GET, usage, usage), &[], "").await;
    let accounts = "/_provider/accounts";
    checker.call(&nobody, (Method::GET, accounts, accounts), &[], "").await;
    assert!(simulator.deliveries().iter().any(|r| r.outcome() == DeliveryOutcome::Answered(200)));

    // What fails does so on purpose.
    let api_faults = ApiFaults { fail_before: 1.0, ..ApiFaults::default() };
    let (_failing, client, _) = start(&origin, Behaviour { api_faults, ..quick() }).await;
    for what in [submit(), retrieve(), (Method::GET, SUBMIT, SUBMIT)] {
        checker.call(&client, what, &[], &body).await;
    }

    assert_eq!(checker.seen, checker.documented());
}

#[tokio::test]
async fn a_request_is_taken_exactly_if_it_is_documented() {
    let origin = Origin::start().await.unwrap();
    let (_simulator, client, checker) = start(&origin, quick()).await;
    let schema = json!({ "$ref": "#/components/schemas/Generation" });
    let validator = checker.validator(&schema);
    let mut bodies = vec![json!([]), json!(null), json!("text"), json!({}), example()];
    for (field, values) in [
        (
            "model",
            json!(["seedance-2.0", "seedance-2.0-fast-1", "seedance-2.01", "veo", "", 7, null]),
        ),
        ("prompt", json!(["x", "", " \n\t", "ü".repeat(5_000), "ü".repeat(5_001), null, 7])),
        ("duration_seconds", json!([1, 60, 0, 61, -1, 6.5, "6", null, true])),
        ("resolution", json!(["480p", "720p", "1080P", "4k", "", null, 1080])),
        ("something_else", json!([1, null])),
    ] {
        for value in values.as_array().unwrap() {
            let mut body = example();
            body[field] = value.clone();
            bodies.push(body);
        }
    }
    for body in bodies {
        let response = client.submit(&[], &body).await.unwrap();
        let expected = if validator.is_valid(&body) { 200 } else { 400 };
        assert_eq!(response.status, expected, "{body}: {}", response.body);
    }
}

#[tokio::test]
async fn what_is_not_documented_is_refused_in_the_documented_shape() {
    let origin = Origin::start().await.unwrap();
    let (_simulator, client, checker) = start(&origin, quick()).await;
    let schema = json!({ "$ref": "#/components/schemas/Error" });
    for (method, path, status) in [
        (Method::GET, "/", 404),
        (Method::GET, "/v1/video", 404),
        (Method::DELETE, SUBMIT, 405),
        (Method::PUT, DELIVERIES, 405),
        (Method::GET, "/v1/video/generations/%ff", 404),
        (Method::GET, "/v1/video/generations?limit=%ff", 400),
    ] {
        let response = client.call(method, path, &[], String::new()).await.unwrap();
        assert_eq!(response.error(), (status, "invalid_request"), "{path}");
        checker.check(&schema, &response.body, path);
    }
}
