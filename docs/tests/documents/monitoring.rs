//! Dashboard and alert rules: they ask for what the metrics page has. That page is `docs/prometheus/metrics.txt`, which
//! a test of the edge's core compares with what the code writes. What needs Prometheus is in `make monitoring`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::support::project;

const DASHBOARD: &str = "docs/grafana/dashboard.json";
const ALERTS: &str = "docs/prometheus/alerts.yml";
const ALERT_TESTS: &str = "docs/prometheus/alerts_test.yml";
const PREFIX: &str = "nextapi_edge_";

fn text(file: &str) -> String {
    fs::read_to_string(project().join(file)).unwrap()
}

/// Labels by metric; each label with its values.
type Metrics = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The pairs `name="value"` or `name=~"value"` between braces: label, operator, value.
fn labels(braces: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    braces.split(", ").flat_map(|part| part.split("\",")).filter_map(|pair| {
        let (name, value) = pair.split_once('"')?;
        let label = name.trim_end_matches(['=', '~', '!']);
        Some((label, &name[label.len()..], value.trim_end_matches('"')))
    })
}

/// What the page has.
fn metrics() -> Metrics {
    let mut metrics = Metrics::new();
    for line in text("docs/prometheus/metrics.txt").lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            metrics.insert(head.split(' ').next().unwrap().to_owned(), BTreeMap::new());
        } else if !line.starts_with('#') {
            let series = line.rsplit_once(' ').unwrap().0;
            let (name, braces) = series.split_once('{').unwrap_or((series, ""));
            let known = metrics.get_mut(name).unwrap();
            for (label, _, value) in labels(braces.trim_end_matches('}')) {
                known.entry(label.to_owned()).or_default().insert(value.to_owned());
            }
        }
    }
    metrics
}

/// Each metric of ours in a text, with what is between the braces behind it.
fn named(text: &str) -> Vec<(&str, &str)> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(PREFIX)
        .map(|(start, _)| {
            let rest = &text[start..];
            let (name, rest) = rest.split_at(rest.find(|it| !is_of_name(it)).unwrap_or(rest.len()));
            let braces = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            (name, braces.map_or("", |(braces, _)| braces))
        })
        .collect()
}

/// What a text asks for that the page does not have.
fn unknown(text: &str, metrics: &Metrics) -> Vec<String> {
    // What Prometheus adds to each series.
    const ADDED: [&str; 2] = ["job", "instance"];
    let mut unknown = Vec::new();
    for (name, braces) in named(text) {
        let Some(known) = metrics.get(name) else {
            unknown.push(name.to_owned());
            continue;
        };
        for (label, operator, value) in labels(braces).filter(|it| !ADDED.contains(&it.0)) {
            let is_there = |wanted: &str| {
                known.get(label).is_some_and(|values| match wanted.strip_suffix(".*") {
                    // The example page has two of any number of shards.
                    _ if label == "shard" => true,
                    Some(start) => values.iter().any(|value| value.starts_with(start)),
                    None => values.contains(wanted),
                })
            };
            let is_regex = operator.ends_with('~');
            let wanted = if is_regex { value.split('|').collect() } else { vec![value] };
            let missing = wanted.into_iter().filter(|wanted| !is_there(wanted));
            unknown.extend(missing.map(|wanted| format!("{name}{{{label}=\"{wanted}\"}}")));
        }
    }
    unknown
}

/// The string values in a JSON document.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// The rules: each one's name, and its text.
fn rules(text: &str) -> Vec<(&str, &str)> {
    let rules = text.split("- alert: ").skip(1);
    rules.map(|rule| (rule.split('\n').next().unwrap(), rule)).collect()
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    let strings = strings(&dashboard);
    let asked: usize = strings.iter().map(|text| named(text).len()).sum();
    assert!(asked > 20, "{asked}");
    let metrics = metrics();
    let unknown: Vec<_> = strings.iter().flat_map(|text| unknown(text, &metrics)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_rules_ask_for_metrics_that_there_are() {
    let metrics = metrics();
    for (file, least) in [(ALERTS, 17), (ALERT_TESTS, 17), ("docs/operations.md", 10)] {
        let text = text(file);
        assert!(named(&text).len() >= least, "{file}");
        assert_eq!(unknown(&text, &metrics), [""; 0], "{file}");
    }
}

#[test]
fn what_is_not_on_the_page_is_found() {
    let metrics = metrics();
    for (asked, missing) in [
        ("rate(nextapi_edge_paused[1m])", None),
        ("nextapi_edge_pauses", Some("nextapi_edge_pauses")),
        (r#"nextapi_edge_events{state=~"dead|done"}"#, None),
        (
            r#"nextapi_edge_events{job="x", state="deed"}"#,
            Some(r#"nextapi_edge_events{state="deed"}"#),
        ),
        (
            r#"nextapi_edge_events{state=~"dead|deed"}"#,
            Some(r#"nextapi_edge_events{state="deed"}"#),
        ),
        (r#"nextapi_edge_events{stat!="dead"}"#, Some(r#"nextapi_edge_events{stat="dead"}"#)),
        (r#"nextapi_edge_attempts_total{outcome=~"origin_.*"}"#, None),
        (
            r#"nextapi_edge_attempts_total{outcome=~"other_.*"}"#,
            Some(r#"nextapi_edge_attempts_total{outcome="other_.*"}"#),
        ),
    ] {
        let missing: Vec<_> = missing.into_iter().map(str::to_owned).collect();
        assert_eq!(unknown(asked, &metrics), missing, "{asked}");
    }
}

#[test]
fn panels_have_ids_of_their_own_and_take_the_chosen_data_source() {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert!(panels.len() > 10 && ids.len() == panels.len(), "{ids:?}");
    for panel in panels {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for part in targets.iter().chain([panel]) {
            assert_eq!(part["datasource"]["uid"], "${datasource}", "{part}");
        }
        for target in targets {
            assert!(
                target["expr"].as_str().unwrap().contains("instance=~\"$instance\""),
                "{target}"
            );
        }
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let of_type = |it: &&Value| it["type"] == "datasource" && it["name"] == "datasource";
    assert_eq!(variables.iter().filter(of_type).count(), 1);
}

#[test]
fn each_rule_says_how_bad_it_is_and_what_to_do() {
    let (alerts, tests) = (text(ALERTS), text(ALERT_TESTS));
    let rules = rules(&alerts);
    assert!(rules.len() >= 17);
    let names: BTreeSet<_> = rules.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), rules.len());
    for (name, rule) in rules {
        let severities = ["critical", "warning"].map(|it| format!("severity: {it} "));
        assert!(severities.iter().any(|it| rule.contains(it)), "{name}");
        assert!(rule.contains("summary: \"") && rule.contains("description: >-"), "{name}");
        assert!(rule.contains("/_edge/"), "{name}: where to look");
        let of_it = format!("ALERTS{{alertname=\"{name}\", ");
        let expected: Vec<_> = tests
            .split("- expr: ")
            .filter(|it| it.contains(&of_it))
            .map(|it| it.contains("value: 1"))
            .collect();
        assert!(expected.contains(&true), "{name} is shown to fire");
        assert!(
            expected.windows(2).any(|pair| pair == [true, false]),
            "{name} is shown to resolve"
        );
        assert_eq!(expected.first(), Some(&false), "{name} is silent before");
    }
}
