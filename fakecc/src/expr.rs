//! The integer expressions of `#if`.
//!
//! `defined` and `__has_…` are answered before this; what is left are constants, operators and
//! names, and a name that is no macro is 0.

use crate::token::{Kind, Token};

struct Parser<'a>(&'a [Token]);

/// The value of `tokens`; `None` when they are no expression.
pub fn evaluate(tokens: &[Token]) -> Option<i64> {
    let mut parser = Parser(tokens);
    let value = parser.ternary()?;
    parser.0.is_empty().then_some(value)
}

/// Binary operators by how tightly they bind, loosest first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Parser<'_> {
    fn take(&mut self, texts: &[&str]) -> Option<String> {
        let first = self.0.first().filter(|t| texts.iter().any(|text| t.is(text)))?;
        self.0 = &self.0[1..];
        Some(crate::lossy(&first.text))
    }

    fn ternary(&mut self) -> Option<i64> {
        let condition = self.binary(0)?;
        if self.take(&["?"]).is_none() {
            return Some(condition);
        }
        let yes = self.ternary()?;
        self.take(&[":"])?;
        let no = self.ternary()?;
        Some(if condition != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.take(operators) {
            let right = self.binary(level + 1)?;
            left = apply(&operator, left, right)?;
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<i64> {
        match self.take(&["!", "-", "+", "~", "("]).as_deref() {
            Some("!") => Some(i64::from(self.unary()? == 0)),
            Some("-") => Some(self.unary()?.wrapping_neg()),
            Some("~") => Some(!self.unary()?),
            Some("+") => self.unary(),
            Some(_) => {
                let value = self.ternary()?;
                self.take(&[")"])?;
                Some(value)
            }
            None => self.constant(),
        }
    }

    fn constant(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        match first.kind {
            Kind::Number => number(&first.text),
            Kind::Text => first.text.get(1).map(|&byte| i64::from(byte)),
            Kind::Ident if first.is("true") => Some(1),
            Kind::Ident => {
                // `__has_feature(x)` and its like: not known, so no.
                if self.0.first().is_some_and(|t| t.is("(")) {
                    let close = self.0.iter().position(|t| t.is(")"))?;
                    self.0 = &self.0[close + 1..];
                }
                Some(0)
            }
            _ => None,
        }
    }
}

fn apply(operator: &str, left: i64, right: i64) -> Option<i64> {
    Some(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<<" => left.wrapping_shl(right as u32),
        ">>" => left.wrapping_shr(right as u32),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" => left.checked_div(right)?,
        _ => left.checked_rem(right)?,
    })
}

fn number(text: &[u8]) -> Option<i64> {
    let text: String = crate::lossy(text).replace('\'', "").to_ascii_lowercase();
    let text = text.trim_end_matches(['u', 'l', 'z']);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x', ..] => (&text[2..], 16),
        [b'0', b'b', ..] => (&text[2..], 2),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    u64::from_str_radix(digits, radix).ok().map(u64::cast_signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (text, expect) in [
            ("1 + 2 * 3", Some(7)),
            ("(1 + 2) * 3 == 9 && !0", Some(1)),
            ("0x10 | 07 | 0b1", Some(23)),
            ("1 ? 2 : 3", Some(2)),
            ("201703L >= 201402L", Some(1)),
            ("unknown", Some(0)),
            ("__has_feature(x) || 1", Some(1)),
            ("'a' == 97", Some(1)),
            ("1 +", None),
            ("1 / 0", None),
            ("", None),
        ] {
            let lines = crate::token::lex(text.as_bytes().to_vec()).lines;
            let tokens = lines.first().map_or(&[][..], Vec::as_slice);
            assert_eq!(evaluate(tokens), expect, "{text}");
        }
    }
}
