//! What the random tests share: trees and edits ([`tree`], [`edits`]), what must happen
//! ([`oracle`]), where it happens ([`world`]), and the comparison of the two ([`check`]).
//!
//! Everything follows from one number, the seed: a run is repeated by giving it again.

// Each test binary uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, reason = "a failing test may panic anywhere")]
#![allow(clippy::disallowed_methods, reason = "tests write the inputs that jmake only reads")]

pub mod check;
pub mod edits;
pub mod fake;
pub mod oracle;
pub mod script;
pub mod tree;
pub mod world;

/// A small random number generator (xorshift): the same numbers for the same seed everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Numbers that follow from `seed`.
    pub fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        if dice.0 == 0 {
            dice.0 = 1;
        }
        for _ in 0..4 {
            dice.next();
        }
        dice
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number from 0 to `n - 1`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of `from`.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}
