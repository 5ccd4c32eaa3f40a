//! Walks over a list that changes under them.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod support;

use std::collections::HashSet;

use nextapi_client::{Job, JobPage, JobWalk, PageRequest, WalkError, Watermark};
use support::Chance;

const START: u64 = 1_700_000_000;

/// The provider's list, newest last here.
struct List {
    jobs: Vec<(u64, String)>,
    made: u64,
}

impl List {
    /// 5,000 jobs, 2 s apart but for 300 of one second that lie across an edge between pages.
    fn new() -> Self {
        let mut list = Self { jobs: Vec::new(), made: 0 };
        for number in 0..4_700 {
            list.add(START + 2 * number);
            if number == 4_400 {
                (0..300).for_each(|_| list.add(START + 2 * number));
            }
        }
        list
    }

    fn add(&mut self, created_at: u64) {
        self.made += 1;
        self.jobs.push((created_at, format!("job_{}", self.made)));
    }

    fn page(&self, PageRequest { limit, offset }: PageRequest) -> JobPage {
        let rows: Vec<_> =
            self.jobs.iter().rev().skip(offset as usize).take(limit as usize).collect();
        let rows: Vec<_> = rows
            .iter()
            .map(|(at, id)| format!(r#"{{"id":"{id}","status":"running","created_at":{at}}}"#))
            .collect();
        let (data, total) = (rows.join(","), self.jobs.len());
        let body =
            format!(r#"{{"data":[{data}],"total":{total},"limit":{limit},"offset":{offset}}}"#);
        JobPage::read(body.as_bytes()).unwrap()
    }

    fn ids(&self) -> HashSet<String> {
        self.jobs.iter().map(|(_, id)| id.clone()).collect()
    }
}

fn run(
    walk: &mut JobWalk,
    list: &mut List,
    mut between: impl FnMut(&mut List, usize),
) -> Result<(Vec<Job>, usize), WalkError> {
    let (mut found, mut pages) = (Vec::new(), 0);
    while let Some(request) = walk.next_page() {
        found.extend(walk.on_page(list.page(request))?);
        pages += 1;
        // Killed after each page, and gone on with what was stored.
        *walk = JobWalk::resume(walk.state().clone());
        between(list, pages);
    }
    Ok((found, pages))
}

fn ids(jobs: &[Job]) -> HashSet<String> {
    jobs.iter().map(|job| job.id.to_string()).collect()
}

#[test]
fn nothing_is_missed_while_jobs_come_and_go() {
    for seed in 1..=20 {
        let (mut list, mut chance) = (List::new(), Chance(seed * 0x9e37_79b9));
        let before = list.ids();
        let mut walk = JobWalk::new(None, 100);
        // At pages that are drawn, so many rows go at once that the pages no longer overlap.
        let burst = chance.next() % 40 + 5;
        let churn = |list: &mut List, chance: &mut Chance, page: usize| {
            for _ in 0..chance.next() % 6 {
                let newest = list.jobs.last().map_or(START, |(at, _)| *at);
                list.add(newest + chance.next() % 2);
            }
            let gone = if page as u64 == burst { 60 } else { chance.next() % 9 };
            for _ in 0..gone {
                // Among the newest, which have been read: that pulls the next page up.
                let from_top = (chance.next() % 400) as usize;
                let place = list.jobs.len() - 1 - from_top;
                list.jobs.remove(place);
            }
        };
        let (found, pages) =
            run(&mut walk, &mut list, |list, page| churn(list, &mut chance, page)).unwrap();
        let mut all = ids(&found);
        let missed: Vec<_> =
            before.intersection(&list.ids()).filter(|id| !all.contains(*id)).cloned().collect();
        assert!(missed.is_empty(), "seed {seed}: missed {missed:?}");
        assert!(pages >= 56 && walk.state().restarts <= 3, "{pages} pages");

        // The next walk reads what has come since, and little more.
        assert!(walk.stored());
        let (found, pages) =
            run(&mut walk, &mut list, |list, _| list.add(START + 100_000)).unwrap();
        all.extend(ids(&found));
        let missed: Vec<_> =
            list.ids().difference(&all).filter(|id| !is_newest(&list, id)).cloned().collect();
        assert!(missed.is_empty(), "seed {seed}: missed {missed:?}");
        assert!(pages <= 12, "{pages} pages");
    }
}

/// Whether a job came while the second walk was under way.
fn is_newest(list: &List, id: &str) -> bool {
    list.jobs.iter().any(|(at, it)| it == id && *at == START + 100_000)
}

#[test]
fn jobs_of_the_watermarks_second_are_told_apart() {
    let mut list = List { jobs: Vec::new(), made: 0 };
    (0..250).for_each(|_| list.add(START));
    let mut walk = JobWalk::new(None, 100);
    assert_eq!(run(&mut walk, &mut list, |_, _| ()).unwrap().0.len(), 250);
    assert!(walk.stored());
    assert_eq!(walk.state().watermark.as_ref().map(|it| it.ids.len()), Some(250));
    // More of the same second, and one that is late by two minutes.
    (0..50).for_each(|_| list.add(START));
    list.add(START - 120);
    list.add(START - 121);
    let (found, _) = run(&mut walk, &mut list, |_, _| ()).unwrap();
    assert_eq!(found.len(), 51);
}

#[test]
fn the_watermark_moves_only_when_all_is_stored() {
    let mut list = List::new();
    let mut walk = JobWalk::new(None, 100);
    let request = walk.next_page().unwrap();
    walk.on_page(list.page(request)).unwrap();
    assert!(!walk.stored(), "in the middle");
    assert_eq!(walk.state().watermark, None);
    run(&mut walk, &mut list, |_, _| ()).unwrap();
    assert_eq!(walk.state().watermark, None, "not before it is said");
    assert!(walk.stored() && !walk.stored());
    assert_eq!(walk.state().watermark.as_ref().map(|it| it.created_at), Some(START + 2 * 4_699));
}

#[test]
fn the_watermark_moves_to_the_newest_job_and_never_back() {
    let row = |at: u64, id: &str| (START + at, id.to_owned());
    let mut list = List {
        jobs: vec![row(0, "a"), row(10, "b"), row(20, "c"), row(15, "d"), row(20, "e")],
        made: 5,
    };
    let mut walk = JobWalk::new(Some(Watermark { created_at: START + 5, ids: Vec::new() }), 100);
    let newest = |walk: &JobWalk| {
        walk.state().watermark.clone().map(|it| (it.created_at - START, it.ids.join(" ")))
    };
    run(&mut walk, &mut list, |_, _| ()).unwrap();
    assert!(walk.stored());
    assert_eq!(newest(&walk), Some((20, "e c".to_owned())));
    list.jobs.truncate(1);
    run(&mut walk, &mut list, |_, _| ()).unwrap();
    assert!(walk.stored());
    assert_eq!(newest(&walk), Some((20, "e c".to_owned())), "the newest were deleted");
    // Out of order.
    list.jobs = vec![row(30, "f"), row(40, "g"), row(30, "h")];
    run(&mut walk, &mut list, |_, _| ()).unwrap();
    assert!(walk.stored());
    assert_eq!(newest(&walk), Some((40, "g".to_owned())));
}

#[test]
fn what_was_before_the_activation_is_left_alone() {
    let mut list = List::new();
    let activation = Watermark { created_at: START + 2 * 4_600, ids: Vec::new() };
    let mut walk = JobWalk::new(Some(activation), 100);
    let (found, pages) = run(&mut walk, &mut list, |_, _| ()).unwrap();
    // 99 since then, and 60 of the two minutes before, and one of that second.
    assert_eq!((found.len(), pages), (160, 2));
}

#[test]
fn a_gap_begins_the_walk_again_three_times() {
    let mut list = List::new();
    let mut walk = JobWalk::new(None, 100);
    let mut pages = 0;
    let result = run(&mut walk, &mut list, |list, _| {
        pages += 1;
        // All that was read, and more.
        list.jobs.truncate(list.jobs.len() - 100);
    });
    assert_eq!(result.map(|(found, _)| found.len()), Err(WalkError::Unstable));
    assert_eq!(pages, 7, "four walks of two pages, the last one's second is not counted");
    assert_eq!((walk.state().offset, walk.state().restarts), (0, 0), "it can be tried again");
}

#[test]
fn an_end_that_moved_away_is_a_gap() {
    // 110 jobs; after the first page, 50 of its rows go: the next offset lies behind the end, and ten jobs before it.
    let mut list = List { jobs: Vec::new(), made: 0 };
    (0..110).for_each(|number| list.add(START + number));
    let oldest: Vec<_> = list.jobs.iter().take(10).map(|(_, id)| id.clone()).collect();
    let mut walk = JobWalk::new(None, 100);
    let (found, _) = run(&mut walk, &mut list, |list, page| {
        if page == 1 {
            list.jobs.truncate(60);
        }
    })
    .unwrap();
    assert!(oldest.iter().all(|id| ids(&found).contains(id)));
}

#[test]
fn a_page_that_was_not_asked_for_is_an_error() {
    let mut walk = JobWalk::new(None, 100);
    for body in [r#"{"data":[{"id":"a"}],"offset":7}"#, r#"{"data":[],"total":7}"#] {
        let page = JobPage::read(body.as_bytes()).unwrap();
        assert_eq!(walk.on_page(page), Err(WalkError::Inconsistent));
    }
    let empty = JobPage::read(br#"{"data":[],"total":0}"#).unwrap();
    assert_eq!(walk.on_page(empty), Ok(vec![]));
    assert_eq!(walk.next_page(), None);
    assert_ne!(WalkError::Inconsistent.to_string(), WalkError::Unstable.to_string());
}

#[test]
fn without_a_total_a_page_that_is_not_full_is_the_last() {
    let mut list = List { jobs: Vec::new(), made: 0 };
    (0..190).for_each(|number| list.add(START + number));
    let mut walk = JobWalk::new(None, 100);
    let (mut found, mut pages) = (Vec::new(), 0);
    while let Some(request) = walk.next_page() {
        let mut page = list.page(request);
        page.total = None;
        found.extend(walk.on_page(page).unwrap());
        pages += 1;
    }
    // The second page is full as well, so there may be a third: it has the ten rows of the overlap.
    assert_eq!((ids(&found), pages), (list.ids(), 3));
}

#[test]
fn a_provider_with_smaller_pages_is_walked_all_the_same() {
    let mut list = List { jobs: Vec::new(), made: 0 };
    (0..95).for_each(|number| list.add(START + number));
    let mut walk = JobWalk::new(None, 100);
    let mut found = Vec::new();
    while let Some(request) = walk.next_page() {
        let request = PageRequest { limit: request.limit.min(7), ..request };
        found.extend(walk.on_page(list.page(request)).unwrap());
    }
    assert_eq!(ids(&found), list.ids());
}

#[cfg(feature = "serde")]
#[test]
fn the_state_survives_as_json() {
    let mut list = List::new();
    let mut walk =
        JobWalk::new(Some(Watermark { created_at: START, ids: vec!["job_1".into()] }), 100);
    while let Some(request) = walk.next_page() {
        walk.on_page(list.page(request)).unwrap();
        let stored = serde_json::to_string(walk.state()).unwrap();
        let state: nextapi_client::WalkState = serde_json::from_str(&stored).unwrap();
        assert_eq!(&state, walk.state());
        list.add(START + 50_000);
    }
}

/// They are kept from page to page, and compared with each other.
#[test]
fn a_page_of_far_more_rows_than_were_asked_for_is_refused() {
    let page = |rows: usize| {
        let rows: Vec<_> = (0..rows).map(|id| format!(r#"{{"id":"job_{id}"}}"#)).collect();
        JobPage::read(format!(r#"{{"data":[{}]}}"#, rows.join(",")).as_bytes()).unwrap()
    };
    let mut walk = JobWalk::new(None, 100);
    assert!(matches!(walk.on_page(page(1_001)), Err(WalkError::Inconsistent)));
    assert_eq!(walk.state().previous.len(), 0);
    // A provider with pages of its own size is none of that.
    assert_eq!(walk.on_page(page(1_000)).unwrap().len(), 1_000);
}
