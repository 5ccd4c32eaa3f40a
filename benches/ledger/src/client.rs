//! Sends deliveries over connections that are kept, and checks every answer.

use anyhow::{Context as _, ensure};
use nextapi_testkit::{Delivery, LocalEdge};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A client of one edge.
#[derive(Clone)]
pub(crate) struct Client {
    client: reqwest::Client,
    url: String,
}

impl Client {
    pub(crate) fn new(edge: &LocalEdge) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client, url: edge.url() })
    }

    /// Sends a delivery, which has to be answered so. The milliseconds until the whole answer was there.
    pub(crate) async fn expect(
        &self,
        delivery: &Delivery,
        status: u16,
        code: &str,
    ) -> anyhow::Result<f64> {
        let began = Instant::now();
        let request = self.client.post(format!("{}webhook", self.url));
        let request = request.headers(delivery.headers().clone()).body(delivery.body().clone());
        let response = request.send().await?;
        let answered = response.status().as_u16();
        let body = response.text().await?;
        let milliseconds = began.elapsed().as_secs_f64() * 1e3;
        let is_expected = answered == status && body.contains(&format!("\"{code}\""));
        ensure!(is_expected, "answered {answered} {body}, not {status} {code}");
        Ok(milliseconds)
    }

    /// Goes through all lists at the same time, and through each in its order. Every delivery has to
    /// be answered 200 with this code. The milliseconds that each took, by list.
    pub(crate) async fn expect_all(
        &self,
        lists: Vec<Vec<Delivery>>,
        code: &'static str,
    ) -> anyhow::Result<Vec<Vec<f64>>> {
        let mut tasks = JoinSet::new();
        for list in lists {
            let client = self.clone();
            tasks.spawn(async move {
                let mut times = Vec::new();
                for delivery in &list {
                    times.push(client.expect(delivery, 200, code).await?);
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            times.push(ended.context("a list was not finished")??);
        }
        Ok(times)
    }

    /// The JSON at a path.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let response = self.client.get(format!("{}{path}", self.url)).send().await?;
        Ok(serde_json::from_str(&response.error_for_status()?.text().await?)?)
    }
}
