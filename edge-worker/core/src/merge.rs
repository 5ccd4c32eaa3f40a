//! Lists of rows put together, the latest first.

use core::cmp::Ordering;

/// The first `limit` items of lists that each are in order already, in order.
///
/// The lists are few, and short beside the rows that they were taken from, so the next item is simply
/// looked for: sorting would take more code than time.
pub(crate) fn merge<T>(
    lists: Vec<Vec<T>>,
    limit: usize,
    order: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut heads: Vec<_> = lists
        .into_iter()
        .filter_map(|list| {
            let mut rest = list.into_iter();
            Some((rest.next()?, rest))
        })
        .collect();
    let mut merged = Vec::new();
    while merged.len() < limit {
        let items = heads.iter_mut().enumerate();
        let first = items.min_by(|(_, (left, _)), (_, (right, _))| order(left, right));
        let Some((index, (head, rest))) = first else { break };
        match rest.next() {
            Some(next) => merged.push(core::mem::replace(head, next)),
            None => merged.push(heads.swap_remove(index).0),
        }
    }
    merged
}

/// Sorts a short list. The standard library's way takes 5 KB of code for each type, this one a few hundred bytes.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    for end in 1..items.len() {
        let mut place = end;
        while let Some(before) = place.checked_sub(1)
            && let Some([left, right]) = items.get_mut(before..=place)
            && *right < *left
        {
            core::mem::swap(left, right);
            place = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_short_list_is_sorted(mut items: Vec<u8>) {
            let mut expected = items.clone();
            expected.sort_unstable();
            sort(&mut items);
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn merging_is_sorting(
            mut lists in proptest::collection::vec(proptest::collection::vec(0_u8..20, 0..8), 0..6),
            limit in 0_usize..40,
        ) {
            for list in &mut lists {
                list.sort_unstable();
            }
            let mut expected = lists.concat();
            expected.sort_unstable();
            expected.truncate(limit);
            prop_assert_eq!(merge(lists, limit, Ord::cmp), expected);
        }
    }
}
