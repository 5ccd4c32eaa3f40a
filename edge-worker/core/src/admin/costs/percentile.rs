//! Percentiles of prices and times, each with how many jobs had it.

/// How many jobs had this price or time, or a lower one.
pub(super) fn count(prices: &[(u64, u64)], most: u64) -> u64 {
    let lower = prices.iter().filter(|(price, _)| *price <= most);
    lower.fold(0, |sum: u64, (_, times)| sum.saturating_add(*times))
}

/// The percentile by nearest rank: the lowest price that at least `percent` of a hundred jobs did not exceed. It is
/// looked for between all amounts that there are, by halves, which takes less code than to sort the prices.
pub(super) fn percentile(prices: &[(u64, u64)], jobs: u64, percent: u64) -> Option<u64> {
    let rank = jobs.saturating_mul(percent).div_ceil(100).max(1);
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low.midpoint(high);
        if count(prices, middle) >= rank {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    (jobs > 0).then_some(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_are_by_nearest_rank(
            prices in proptest::collection::vec((0_u64..9, 1_u64..5), 0..20),
            percent in 1_u64..=100,
        ) {
            let mut jobs = Vec::new();
            for (price, times) in &prices {
                jobs.extend((0..*times).map(|_| *price));
            }
            jobs.sort_unstable();
            let rank = (jobs.len() as u64).saturating_mul(percent).div_ceil(100);
            let expected = rank.checked_sub(1).map(|index| jobs[usize::try_from(index).unwrap()]);
            prop_assert_eq!(percentile(&prices, jobs.len() as u64, percent), expected);
        }
    }
}
