//! A memory of recent events for services that have no other.

use core::mem;

use crate::EventKey;

/// Remembers the last `N` event keys, in a fixed amount of memory: for services with no store.
///
/// **Eviction**: when the window is full, the key that was inserted first goes, whether or not its
/// event was seen again since. So the window recognises an event again until `N` other events have
/// come in. Choose `N` greater than the number of events that can arrive while a signature is
/// fresh (past and future tolerance together, ten minutes by default); a smaller window lets a
/// captured delivery be replayed once it has been pushed out. That holds for bodies in pieces as well,
/// however long they take: freshness is judged when the last piece is there. The provider's retries come hours
/// later; to recognise those takes a store.
///
/// **Insert a key after the work for its event has succeeded**, never before: if the work fails, the
/// provider's retry would be taken for a duplicate, and the event would be lost. Code that has to
/// insert first, so that a second delivery does not start the same work, takes the key out again with
/// [`remove`](Self::remove) on failure.
///
/// Every call looks at all `N` places, so its time is bounded and grows with `N`. A window takes 33
/// bytes a place, and one for the place's use.
///
/// ```
/// use nextapi_webhook::{ReplayWindow, Verified};
/// # use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
///
/// /// Handles a verified delivery; gives the status to answer with.
/// fn handle(
///     window: &mut ReplayWindow<64>,
///     delivery: Verified<&[u8]>,
///     work: impl Fn(&[u8]) -> bool,
/// ) -> u16 {
///     let key = delivery.event_key();
///     if window.contains(&key) {
///         return 200; // a duplicate: the work is done
///     }
///     if !work(delivery.body()) {
///         return 500; // not remembered, so the retry is a new chance
///     }
///     window.insert(key);
///     200
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (body, now) = (br#"{"id":"evt_1","type":"job.succeeded"}"#, UnixTime::from_secs(1_700_000_000));
/// # let verifier = Verifier::<1>::new([Key::new(b"whsec")?], Tolerance::DEFAULT)?;
/// # let header = Key::new(b"whsec")?.sign(now, body).to_string();
/// let mut window = ReplayWindow::new();
/// let delivery = verifier.verify(&header, body, now)?;
/// assert_eq!(handle(&mut window, delivery, |_| false), 500);
/// assert_eq!(handle(&mut window, delivery, |_| true), 200);
/// assert_eq!(handle(&mut window, delivery, |_| panic!("the work is done twice")), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReplayWindow<const N: usize> {
    /// The newest last. Places that are not in use come first.
    keys: [Option<EventKey>; N],
}

impl<const N: usize> ReplayWindow<N> {
    /// A window that remembers nothing yet. One without a single place does not compile: to it, every
    /// event would be new.
    ///
    /// ```compile_fail
    /// let window = nextapi_webhook::ReplayWindow::<0>::new();
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > 0, "a replay window needs at least one place") };
        Self { keys: [None; N] }
    }

    /// Remembers a key. Returns whether it is new: `false` means that the event is a duplicate, and
    /// leaves the window as it was.
    pub fn insert(&mut self, key: EventKey) -> bool {
        if self.contains(&key) {
            return false;
        }
        let mut moved = Some(key);
        for place in self.keys.iter_mut().rev() {
            moved = mem::replace(place, moved);
        }
        true
    }

    /// Whether a key is remembered.
    #[must_use]
    pub fn contains(&self, key: &EventKey) -> bool {
        self.keys.iter().flatten().any(|remembered| remembered == key)
    }

    /// Forgets a key, so that the event's next delivery counts as new. Returns whether it was
    /// remembered. What else is remembered stays as old as it was.
    pub fn remove(&mut self, key: &EventKey) -> bool {
        if !self.contains(key) {
            return false;
        }
        let mut moved = None;
        for place in &mut self.keys {
            moved = mem::replace(place, moved);
            if moved.as_ref() == Some(key) {
                break;
            }
        }
        true
    }

    /// How many keys are remembered, at most `N`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.iter().flatten().count()
    }

    /// Whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<const N: usize> Default for ReplayWindow<N> {
    fn default() -> Self {
        Self::new()
    }
}
