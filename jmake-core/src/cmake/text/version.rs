//! Comparison of versions and of names with numbers in them.

use std::cmp::Ordering;

/// Compares `a` and `b` as versions: numbers between dots, missing ones being 0.
pub(in crate::cmake) fn compare(a: &str, b: &str) -> Ordering {
    let mut a = parts(a);
    let mut b = parts(b);
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => match x.unwrap_or(0).cmp(&y.unwrap_or(0)) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// The numbers of a version, up to the first thing that is none.
fn parts(text: &str) -> impl Iterator<Item = u64> + '_ {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        rest = text[digits..].strip_prefix('.');
        if digits == 0 {
            rest = None;
            return None;
        }
        Some(text[..digits].parse().unwrap_or(u64::MAX))
    })
}

/// Compares names such that `a9` comes before `a10`.
pub(in crate::cmake) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(&x), Some(&y)) = (a.first(), b.first()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, n) = (number(&mut a), number(&mut b));
            match m.len().cmp(&n.len()).then_with(|| m.cmp(n)) {
                Ordering::Equal => continue,
                unequal => return unequal,
            }
        }
        if x != y {
            return x.cmp(&y);
        }
        (a, b) = (&a[1..], &b[1..]);
    }
}

/// Takes the digits at the beginning of `text`; gives them without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    *text = rest;
    let zeros = digits.iter().take_while(|&&b| b == b'0').count();
    &digits[zeros..]
}
