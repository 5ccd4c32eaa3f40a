//! The story that the provider cannot tell: the origin is away, and the edge dies meanwhile.

use nextapi_hook::{Expectation, Step, summary};
use nextapi_testkit::{Delivery, Job, LocalEdge, Received, Shape, Status};
use nextapi_webhook::UnixTime;

use super::Story;
use crate::output::{heading, line};

/// The jobs that run while the origin is away.
const JOBS: usize = 2;
const STORY: [Status; 3] = [Status::Queued, Status::Running, Status::Succeeded];

impl Story {
    pub(super) async fn outage(&mut self, edge: &mut LocalEdge) -> anyhow::Result<()> {
        heading(
            "outage",
            "the origin is away, the edge goes on taking events and is killed; all of them reach the origin in the end",
        )?;
        let before = self.origin.count();
        self.origin.refuse().await;
        line("   the origin refuses connections")?;
        let mut owed = Vec::new();
        for number in 1..=JOBS {
            let job = Job::random(UnixTime::now())?;
            for status in STORY {
                let delivery = Delivery::signed(
                    job.event(Shape::Envelope, status)?,
                    &self.key,
                    UnixTime::now(),
                )?;
                let what = format!("job {number}, {}", status.event_type());
                let step = Step::one(what, delivery.clone(), Expectation::Taken);
                let answers = step.run(&self.deliverer).await?;
                let is_good = step.expected.is_met_by(&answers);
                let fault = (!is_good).then(|| format!("expected {}", step.expected));
                self.tally.row(&step.what, &summary(&answers), "", fault.as_slice())?;
                owed.push(delivery);
            }
        }
        edge.kill().await;
        line("   the edge is killed (SIGKILL)")?;
        self.origin.accept().await?;
        edge.restart().await?;
        line("   origin and edge are back")?;

        self.due = self.due.saturating_add(owed.len());
        self.wait(before.saturating_add(owed.len())).await;
        let received: Vec<_> = self.origin.received().into_iter().skip(before).collect();
        let mut faults = faults(&owed, &received);
        for request in &received {
            faults.extend(self.arrival.additions(request));
        }
        let what = format!("{} requests", received.len());
        self.tally.row("nothing more is sent", "", &what, &faults)
    }
}

/// What is wrong with what came of the events, which were accepted in this order, three of each job.
fn faults(owed: &[Delivery], received: &[Received]) -> Vec<String> {
    let place =
        |delivery: &Delivery| received.iter().position(|request| request.body() == delivery.body());
    let places: Vec<_> = owed.iter().map(place).collect();
    let came = places.iter().flatten().count();
    let mut faults = Vec::new();
    if came != owed.len() {
        faults.push(format!("{came} of {} events reached the origin", owed.len()));
    }
    for (of_job, number) in places.chunks(STORY.len()).zip(1_u32..) {
        let of_job: Vec<_> = of_job.iter().flatten().collect();
        if !of_job.is_sorted() {
            faults.push(format!("an event of job {number} came before an earlier one"));
        }
    }
    faults
}
