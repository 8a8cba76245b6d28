//! The conditions of `if` and `while`.

use super::{Reader, Word};
use crate::cmake::text::{self, list, path, version};
use std::cmp::Ordering;

/// Deeper parentheses than this are no condition anybody writes.
const DEEPEST: usize = 64;

/// A condition being evaluated: what is left of its words.
struct Condition<'w> {
    words: &'w [Word],
    depth: usize,
    /// Whether it could not be understood.
    odd: bool,
}

impl<'w> Condition<'w> {
    /// The next word, if it is the bare word `keyword`.
    fn take(&mut self, keyword: &str) -> bool {
        let found = self.peek_keyword() == Some(keyword);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn peek_keyword(&self) -> Option<&'w str> {
        self.words.first().filter(|word| !word.quoted).map(|word| &*word.text)
    }

    fn next(&mut self) -> Option<&'w Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }
}

const UNARY: [&str; 14] = [
    "EXISTS",
    "DEFINED",
    "TARGET",
    "COMMAND",
    "POLICY",
    "TEST",
    "IS_DIRECTORY",
    "IS_SYMLINK",
    "IS_ABSOLUTE",
    "IS_READABLE",
    "IS_WRITABLE",
    "IS_EXECUTABLE",
    "FILE_EXISTS",
    "IS_REGULAR_FILE",
];

const BINARY: [&str; 19] = [
    "MATCHES",
    "EQUAL",
    "LESS",
    "GREATER",
    "LESS_EQUAL",
    "GREATER_EQUAL",
    "STREQUAL",
    "STRLESS",
    "STRGREATER",
    "STRLESS_EQUAL",
    "STRGREATER_EQUAL",
    "VERSION_EQUAL",
    "VERSION_LESS",
    "VERSION_GREATER",
    "VERSION_LESS_EQUAL",
    "VERSION_GREATER_EQUAL",
    "IN_LIST",
    "PATH_EQUAL",
    "IS_NEWER_THAN",
];

