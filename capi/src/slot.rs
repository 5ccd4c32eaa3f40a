//! Storage of the caller, and what is kept in it.

use core::mem::MaybeUninit;
use core::slice;

use zeroize::Zeroize as _;

use crate::Outcome;

/// What can be kept in storage of the caller. It owns nothing beside its bytes.
pub(crate) trait Kept: Sized {
    /// The storage: nothing but words, any of which may be uninitialised.
    type Storage;
    /// Stands in front of the value while there is one: a number that other memory hardly holds,
    /// and another one for every type.
    const SEAL: u64;
}

/// How a value is kept. All zeros is an empty slot, and what a wiped one is.
#[repr(C)]
struct Slot<T> {
    seal: u64,
    value: MaybeUninit<T>,
}

/// Fails to compile unless what is kept fits into its storage.
pub(crate) const fn fits<T: Kept>() {
    assert!(size_of::<Slot<T>>() <= size_of::<T::Storage>(), "the storage is too small");
    assert!(align_of::<Slot<T>>() <= align_of::<T::Storage>(), "the storage is not aligned");
    assert!(align_of::<T::Storage>() == align_of::<u64>(), "the storage does not consist of words");
    assert!(size_of::<T::Storage>().is_multiple_of(size_of::<u64>()), "as before");
}

fn slot<T: Kept>(storage: &T::Storage) -> &Slot<T> {
    const { fits::<T>() };
    // SAFETY: a slot fits into the storage, as just asserted. The caller of the C function promises
    // that the storage was initialised, if only with zeros, so there is a seal; the value behind it
    // may be anything.
    unsafe { &*(&raw const *storage).cast::<Slot<T>>() }
}

fn slot_mut<T: Kept>(storage: &mut T::Storage) -> &mut Slot<T> {
    const { fits::<T>() };
    // SAFETY: as in `slot`.
    unsafe { &mut *(&raw mut *storage).cast::<Slot<T>>() }
}

/// Keeps a value in storage that has just been wiped, so that what the value does not need is zeros.
pub(crate) fn fill<T: Kept>(storage: &mut T::Storage, value: T) {
    let slot = slot_mut::<T>(storage);
    slot.value.write(value);
    slot.seal = T::SEAL;
}

/// The value that is kept.
pub(crate) fn get<T: Kept>(storage: &T::Storage) -> Result<&T, Outcome> {
    let slot = slot::<T>(storage);
    if slot.seal != T::SEAL {
        return Err(Outcome::NotInitialised);
    }
    // SAFETY: the seal is set together with the value, by `fill` only, and goes with it.
    Ok(unsafe { slot.value.assume_init_ref() })
}

/// The value that is kept, to be changed.
pub(crate) fn get_mut<T: Kept>(storage: &mut T::Storage) -> Result<&mut T, Outcome> {
    let slot = slot_mut::<T>(storage);
    if slot.seal != T::SEAL {
        return Err(Outcome::NotInitialised);
    }
    // SAFETY: as in `get`.
    Ok(unsafe { slot.value.assume_init_mut() })
}

/// Takes the value out, which leaves the storage wiped.
pub(crate) fn take<T: Kept>(storage: &mut T::Storage) -> Result<T, Outcome> {
    let slot = slot_mut::<T>(storage);
    if slot.seal != T::SEAL {
        return Err(Outcome::NotInitialised);
    }
    // SAFETY: as in `get`; the copy that stays behind is wiped at once and never dropped.
    let value = unsafe { slot.value.assume_init_read() };
    wipe::<T>(storage);
    Ok(value)
}

/// Overwrites the whole storage with zeros, in a way that no optimiser leaves out.
pub(crate) fn wipe<T: Kept>(storage: &mut T::Storage) {
    const { fits::<T>() };
    let words = (&raw mut *storage).cast::<MaybeUninit<u64>>();
    let count = const { size_of::<T::Storage>() / size_of::<u64>() };
    // SAFETY: the storage consists of so many aligned words, as just asserted. What is kept in it
    // owns nothing beside its bytes, so it may be overwritten without being dropped.
    let words = unsafe { slice::from_raw_parts_mut(words, count) };
    for word in words {
        word.zeroize();
    }
}
