//! The settings that are more than a number, one by one.

use nextapi_webhook::{Key, KeyError};

use super::raw::{WEBHOOK_SECRETS, split_secrets};
use super::{HEALTH_PATH, Origin, Reader, Url};
use crate::client_address::Network;
use crate::header_names::{is_header_name, is_reserved};
use crate::ledger::order::LateEvents;

pub(super) fn webhook_path(reader: &mut Reader<'_>) -> String {
    const SETTING: &str = "WEBHOOK_PATH";
    let path = reader.text(SETTING).unwrap_or_else(|| "/webhook".to_owned());
    if !path.starts_with('/') {
        reader.refuse(SETTING, "does not start with `/`: put one in front");
    } else if path == HEALTH_PATH || path == "/_edge" || path.starts_with("/_edge/") {
        reader.refuse(SETTING, "is a path of the worker's own: choose another one");
    } else if !is_written_as_in_a_request(&path) {
        reader.refuse(
            SETTING,
            "is not written as it stands in a request, so it would never match: leave out query, \
             fragment and dot segments, and percent-encode what needs it",
        );
    }
    path
}

/// Whether a path is what a client sends for it: no client sends a query as part of a path, a dot
/// segment, or a character that has to be percent-encoded.
fn is_written_as_in_a_request(path: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte);
    let is_dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase();
        matches!(segment.as_str(), "." | "%2e" | ".." | ".%2e" | "%2e." | "%2e%2e")
    };
    path.bytes().all(is_plain) && !path.split('/').any(is_dots)
}

pub(super) fn source_networks(reader: &mut Reader<'_>) -> Option<Vec<Network>> {
    const SETTING: &str = "SOURCE_ADDRESSES";
    let text = reader.text(SETTING)?;
    let entries = text.split(|letter: char| letter == ',' || letter.is_ascii_whitespace());
    let networks: Option<Vec<_>> =
        entries.filter(|entry| !entry.is_empty()).map(Network::parse).collect();
    // Nothing but commas is a list that was lost on the way, not a wish to refuse everybody.
    let networks = networks.filter(|networks| !networks.is_empty());
    if networks.is_none() {
        reader.refuse(
            SETTING,
            "is not a list of IP addresses and CIDR prefixes: correct it, with every bit after a \
             prefix zero as in `192.0.2.0/24`, or remove it to accept deliveries from anywhere",
        );
    }
    networks
}

pub(super) fn signature_headers(reader: &mut Reader<'_>) -> Vec<String> {
    const SETTING: &str = "SIGNATURE_HEADERS";
    let text = reader
        .text(SETTING)
        .unwrap_or_else(|| "x-nextapi-signature, x-webhook-signature".to_owned());
    let names: Vec<_> = text.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    if !names.iter().all(|name| is_header_name(name)) {
        reader.refuse(SETTING, "is not a list of header names with commas between: correct it");
    } else if names.iter().any(|name| is_reserved(name)) {
        reader.refuse(
            SETTING,
            "names a header that has another meaning on the way to the origin: remove it",
        );
    }
    names
}

pub(super) fn keys(reader: &mut Reader<'_>) -> Vec<Key> {
    const SETTING: &str = WEBHOOK_SECRETS;
    let Some(secrets) = reader.secret(SETTING) else {
        if !reader.is_refused(SETTING) {
            reader.refuse(SETTING, "is not set: set it to the provider's signing secret");
        }
        return Vec::new();
    };
    split_secrets(&secrets).filter_map(|secret| Key::new(secret.as_bytes()).ok()).collect()
}

pub(super) fn refuse_keys(reader: &mut Reader<'_>, error: KeyError) {
    const SETTING: &str = WEBHOOK_SECRETS;
    // That there is no key has been said already, and better.
    if !reader.is_refused(SETTING) {
        reader.refuse(SETTING, format!("cannot be used ({error}): remove the oldest secrets"));
    }
}

pub(super) fn edge_signing_key(reader: &mut Reader<'_>) -> Option<Key> {
    const SETTING: &str = "EDGE_SIGNING_SECRET";
    let secret = reader.secret(SETTING)?;
    if secret.contains(char::is_whitespace) {
        // Whoever checks the signature would take it for two keys, or for a key without it.
        reader.refuse(SETTING, "has white space in it, perhaps a line feed: set it without");
        return None;
    }
    Key::new(secret.as_bytes()).ok()
}

pub(super) fn late_events(reader: &mut Reader<'_>) -> LateEvents {
    const SETTING: &str = "LATE_EVENTS";
    match reader.text(SETTING).as_deref() {
        None | Some("forward") => LateEvents::Forward,
        Some("drop") => LateEvents::Drop,
        Some(_) => {
            reader.refuse(SETTING, "is neither `forward` nor `drop`: correct it, or remove it");
            LateEvents::Forward
        }
    }
}

pub(super) fn origin(
    reader: &mut Reader<'_>,
    parse_url: &dyn Fn(&str) -> Option<Url>,
) -> Option<Origin> {
    const SETTING: &str = "ORIGIN_URL";
    let Some(text) = reader.text(SETTING) else {
        if !reader.is_refused(SETTING) {
            reader.refuse(SETTING, "is not set: set it to the URL that verified events go to");
        }
        return None;
    };
    Origin::new(parse_url(&text)).map_err(|error| reader.refuse(SETTING, error)).ok()
}
