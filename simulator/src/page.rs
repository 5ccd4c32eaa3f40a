//! A page of a list.

use serde_json::{Value, json};

use crate::error::ApiError;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    limit: usize,
    offset: usize,
}

impl Page {
    /// Reads `limit` (1 to 100, without one 20) and `offset` (without one 0).
    pub(crate) fn read(limit: Option<&str>, offset: Option<&str>) -> Result<Self, ApiError> {
        let limit = match limit.map(str::parse) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit @ 1..=MAX_LIMIT)) => limit,
            Some(_) => {
                let message = format!("limit must be a whole number from 1 to {MAX_LIMIT}");
                return Err(ApiError::invalid(message));
            }
        };
        let offset = offset.map_or(Ok(0), str::parse);
        let offset = offset.map_err(|_| ApiError::invalid("offset must be a whole number"))?;
        Ok(Self { limit, offset })
    }

    pub(crate) const fn offset(self) -> usize {
        self.offset
    }

    /// The page of these items, with how many there are in all.
    pub(crate) fn of<T>(
        self,
        items: impl Iterator<Item = T>,
        mut to_json: impl FnMut(T) -> Value,
    ) -> Value {
        let last = self.offset.saturating_add(self.limit);
        let (mut data, mut total) = (Vec::new(), 0_usize);
        for item in items {
            if (self.offset..last).contains(&total) {
                data.push(to_json(item));
            }
            total = total.saturating_add(1);
        }
        json!({ "data": data, "total": total, "limit": self.limit, "offset": self.offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_and_offset_cut_a_page_out() {
        for (limit, offset, expected) in [
            (None, None, (0..20).collect::<Vec<_>>()),
            (Some("3"), Some("2"), vec![2, 3, 4]),
            (Some("100"), Some("23"), vec![23, 24]),
            (Some("1"), Some("25"), vec![]),
            (Some("1"), Some("18446744073709551615"), vec![]),
        ] {
            let page = Page::read(limit, offset).unwrap().of(0..25, |item| json!(item));
            assert_eq!(page["data"], json!(expected));
            assert_eq!(page["total"], 25);
        }
    }

    #[test]
    fn what_is_not_a_number_or_out_of_bounds_is_refused() {
        for limit in ["0", "101", "-1", "x", ""] {
            assert!(Page::read(Some(limit), None).is_err(), "{limit}");
        }
        for offset in ["-1", "x", "", "18446744073709551616"] {
            assert!(Page::read(None, Some(offset)).is_err(), "{offset}");
        }
    }
}
