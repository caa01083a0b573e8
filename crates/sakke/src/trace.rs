//! A record of which operations a computation did in which order, kept in tests alone.
//!
//! Two secrets may not be told apart by it: that catches a digit skipped because it is zero, a
//! loop that ends early, a table read at an index. What the compiler makes of the code, and how
//! long one multiplication takes, it cannot see.

use std::cell::Cell;

#[derive(Clone, Copy)]
pub(crate) enum Op {
    Add,
    Mul,
    Invert,
    Assign,
}

thread_local! {
    static RECORD: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

pub(crate) fn note(op: Op) {
    RECORD.with(|record| {
        let (count, hash) = record.get();
        record.set((count + 1, (hash ^ (op as u64 + 1)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(5)));
    });
}

/// How many operations `f` did, and a hash over their order.
pub(crate) fn of(f: impl FnOnce()) -> (u64, u64) {
    RECORD.set((0, 0));
    f();
    RECORD.get()
}
