//! `math(EXPR)`: 64-bit arithmetic with the operators and precedence of C.

/// Deeper nesting than this is no arithmetic anybody writes.
const DEEPEST: u32 = 64;

/// The value of `text`, or `None` when it is no expression, divides by zero, or nests too deeply.
pub(in crate::cmake) fn evaluate(text: &str) -> Option<i64> {
    let mut parser = Parser { text: text.as_bytes(), at: 0, depth: 0 };
    let value = parser.binary(0)?;
    parser.blanks();
    (parser.at == parser.text.len()).then_some(value)
}

/// Binary operators by precedence, the loosest first.
const LEVELS: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, operator: &str) -> bool {
        self.blanks();
        let found = self.text[self.at..].starts_with(operator.as_bytes());
        if found {
            self.at += operator.len();
        }
        found
    }

    fn binary(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut value = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.take(operator)) {
            let right = self.binary(level + 1)?;
            value = apply(operator, value, right)?;
        }
        Some(value)
    }

    fn unary(&mut self) -> Option<i64> {
        let (mut negated, mut inverted) = (false, false);
        loop {
            if self.take("-") {
                negated = !negated;
            } else if self.take("~") {
                inverted = !inverted;
            } else if !self.take("+") {
                break;
            }
        }
        let value = self.primary()?;
        let value = if inverted { !value } else { value };
        Some(if negated { value.wrapping_neg() } else { value })
    }

    fn primary(&mut self) -> Option<i64> {
        if !self.take("(") {
            return self.number();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = self.binary(0)?;
        self.depth -= 1;
        self.take(")").then_some(value)
    }

    fn number(&mut self) -> Option<i64> {
        self.blanks();
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let digits = std::str::from_utf8(&rest[..len]).ok()?;
        self.at += len;
        match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(u64::cast_signed),
            None => digits.parse().ok(),
        }
    }
}

fn apply(operator: &str, a: i64, b: i64) -> Option<i64> {
    Some(match operator {
        "|" => a | b,
        "^" => a ^ b,
        "&" => a & b,
        "<<" => a.checked_shl(u32::try_from(b).ok()?).unwrap_or(0),
        ">>" => a.checked_shr(u32::try_from(b).ok()?).unwrap_or(if a < 0 { -1 } else { 0 }),
        "+" => a.wrapping_add(b),
        "-" => a.wrapping_sub(b),
        "*" => a.wrapping_mul(b),
        "/" if b != 0 => a.wrapping_div(b),
        "%" if b != 0 => a.wrapping_rem(b),
        _ => return None,
    })
}
