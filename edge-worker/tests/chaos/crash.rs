//! The engine is killed and started again; the origin goes and comes back; an operator pauses and resumes.

use core::time::Duration;

use nextapi_testkit::{LocalEdge, Origin};

use crate::history::{Fact, Recorder};
use crate::operator::Operator;
use crate::plan::{Crash, Party};

/// Only a run that has come to a halt waits this long.
const HALTED: Duration = Duration::from_mins(2);

/// Lets everything crash as planned. Gives up when nothing reaches the origin any more: what that
/// means is for the verdict to say.
pub(crate) async fn crash(
    crashes: &[Crash],
    edge: &mut LocalEdge,
    origin: &mut Origin,
    operator: &Operator,
    recorder: &Recorder,
) {
    for crash in crashes {
        if origin.wait_for(crash.at, HALTED).await.is_err() {
            return;
        }
        tokio::time::sleep(crash.delay).await;
        match crash.of {
            Party::Engine => {
                kill(edge, recorder).await;
                tokio::time::sleep(crash.lasts).await;
                edge.restart().await.unwrap();
                recorder.note(Fact::EngineBack);
            }
            Party::Origin => {
                recorder.note(Fact::OriginGone);
                origin.refuse().await;
                tokio::time::sleep(crash.lasts).await;
                recorder.note(Fact::OriginBack);
                origin.accept().await.unwrap();
            }
            Party::Disk => {
                recorder.note(Fact::DiskFull);
                edge.limit_files(Some(1)).await.unwrap();
                tokio::time::sleep(crash.lasts).await;
                edge.limit_files(None).await.unwrap();
                recorder.note(Fact::DiskFree);
            }
            Party::Replay => {
                recorder.note(Fact::Replaying);
                operator.replay_dead().await;
            }
            Party::Operator => {
                operator.pause().await;
                recorder.note(Fact::Paused);
                tokio::time::sleep(crash.lasts).await;
                recorder.note(Fact::Resuming);
                operator.resume().await;
            }
        }
    }
}

/// Kills the engine.
pub(crate) async fn kill(edge: &mut LocalEdge, recorder: &Recorder) {
    recorder.note(Fact::EngineKilled);
    edge.kill().await;
}