impl Reader<'_> {
    /// Whether a condition holds.
    pub(super) fn holds(&mut self, words: &[Word]) -> bool {
        let mut condition = Condition { words, depth: 0, odd: false };
        if words.is_empty() {
            return false;
        }
        let holds = self.either(&mut condition);
        if condition.odd || !condition.words.is_empty() {
            let words: Vec<&str> = words.iter().map(|word| &*word.text).collect();
            self.note(format!("this condition is not understood: {}", words.join(" ")));
        }
        holds
    }

    fn either(&mut self, condition: &mut Condition<'_>) -> bool {
        let mut holds = self.both(condition);
        while condition.take("OR") {
            holds |= self.both(condition);
        }
        holds
    }

    fn both(&mut self, condition: &mut Condition<'_>) -> bool {
        let mut holds = self.negation(condition);
        while condition.take("AND") {
            holds &= self.negation(condition);
        }
        holds
    }

    fn negation(&mut self, condition: &mut Condition<'_>) -> bool {
        let mut negated = false;
        while condition.words.len() > 1 && condition.take("NOT") {
            negated = !negated;
        }
        self.test(condition) != negated
    }

    fn test(&mut self, condition: &mut Condition<'_>) -> bool {
        if condition.peek_keyword() == Some("(") {
            return self.parenthesised(condition);
        }
        if let Some(operator) = condition.peek_keyword().filter(|word| UNARY.contains(word))
            && let [_, operand, rest @ ..] = condition.words
            && !is_closing(operand)
        {
            condition.words = rest;
            return self.unary(operator, &operand.text);
        }
        let Some(left) = condition.next() else {
            condition.odd = true;
            return false;
        };
        match condition.peek_keyword().filter(|word| BINARY.contains(word)) {
            Some(operator) if condition.words.len() > 1 => {
                condition.next();
                condition.next().is_some_and(|right| self.binary(left, operator, right))
            }
            _ => self.is_true(left),
        }
    }

    fn parenthesised(&mut self, condition: &mut Condition<'_>) -> bool {
        condition.next();
        condition.depth += 1;
        if condition.depth > DEEPEST {
            condition.odd = true;
            condition.words = &[];
            return false;
        }
        let holds = self.either(condition);
        condition.odd |= !condition.take(")");
        condition.depth -= 1;
        holds
    }

    /// Whether a word alone is true: a constant, or a variable whose value is not false.
    fn is_true(&self, word: &Word) -> bool {
        if text::is_true_constant(&word.text) {
            return true;
        }
        if word.quoted || text::is_false_constant(&word.text) {
            return false;
        }
        self.is_on(&word.text)
    }

    /// A bare word that names a variable stands for its value.
    fn operand(&self, word: &Word) -> String {
        if word.quoted {
            return word.text.clone();
        }
        self.defined_value(&word.text).unwrap_or_else(|| word.text.clone())
    }

    fn unary(&mut self, operator: &str, operand: &str) -> bool {
        match operator {
            "EXISTS" | "IS_READABLE" | "FILE_EXISTS" => {
                path::is_absolute(operand) && (self.file_exists(operand) || self.dir_exists(operand))
            }
            "IS_REGULAR_FILE" => path::is_absolute(operand) && self.file_exists(operand),
            "IS_DIRECTORY" => path::is_absolute(operand) && self.dir_exists(operand),
            "IS_ABSOLUTE" => path::is_absolute(operand),
            "DEFINED" => self.is_defined(operand),
            "TARGET" => self.model.find(operand).is_some() || self.model.custom.contains(operand),
            "COMMAND" => self.is_command(operand),
            "POLICY" => {
                let number = operand.strip_prefix("CMP").and_then(|number| number.parse::<u32>().ok());
                number.is_some_and(|number| number <= 180)
            }
            _ => false,
        }
    }

    fn is_defined(&self, name: &str) -> bool {
        if let Some(cached) = name.strip_prefix("CACHE{").and_then(|name| name.strip_suffix('}')) {
            return self.variables.cached(cached).is_some();
        }
        self.place_variable(name).is_some() || self.variables.set_by_project(name).is_some()
    }

    fn binary(&mut self, left: &Word, operator: &str, right: &Word) -> bool {
        let (a, b) = (self.operand(left), self.operand(right));
        self.spend(a.len() + b.len());
        match operator {
            "MATCHES" => return self.matches(&a, &right.text),
            "IN_LIST" => {
                let list = self.value(&right.text);
                return list::split(&list, true).contains(&a);
            }
            "PATH_EQUAL" => return path::normal(&a) == path::normal(&b),
            // Times are no part of what a description says.
            "IS_NEWER_THAN" => return false,
            _ => {}
        }
        let (order, wanted) = if let Some(wanted) = operator.strip_prefix("VERSION_") {
            (Some(version::compare(&a, &b)), wanted)
        } else if let Some(wanted) = operator.strip_prefix("STR") {
            (Some(a.cmp(&b)), wanted)
        } else {
            (number(&a).zip(number(&b)).and_then(|(a, b)| a.partial_cmp(&b)), operator)
        };
        let Some(order) = order else { return false };
        match wanted {
            "EQUAL" => order == Ordering::Equal,
            "LESS" => order == Ordering::Less,
            "GREATER" => order == Ordering::Greater,
            "LESS_EQUAL" => order != Ordering::Greater,
            _ => order != Ordering::Less,
        }
    }

    /// Whether `text` matches, which sets `CMAKE_MATCH_0` to `CMAKE_MATCH_9`.
    fn matches(&mut self, text: &str, pattern: &str) -> bool {
        let Some(regex) = self.pattern(pattern) else { return false };
        self.spend(text.len() * super::MATCH);
        match regex.captures(text) {
            Some(captures) => {
                self.set_matches(&captures);
                true
            }
            None => false,
        }
    }
}

fn is_closing(word: &Word) -> bool {
    !word.quoted && matches!(&*word.text, ")" | "AND" | "OR")
}

/// The number at the beginning of `text`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let longest = text.find(|c| !numeric(c)).unwrap_or(text.len()).min(40);
    (1..=longest).rev().find_map(|len| text.get(..len)?.parse().ok())
}
