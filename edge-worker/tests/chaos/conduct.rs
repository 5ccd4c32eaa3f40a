//! What the origin does with one request.

use core::fmt;
use core::time::Duration;

use fastrand::Rng;
use http::{StatusCode, header};
use nextapi_testkit::Reply;

use crate::run::ORIGIN_TIMEOUT;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// An answer at once, good or bad.
    Answer(u16),
    /// 429 or 503, with a `Retry-After` of a second.
    Busy(u16),
    /// A good answer around the edge's deadline: before it, at it, or too late.
    Late(Duration),
    /// 200, and the connection is cut in the middle of the answer's body.
    Half,
    /// No answer, and the connection stays open.
    Hang,
    /// No answer, and the connection is closed.
    Close,
    /// No answer, and the connection is reset.
    Reset,
}

const SUCCESSES: [u16; 4] = [200, 201, 202, 204];
const FAILURES: [u16; 3] = [500, 502, 503];
const REFUSALS: [u16; 5] = [302, 400, 401, 404, 422];

/// How long an origin that is busy wants to be left alone.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Conduct {
    /// Whether an edge that retries by itself gives the event up.
    pub(crate) fn is_final_refusal(self) -> bool {
        matches!(self, Self::Answer(status) if REFUSALS.contains(&status))
    }

    /// A good answer.
    pub(crate) fn success(random: &mut Rng) -> Self {
        Self::Answer(*random.choice(&SUCCESSES).unwrap())
    }

    /// Anything but a good answer at once.
    pub(crate) fn fault(random: &mut Rng) -> Self {
        match random.u8(..8) {
            0 => Self::Answer(*random.choice(&FAILURES).unwrap()),
            1 => Self::Answer(*random.choice(&REFUSALS).unwrap()),
            2 => Self::Late(ORIGIN_TIMEOUT.mul_f64(0.7 + 0.6 * random.f64())),
            3 => Self::Half,
            4 => Self::Hang,
            5 => Self::Close,
            6 => Self::Busy(*random.choice(&[429, 503]).unwrap()),
            _ => Self::Reset,
        }
    }

    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Answer(status) => Reply::status(StatusCode::from_u16(status).unwrap()),
            Self::Busy(status) => Reply::status(StatusCode::from_u16(status).unwrap())
                .with_header(header::RETRY_AFTER, &RETRY_AFTER.as_secs().to_string()),
            Self::Late(time) => Reply::default().after(time),
            Self::Half => Reply::half(),
            Self::Hang => Reply::hang(),
            Self::Close => Reply::close(),
            Self::Reset => Reply::reset(),
        }
    }

    /// The status of the answer, if there is one.
    pub(crate) const fn status(self) -> Option<u16> {
        match self {
            Self::Answer(status) | Self::Busy(status) => Some(status),
            Self::Late(_) | Self::Half => Some(200),
            Self::Hang | Self::Close | Self::Reset => None,
        }
    }
}

impl fmt::Display for Conduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status) => write!(f, "answers {status}"),
            Self::Busy(status) => write!(f, "answers {status} and asks for a second"),
            Self::Late(time) => write!(f, "answers 200 after {} ms", time.as_millis()),
            Self::Half => f.write_str("answers 200 and cuts the connection in the body"),
            Self::Hang => f.write_str("hangs"),
            Self::Close => f.write_str("closes the connection"),
            Self::Reset => f.write_str("resets the connection"),
        }
    }
}
