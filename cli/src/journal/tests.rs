use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;
use std::time::SystemTime;

use nextapi_client::{ApiKey, Environment, GenerationRequest, ValidRequest};

use super::*;

const URL: &str = "https://api.example.com/v1";

fn request(prompt: &str) -> ValidRequest {
    GenerationRequest::new("seedance-2.0-pro", prompt).validate().unwrap()
}

fn fingerprint() -> nextapi_client::Fingerprint {
    ApiKey::new("nxa_test_sk_canary", Environment::Test).unwrap().fingerprint()
}

fn intent(name: &str) -> JobIntent {
    let namespace = "tests".to_owned();
    JobIntent { namespace, name: name.to_owned(), take: 1, environment: Environment::Test }
}

fn intended(journal: &Journal, name: &str) -> Claim {
    let mut claim = journal.claim(&intent(name)).unwrap();
    claim.intend(URL, fingerprint(), &request("a canary")).unwrap().unwrap();
    claim
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn only_the_owner_can_read_it_and_the_api_key_is_not_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("a/b");
    let journal = Journal::open(&folder).unwrap();
    let claim = intended(&journal, "order-7");
    let [file] = &files(&folder)[..] else { panic!("one file") };
    assert_eq!((mode(file), mode(&folder), mode(folder.parent().unwrap())), (0o600, 0o700, 0o700));
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("a canary") && !text.contains("nxa_test_sk"), "{text}");
    assert!(!format!("{claim:?} {journal:?}").contains("a canary"));
    drop(claim);
    let found = journal.find(&intent("order-7")).unwrap().unwrap();
    assert_eq!(found.request().unwrap(), request("a canary"));
    assert_eq!(journal.find(&intent("order-8")).unwrap(), None);
}

#[test]
fn every_write_is_synced_file_first_then_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let journal = Journal::open(folder.path()).unwrap();
    let journal = journal.observed(move |boundary| note.lock().unwrap().push(boundary));
    let mut claim = intended(&journal, "order-7");
    claim.update(|record| record.phase = Phase::Sent).unwrap();
    let write =
        [Boundary::Written, Boundary::FileSynced, Boundary::Renamed, Boundary::FolderSynced];
    let expected = [&[Boundary::Created][..], &write, &write].concat();
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn a_job_is_claimed_by_one_at_a_time_also_after_its_file_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let empty = journal.claim(&intent("order-7")).unwrap();
    assert!(matches!(journal.claim(&intent("order-7")), Err(ClaimError::InUse)));
    drop(empty);
    let claim = intended(&journal, "order-7");
    assert!(matches!(journal.claim(&intent("order-7")), Err(ClaimError::InUse)));
    assert!(journal.claim(&intent("order-8")).is_ok(), "another job");
    assert!(journal.find(&intent("order-7")).unwrap().is_some(), "a look needs no claim");
    drop(claim);
    assert_eq!(journal.claim(&intent("order-7")).unwrap().record().unwrap().intent.take, 1);
}

/// Between the moments when a process has made the file and has locked it, another one may come and go.
#[test]
fn a_lock_on_a_file_that_was_replaced_meanwhile_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let other = journal.clone();
    let slow = journal.observed(move |boundary| {
        assert_eq!(boundary, Boundary::Created);
        intended(&other, "order-7").update(|record| record.phase = Phase::Sent).unwrap();
    });
    let claim = slow.claim(&intent("order-7")).unwrap();
    assert_eq!(claim.record().map(|record| &record.phase), Some(&Phase::Sent));
}

