//! What the edge's log says of each delivery.

use serde::Deserialize;

use crate::history::LogEntry;
use crate::origin::parse_correlation_id;

#[derive(Deserialize)]
struct Line {
    correlation_id: String,
    outcome: String,
    attempt: Option<u64>,
    settlement: Option<String>,
    #[serde(default)]
    is_attempt: bool,
}

/// Reads the lines that are about deliveries of ours. A line that a crash has cut short is none.
pub(crate) fn read(lines: &[String]) -> Vec<LogEntry> {
    lines.iter().filter_map(|line| entry(line)).collect()
}

fn entry(line: &str) -> Option<LogEntry> {
    let line: Line = serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
    let (event, delivery) = parse_correlation_id(&line.correlation_id)?;
    Some(LogEntry {
        event,
        delivery,
        outcome: line.outcome,
        attempt: line.attempt,
        settlement: line.settlement,
        is_attempt: line.is_attempt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_about_our_deliveries_count() {
        let line = r#"{"correlation_id":"chaos-3-1","outcome":"forwarded","attempt":2,"settlement":"committed","x":1}"#;
        let entry = LogEntry {
            event: 3,
            delivery: 1,
            outcome: "forwarded".to_owned(),
            attempt: Some(2),
            settlement: Some("committed".to_owned()),
            is_attempt: false,
        };
        let other = line.replace("chaos", "other");
        let lines = [line, &line[..40], &other, "workerd: starting"].map(str::to_owned);
        assert_eq!(read(&lines), [entry]);
    }
}
