//! The field of signed bodies that names the tenant: `TENANT_FIELD`.

use core::fmt;

use super::Reader;
use crate::json::{FromJson as _, Object};

/// How deep the field may be. The deepest one of the known shapes, `data.job.metadata.tenant`, is at 4.
const MOST_NAMES: usize = 8;

/// How long a tenant's name may be, in bytes. Longer ones are not taken for one.
pub(crate) const MAX_TENANT_BYTES: usize = 128;

/// A path into a JSON document: the names of members, from the outside in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TenantField(Vec<String>);

pub(super) fn read(reader: &mut Reader<'_>) -> Option<TenantField> {
    const SETTING: &str = "TENANT_FIELD";
    let text = reader.text(SETTING)?;
    let names: Vec<String> = text.split('.').map(str::to_owned).collect();
    let is_name = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    if names.len() > MOST_NAMES || !names.iter().all(is_name) {
        let text = format!(
            "is not a path of up to {MOST_NAMES} names with dots between, such as \
             `data.job.metadata.tenant`: correct it, or remove it"
        );
        reader.refuse(SETTING, text);
        return None;
    }
    Some(TenantField(names))
}

impl TenantField {
    /// The tenant that a body names: a text, or a whole number as a text. None if it names none, or one that is
    /// empty, longer than [`MAX_TENANT_BYTES`] or has control characters.
    pub(crate) fn read(&self, body: &[u8]) -> Option<String> {
        let mut raw = core::str::from_utf8(body).ok()?;
        for name in &self.0 {
            raw = Object::read(raw)?.raw(name)?;
        }
        let is_number =
            raw.strip_prefix('-').unwrap_or(raw).bytes().all(|byte| byte.is_ascii_digit());
        let tenant = if is_number { raw.to_owned() } else { String::from_json(raw)? };
        is_tenant(&tenant).then_some(tenant)
    }
}

impl fmt::Display for TenantField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// Whether a text can name a tenant.
pub(crate) fn is_tenant(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TENANT_BYTES && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::{problems_with, settings_with};

    fn tenant(field: &str, body: &str) -> Option<String> {
        settings_with(&[("TENANT_FIELD", field)]).tenant_field.unwrap().read(body.as_bytes())
    }

    #[test]
    fn the_tenant_is_read_from_the_end_of_the_path() {
        const FIELD: &str = "data.job.metadata.tenant";
        let body = r#"{"tenant":"x","data":{"job":{"id":"job_1","metadata":{"other":[{"tenant":1}],"tenant":"acme"}}}}"#;
        assert_eq!(tenant(FIELD, body).as_deref(), Some("acme"));
        assert_eq!(tenant("tenant", r#"{"tenant":42}"#).as_deref(), Some("42"));
        assert_eq!(tenant("tenant", r#"{"tenant":"a","tenant":"b"}"#).as_deref(), Some("b"));
        assert_eq!(tenant("tenant", r#"{"tenant":"a\u0062"}"#).as_deref(), Some("ab"));
        for body in [
            "",
            "not JSON",
            "[]",
            "7",
            r#""tenant""#,
            "{}",
            r#"{"data":7}"#,
            r#"{"data":{"job":[{"metadata":{"tenant":"acme"}}]}}"#,
            r#"{"data":{"job":{"metadata":"acme"}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":{"id":"acme"}}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":["acme"]}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":null}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":1.5}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":true}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":""}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":"a\nb"}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":"acme"}}}} x"#,
        ] {
            assert_eq!(tenant(FIELD, body), None, "{body}");
        }
        let long = |bytes| format!("{{\"tenant\":\"{}\"}}", "x".repeat(bytes));
        assert!(tenant("tenant", &long(128)).is_some());
        assert_eq!(tenant("tenant", &long(129)), None);
        assert_eq!(tenant("tenant", &"[".repeat(100_000)), None, "nested too deeply");
    }

    #[test]
    fn a_field_that_is_no_path_is_refused() {
        for value in [".", "a.", ".a", "a..b", "a b", "$.a", "a[0]", "a.b.c.d.e.f.g.h.i"] {
            let problems = problems_with(&[("TENANT_FIELD", value)]);
            assert!(problems[0].starts_with("TENANT_FIELD is not a path"), "{problems:?}");
        }
        settings_with(&[("TENANT_FIELD", "a.b.c.d.e.f.g.h")]);
    }
}
