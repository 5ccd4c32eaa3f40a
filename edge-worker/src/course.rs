//! The course of one request: the steps of [`delivery`](crate::delivery), one after the other, with
//! the calls of the platform between them. What to do is decided there; here it is done.

use core::time::Duration;

use futures_channel::oneshot;
use nextapi_webhook::UnixTime;
use worker::{Context, Delay, Env, Headers, Request, Response};

use crate::body::{self, TooLarge};
use crate::client_address;
use crate::delivery::{self, Authentic, Route};
use crate::forward::{self, Forward};
use crate::ledger::client;
use crate::ledger::entry::Token;
use crate::ledger::order::Order;
use crate::ledger::shard;
use crate::outcome::{Answer, OriginResult, Outcome};
use crate::rate_limiter::RateLimiter;
use crate::record::{Record, Settlement};
use crate::settings::{Problem, Refused, Settings};
use crate::time::rfc3339;
use crate::trace::{self, Random, TraceContext};
use crate::{operator, origin, platform};

/// Answers one request.
pub(crate) async fn answer(
    request: Request,
    env: Env,
    context: &Context,
) -> worker::Result<Response> {
    let random = platform::random()?;
    let offered_id = header(&request, forward::CORRELATION_ID);
    let correlation_id = trace::correlation_id(offered_id.as_deref(), &random);
    let settings = platform::settings(&env);
    let webhook_path = match settings {
        Ok(settings) => Some(settings.webhook_path.as_str()),
        Err(refused) => refused.webhook_path.as_deref(),
    };
    // 1.
    let answer = match delivery::route(request.method().as_ref(), &request.path(), webhook_path) {
        Route::Health => health(&request, settings),
        Route::Operator => match settings {
            Ok(settings) => {
                let method = request.method();
                let url = request.inner().url();
                operator::course::answer(
                    settings,
                    &env,
                    header(&request, "authorization").as_deref(),
                    (method.as_ref(), &request.path(), delivery::query(&url)),
                    &correlation_id,
                )
                .await
            }
            // The token is one of the settings.
            Err(_) => Outcome::NotFound.answer(),
        },
        Route::Nowhere(outcome) => {
            platform::count(outcome);
            outcome.answer()
        }
        Route::Delivery => {
            let record = Record::new(rfc3339(platform::now_ms()), correlation_id.clone());
            deliver(request, env, context, settings, random, record).await.answer()
        }
    };
    respond(answer, &correlation_id)
}

/// Whether the settings are sound, and if not, everything that is wrong with them.
fn health(request: &Request, settings: &Result<Settings, Refused>) -> Answer {
    match sound(request, settings) {
        Ok(_) => Answer::ok("ok"),
        Err(problems) => Outcome::Misconfigured.answer_saying(&problems.join("; ")),
    }
}

/// The settings, if they are sound for this request as well.
fn sound<'a>(
    request: &Request,
    settings: &'a Result<Settings, Refused>,
) -> Result<&'a Settings, Vec<String>> {
    let in_words = |problems: &[Problem]| problems.iter().map(Problem::to_string).collect();
    match settings {
        Err(refused) => Err(in_words(&refused.problems)),
        Ok(settings) => match settings.origin_is_own(&request.inner().url()) {
            Some(problem) => Err(in_words(&[problem])),
            None => Ok(settings),
        },
    }
}

/// A delivery that is authentic, with all that the rest of its way needs.
struct Claimant {
    settings: &'static Settings,
    env: Env,
    headers: Vec<(String, String)>,
    signature_header: &'static str,
    body: Vec<u8>,
    authentic: Authentic,
    trace: TraceContext,
    random: Random,
    record: Record,
}

