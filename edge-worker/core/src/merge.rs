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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
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
