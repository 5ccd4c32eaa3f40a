//! What the signed body says about an event.

use serde::Serialize;

use crate::json::from_json;

use super::credits::Credits;
use super::order::JobStage;

/// What the signed body says about an event, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub(crate) struct EventMeta {
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<String>,
    /// The event's type, or the job's status where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_type: Option<String>,
    /// The job's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<String>,
    /// What the job costs, if jobs are kept: its price in the event of its end, before that an estimate. It
    /// stands in the job's row, not in the event's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, as = "Option<String>"))]
    pub(crate) credits: Option<Credits>,
    /// The tenant by the field that `TENANT_FIELD` names, if jobs are kept. It stands in the job's row as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
}

from_json!(EventMeta {
    event_id = or_default,
    event_type = or_default,
    job_id = or_default,
    credits = or_default,
    tenant = or_default,
});

impl EventMeta {
    /// How far the job is, as far as the event says.
    pub(crate) fn stage(&self) -> Option<JobStage> {
        self.event_type.as_deref().and_then(JobStage::of)
    }
}