async fn deliver(
    mut request: Request,
    env: Env,
    context: &Context,
    settings: &'static Result<Settings, Refused>,
    random: Random,
    mut record: Record,
) -> Outcome {
    let settings = match sound(&request, settings) {
        Ok(settings) => settings,
        Err(problems) => {
            record.problems = problems;
            return ended(&env, record, Outcome::Misconfigured);
        }
    };
    #[cfg(feature = "planted")]
    let planted = crate::planted::Fault::asked_for(header(&request, "x-planted"));
    #[cfg(feature = "planted")]
    crate::planted::strike_before_verifying(planted);
    // 1. to 4.
    let is_limited = RateLimiter::is_bound(&env);
    let address = if is_limited || settings.source_networks.is_some() {
        header(&request, client_address::HEADER).as_deref().and_then(client_address::parse)
    } else {
        // Nobody asks.
        None
    };
    let limiter = address.filter(|_| is_limited).map(|address| RateLimiter::of(&env, address));
    let refused_seconds = limiter.as_ref().and_then(RateLimiter::refused_seconds);
    let received = match delivery::admit(settings, address, refused_seconds) {
        Ok(()) => receive(&mut request, settings, &mut record).await,
        Err(outcome) => Err(outcome),
    };
    let rest = match received {
        Ok(Authenticated { signature_header, body, authentic }) => {
            #[cfg(feature = "planted")]
            crate::planted::plant(&authentic.key, planted);
            let offered_trace = header(&request, forward::TRACEPARENT);
            Rest::Claim(Claimant {
                settings,
                env,
                headers: request.headers().entries().collect(),
                signature_header,
                body,
                authentic,
                trace: TraceContext::continuing(offered_trace.as_deref(), &random),
                random,
                record,
            })
        }
        Err(outcome) => match limiter {
            Some(limiter) if outcome.is_forgery() => Rest::Count { limiter, env, record, outcome },
            _ => return ended(&env, record, outcome),
        },
    };

    // The rest runs to its end even if the provider hangs up: the platform drops the request's own
    // future then, but not what was handed to `wait_until`. Otherwise a provider that loses patience
    // could part the origin's 2xx from its commit, and the event would come a second time; and to
    // hang up would be a way not to be remembered as a forger.
    let (tell, told) = oneshot::channel();
    context.wait_until(async move {
        // Nobody is left to be told if the provider has hung up.
        let _ = tell.send(rest.finish().await);
    });
    // Nothing is told only if that future was cut off. Then nobody knows what the origin has, and
    // the delivery must come again.
    told.await.unwrap_or(Outcome::LedgerUnavailable)
}

/// What is left to do once it is known whether a delivery is authentic.
#[allow(clippy::large_enum_variant, reason = "nearly all are claims, and there is one at a time")]
enum Rest {
    /// It is: steps 5 to 7.
    Claim(Claimant),
    /// It is not, and somebody counts those.
    Count { limiter: RateLimiter, env: Env, record: Record, outcome: Outcome },
}

impl Rest {
    /// Does it, and writes the log line.
    async fn finish(self) -> Outcome {
        match self {
            Self::Claim(mut claimant) => {
                let outcome = claimant.attempt().await;
                ended(&claimant.env, claimant.record, outcome)
            }
            Self::Count { limiter, env, mut record, outcome } => {
                record.limiter_error = limiter.count().await.err();
                ended(&env, record, outcome)
            }
        }
    }
}

/// What steps 1 to 4 lead to.
struct Authenticated {
    signature_header: &'static str,
    body: Vec<u8>,
    authentic: Authentic,
}

/// Steps 1 to 4, up to an authentic body.
async fn receive(
    request: &mut Request,
    settings: &'static Settings,
    record: &mut Record,
) -> Result<Authenticated, Outcome> {
    let started_ms = platform::now_ms();
    // 1.
    let length = header(request, "content-length");
    if body::is_declared_too_large(length.as_deref(), settings.max_body_bytes) {
        return Err(Outcome::BodyTooLarge);
    }
    let found = settings
        .signature_headers
        .iter()
        .find_map(|name| header(request, name).map(|value| (name.as_str(), value)));
    let Some((signature_header, signature)) = found else {
        return Err(Outcome::SignatureMissing);
    };
    let body = body::read(request, settings.max_body_bytes)
        .await
        .map_err(|TooLarge| Outcome::BodyTooLarge)?;
    record.note_body(&body.bytes, body.is_cut);
    // 2. to 4. The clock is read after the body, whose sender may take its time.
    let now_ms = platform::now_ms();
    let now = UnixTime::from_secs(now_ms / 1_000);
    let authentic = delivery::authenticate(settings, &signature, &body.bytes, now);
    record.milliseconds.verify = Some(platform::now_ms().saturating_sub(started_ms));
    match authentic {
        Ok(authentic) => {
            record.note_authentic(&authentic);
            Ok(Authenticated { signature_header, body: body.bytes, authentic })
        }
        Err(error) => {
            record.reason = Some(error.to_string());
            record.age_seconds = delivery::refused_age_seconds(error);
            Err(error.into())
        }
    }
}

