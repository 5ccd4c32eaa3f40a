//! Credits: what is reserved for jobs, and within which limits.

use nextapi_testkit::{Credits, EventBody, random_hex};
use serde_json::{Value, json};

use super::Engine;
use crate::error::ApiError;
use crate::keys::{Caller, Environment, KeyDigest, key_label};
use crate::moment::Moment;
use crate::outbox::{Emission, NO_JOB};

/// What a limit is of.
#[derive(Clone, Copy, Debug)]
enum Scope {
    Environment(Environment),
    Key(Environment, KeyDigest),
}

impl Scope {
    /// The limits that a caller's credits count towards.
    const fn all(environment: Environment, key: KeyDigest) -> [Self; 2] {
        [Self::Environment(environment), Self::Key(environment, key)]
    }

    /// The name that its budget is kept under.
    fn name(self) -> String {
        match self {
            Self::Environment(environment) => environment.as_str().to_owned(),
            Self::Key(_, key) => key_label(&key),
        }
    }

    fn to_json(self, limit: Credits, used: Credits) -> Value {
        let limits = json!({ "limit": limit.to_json(), "used": used.to_json() });
        let mut scope = match self {
            Self::Environment(environment) => {
                json!({ "scope": "environment", "environment": environment.as_str() })
            }
            Self::Key(environment, key) => json!({
                "scope": "api_key",
                "environment": environment.as_str(),
                "api_key": key_label(&key),
            }),
        };
        if let (Value::Object(fields), Value::Object(limits)) = (&mut scope, limits) {
            fields.extend(limits);
        }
        scope
    }
}

impl Engine {
    /// Sets credits aside for a job, if the limits and the account allow it.
    pub(super) fn reserve(
        &mut self,
        caller: Caller,
        cost: Credits,
        now: Moment,
    ) -> Result<(), ApiError> {
        // Nothing fails from here on, but for what is refused.
        let ids = [event_id()?, event_id()?];
        let scopes = Scope::all(caller.environment, caller.key);
        for (scope, id) in scopes.into_iter().zip(&ids) {
            let Some(limit) = self.limit(scope) else { continue };
            let budget = self.general.budgets.entry(scope.name()).or_default();
            if budget.fits(cost, limit) {
                continue;
            }
            let used = budget.used();
            if budget.refuse() {
                self.tell_budget("budget.exceeded", id, scope, (limit, used), now);
            }
            return Err(ApiError::insufficient_credits(format!(
                "the job needs {cost} credits, and {used} of the limit of {limit} are used"
            )));
        }
        let account = self.general.accounts.entry(caller.environment).or_default();
        if !account.reserve(cost) {
            return Err(ApiError::insufficient_credits(format!(
                "the job needs {cost} credits, and {} are available",
                account.available()
            )));
        }
        for (scope, id) in scopes.into_iter().zip(&ids) {
            let limit = self.limit(scope);
            let budget = self.general.budgets.entry(scope.name()).or_default();
            budget.reserve(cost);
            let used = budget.used();
            if let Some(limit) = limit
                && budget.warn(limit, self.spend_limits.warning_percent)
            {
                self.tell_budget("budget.warning", id, scope, (limit, used), now);
            }
        }
        Ok(())
    }

    /// Takes what was reserved for a job.
    pub(super) fn settle(&mut self, environment: Environment, cost: Credits) {
        self.general.accounts.entry(environment).or_default().settle(cost);
    }

    /// Gives back what was reserved for a job.
    pub(super) fn refund(&mut self, environment: Environment, key: KeyDigest, cost: Credits) {
        self.general.accounts.entry(environment).or_default().refund(cost);
        for scope in Scope::all(environment, key) {
            self.general.budgets.entry(scope.name()).or_default().refund(cost);
        }
    }

    const fn limit(&self, scope: Scope) -> Option<Credits> {
        match scope {
            Scope::Environment(_) => self.spend_limits.environment,
            Scope::Key(..) => self.spend_limits.key,
        }
    }

    /// Sends a webhook about a budget. Its body has no id, as at the provider.
    fn tell_budget(
        &mut self,
        event_type: &str,
        id: &str,
        scope: Scope,
        (limit, used): (Credits, Credits),
        now: Moment,
    ) {
        let body = json!({
            "type": event_type,
            "created_at": now.as_unix_time().as_secs(),
            "data": scope.to_json(limit, used),
        });
        let body = EventBody::new(event_type, body.to_string());
        let emission = Emission { id: id.to_owned(), body, last: true, dropped: false };
        let random = self.general.random.fork();
        self.outbox.emit(NO_JOB, emission, random, now);
    }
}

/// An id for an event whose body has none.
fn event_id() -> Result<String, ApiError> {
    let hex = random_hex::<12>().map_err(|_| ApiError::no_luck())?;
    Ok(format!("evt_{hex}"))
}