#[test]
fn another_request_takes_the_place_only_of_one_that_did_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let mut claim = intended(&journal, "order-7");
    let key = claim.record().unwrap().state.key.clone();
    let mut intend = |phase: Phase, prompt: &str, url: &str| {
        claim.update(|record| record.phase = phase).unwrap();
        let result = claim.intend(url, fingerprint(), &request(prompt)).unwrap();
        (result, claim.record().unwrap().state.key != key)
    };
    let accepted = || Phase::Accepted { id: "job_1".to_owned(), estimated_credits: None };
    let refused = || Phase::Refused { kind: "invalid_request".to_owned() };
    let unknown = || Phase::Unknown { kind: "timed_out".to_owned() };
    for phase in [Phase::Sent, unknown(), accepted()] {
        assert_eq!(intend(phase.clone(), "a canary", URL), (Ok(()), false), "{phase:?}");
        let other = (Err(Conflict::OtherRequest), false);
        assert_eq!(intend(phase.clone(), "another", URL), other, "{phase:?}");
        let other = (Err(Conflict::OtherUrl), false);
        assert_eq!(intend(phase, "a canary", "https://b.example.com/v1"), other);
    }
    for phase in [Phase::Intended, refused()] {
        assert_eq!(intend(phase.clone(), "another", URL), (Ok(()), true), "{phase:?}");
    }
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    drop(intended(&journal, "order-7"));
    let [file] = &files(folder.path())[..] else { panic!("one file") };
    let good = fs::read_to_string(file).unwrap();
    let cut = good.get(..good.len() - 1).unwrap().to_owned();
    for (bad, told) in [
        (cut, "not one that this version has written"),
        (good.replacen("\"version\":1", "\"version\":2", 1), "another version"),
    ] {
        fs::write(file, bad).unwrap();
        let errors = [
            format!("{:#}", journal.find(&intent("order-7")).unwrap_err()),
            journal.claim(&intent("order-7")).unwrap_err().to_string(),
        ];
        for error in errors {
            assert!(error.contains(told) && !error.contains("canary"), "{error}");
            assert!(error.contains(&file.display().to_string()), "which one: {error}");
            assert!(error.contains("move it away"), "what to do: {error}");
        }
    }
    fs::write(file, "").unwrap();
    assert!(journal.claim(&intent("order-7")).unwrap().record().is_none(), "nothing was sent");
}

#[test]
fn bodies_and_what_was_left_unfinished_are_deleted_after_24_hours() {
    const HOUR: Duration = Duration::from_hours(1);
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    drop(intended(&journal, "order-7"));
    let held = intended(&journal, "order-8");
    let left = folder.path().join("0123.new");
    fs::write(&left, "a canary").unwrap();
    let writing = File::create(folder.path().join("4567.new")).unwrap();
    writing.lock().unwrap();
    let body = |name| journal.find(&intent(name)).unwrap().unwrap().body;

    let now = SystemTime::now();
    journal.delete_old_bodies(now + 23 * HOUR).unwrap();
    assert!(body("order-7").is_some() && left.exists());
    journal.delete_old_bodies(now + 25 * HOUR).unwrap();
    assert!(body("order-7").is_none() && !left.exists());
    assert!(body("order-8").is_some(), "somebody is at it");
    assert!(folder.path().join("4567.new").exists(), "somebody writes it");
    drop(held);
    // What is written later does not keep it longer.
    let mut claim = journal.claim(&intent("order-8")).unwrap();
    claim.update(|record| record.intended_at -= 25 * 3_600_000).unwrap();
    claim.update(|record| record.phase = Phase::Sent).unwrap();
    drop(claim);
    Journal::open(folder.path()).unwrap();
    assert!(body("order-8").is_none());
    let record = journal.find(&intent("order-8")).unwrap().unwrap();
    assert_eq!(record.phase, Phase::Sent, "everything else stays");

    // A file that somebody has put aside says nothing about the job whose name it had.
    drop(intended(&journal, "order-9"));
    let aside = folder.path().join("aside.json");
    fs::rename(journal.path(&intent("order-9")), &aside).unwrap();
    journal.delete_old_bodies(now + 25 * HOUR).unwrap();
    assert!(aside.exists() && !journal.path(&intent("order-9")).exists());
}