impl Claimant {
    /// Steps 5 to 7.
    async fn attempt(&mut self) -> Outcome {
        // 5.
        let started_ms = platform::now_ms();
        let facts = self.authentic.facts();
        let shards = self.settings.ledger_shards;
        let shard = shard::name(facts.job_id.as_deref(), &self.authentic.key, shards);
        let answer = client::ask(&self.env, &shard, &self.authentic.claim(shards)).await;
        self.record.milliseconds.claim = Some(platform::now_ms().saturating_sub(started_ms));
        let (token, order) = match delivery::granted(&answer) {
            Ok(granted) => granted,
            Err(outcome) => {
                self.record.ledger_error = answer.err().map(|unanswered| unanswered.text);
                return outcome;
            }
        };
        self.record.attempt = Some(token);
        self.record.order = Some(order.name());
        // 6.
        let result = self.forward(token, order).await;
        let outcome = Outcome::from(result);
        #[cfg(feature = "planted")]
        crate::planted::strike_after_origin(&self.authentic.key);
        // 7.
        let started_ms = platform::now_ms();
        self.settle(&shard, token, outcome).await;
        self.record.milliseconds.commit = Some(platform::now_ms().saturating_sub(started_ms));
        outcome
    }

    async fn forward(&mut self, attempt: Token, order: Order) -> OriginResult {
        let started_ms = platform::now_ms();
        let settings = self.settings;
        let forward = Forward {
            key: &self.authentic.key,
            attempt,
            order,
            correlation_id: &self.record.correlation_id,
            trace: &self.trace,
            signature_header: self.signature_header,
            body: &self.body,
            now: UnixTime::from_secs(started_ms / 1_000),
        };
        let headers = forward.headers(core::mem::take(&mut self.headers), settings);
        let url = settings.origin.expose();
        let result = origin::send(url, headers, &self.body, settings.origin_timeout_ms).await;
        self.record.milliseconds.origin = Some(platform::now_ms().saturating_sub(started_ms));
        if let OriginResult::Status(status) = result {
            self.record.origin_status = Some(status);
        }
        result
    }

    async fn settle(&mut self, shard: &str, token: Token, outcome: Outcome) {
        // The outcome itself goes along, so it must not be counted a second time.
        platform::count(outcome);
        let tally = platform::take_tally();
        let call = self.authentic.settle(token, outcome, tally.clone());
        let [random, ..] = self.random.span;
        for tries in 1.. {
            let answer = client::ask(&self.env, shard, &call).await;
            let settlement: Settlement = delivery::settlement(outcome, &answer);
            self.record.settlement = Some(settlement);
            let unanswered = answer.err();
            let is_overloaded = unanswered.as_ref().is_some_and(|why| why.is_overloaded);
            self.record.ledger_error = unanswered.map(|why| why.text);
            match delivery::pause_before_retry_ms(settlement, is_overloaded, tries, random) {
                Some(pause_ms) => Delay::from(Duration::from_millis(pause_ms.into())).await,
                None => break,
            }
        }
        if !matches!(self.record.settlement, Some(Settlement::Committed | Settlement::Released)) {
            platform::give_back(&tally);
        }
    }
}

/// Counts a delivery that has ended, and writes its data point and its log line.
fn ended(env: &Env, mut record: Record, outcome: Outcome) -> Outcome {
    // One that came to its settlement was counted with it.
    if record.settlement.is_none() {
        platform::count(outcome);
    }
    let written = platform::write_data_point(env, &record.data_point(outcome));
    record.analytics_error = written.err();
    platform::log(&record.line(outcome));
    outcome
}

/// A header's value; several of one name are joined by commas. Names that are no names have none.
fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

fn respond(answer: Answer, correlation_id: &str) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", answer.content_type)?;
    headers.set(forward::CORRELATION_ID, correlation_id)?;
    if let Some((name, value)) = &answer.extra_header {
        headers.set(name, value)?;
    }
    let response = Response::builder().with_status(answer.status).with_headers(headers);
    Ok(response.fixed(answer.body.into_bytes()))
}
