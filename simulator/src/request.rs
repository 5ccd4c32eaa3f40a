//! The parts of a request that several paths read.

use std::collections::HashMap;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};

use crate::error::ApiError;
use crate::page::Page;

/// The id in a path.
pub(crate) fn path(id: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    id.map(|Path(id)| id).map_err(|_| ApiError::not_found("this cannot be an id"))
}

/// `limit` and `offset` of a query.
pub(crate) fn page(
    query: &Result<Query<HashMap<String, String>>, QueryRejection>,
) -> Result<Page, ApiError> {
    let Ok(Query(query)) = query else {
        return Err(ApiError::invalid("the query cannot be read"));
    };
    let field = |name: &str| query.get(name).map(String::as_str);
    Page::read(field("limit"), field("offset"))
}
