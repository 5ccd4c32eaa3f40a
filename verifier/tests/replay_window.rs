//! The window beside a naive model: a queue from the standard library.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::VecDeque;

use nextapi_webhook::{EventKey, ReplayWindow};
use proptest::prelude::*;

fn key(number: u8) -> EventKey {
    EventKey::of_unverified(&[number])
}

#[test]
fn the_first_inserted_goes_first_even_if_it_was_seen_again() {
    let mut window = ReplayWindow::<2>::new();
    assert!(window.insert(key(1)));
    assert!(window.insert(key(2)));
    assert!(!window.insert(key(1)));
    assert!(window.insert(key(3)));
    assert!(!window.contains(&key(1)));
    assert!(window.contains(&key(2)) && window.contains(&key(3)));
}

#[test]
fn what_failed_can_be_tried_again() {
    let mut window = ReplayWindow::<4>::default();
    assert!(window.insert(key(1)));
    assert!(window.remove(&key(1)));
    assert!(window.insert(key(1)));
}

#[derive(Clone, Debug)]
enum Call {
    Insert(u8),
    Remove(u8),
    Contains(u8),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (0..12_u8).prop_map(Call::Insert),
        1 => (0..12_u8).prop_map(Call::Remove),
        1 => (0..12_u8).prop_map(Call::Contains),
    ]
}

proptest! {
    #[test]
    fn it_behaves_as_a_queue_does(calls in proptest::collection::vec(call(), 0..200)) {
        const N: usize = 5;
        let mut window = ReplayWindow::<N>::new();
        let mut model = VecDeque::new();
        for call in calls {
            match call {
                Call::Insert(number) => {
                    let is_new = !model.contains(&number);
                    if is_new {
                        model.push_back(number);
                        if model.len() > N {
                            model.pop_front();
                        }
                    }
                    prop_assert_eq!(window.insert(key(number)), is_new);
                }
                Call::Remove(number) => {
                    let place = model.iter().position(|&remembered| remembered == number);
                    let was_there = place.and_then(|place| model.remove(place)).is_some();
                    prop_assert_eq!(window.remove(&key(number)), was_there);
                }
                Call::Contains(number) => {
                    prop_assert_eq!(window.contains(&key(number)), model.contains(&number));
                }
            }
            prop_assert_eq!(window.len(), model.len());
            prop_assert_eq!(window.is_empty(), model.is_empty());
            for number in 0..12 {
                prop_assert_eq!(window.contains(&key(number)), model.contains(&number));
            }
        }
    }
}
