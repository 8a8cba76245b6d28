//! Macros: definitions and their expansion.
//!
//! Object-like and function-like macros are replaced, arguments included; `#` and `##` stay in the
//! text as they are, which is deterministic and all that a fake needs.

use std::collections::HashMap;

use crate::Bytes;
use crate::token::{Kind, Token, lex};

/// How deep replacement goes before it is left alone.
const DEEPEST: usize = 32;

struct Macro {
    /// The parameters of a function-like macro.
    params: Option<Vec<Bytes>>,
    body: Vec<Token>,
}

/// The macros defined at one point of a translation unit.
pub struct Macros {
    all: HashMap<Bytes, Macro>,
    /// Occurrences of `__COUNTER__` so far.
    counter: usize,
    /// What `__TIME__` and its like stand for.
    now: String,
}

impl Macros {
    pub fn new(now: String) -> Macros {
        Macros { all: HashMap::new(), counter: 0, now }
    }

    pub fn is_defined(&self, name: &[u8]) -> bool {
        self.all.contains_key(name)
            || [&b"__has_include"[..], b"__has_include_next", b"__has_embed", b"__FILE__", b"__LINE__"]
                .contains(&name)
    }

    pub fn undef(&mut self, name: &[u8]) {
        self.all.remove(name);
    }

    /// `NAME`, `NAME=VALUE`, `NAME(x)=VALUE`, as `-D` takes it.
    pub fn define_flag(&mut self, text: &[u8]) {
        let split = text.iter().position(|&b| b == b'=');
        let definition = match split {
            Some(at) => [&text[..at], b" ", &text[at + 1..]].concat(),
            None => [text, b" 1"].concat(),
        };
        for line in lex(definition).lines {
            self.define(&line);
        }
    }

    /// What follows `#define`.
    pub fn define(&mut self, line: &[Token]) {
        let Some((name, rest)) = line.split_first() else { return };
        let function = rest.first().filter(|open| open.is("(") && !open.spaced).is_some();
        let close = rest.iter().position(|t| t.is(")")).filter(|_| function);
        let (params, body) = match close {
            Some(close) => {
                let names = rest[1..close].iter().filter(|t| !t.is(","));
                (Some(names.map(|t| t.text.clone()).collect()), &rest[close + 1..])
            }
            None => (None, rest),
        };
        self.all.insert(name.text.clone(), Macro { params, body: body.to_vec() });
    }

    /// `tokens` of `file` with every macro replaced.
    pub fn expand(&mut self, file: &[u8], tokens: &[Token]) -> Vec<Token> {
        let mut out = Vec::with_capacity(tokens.len());
        self.expand_into(file, tokens, &mut Vec::new(), &mut out);
        out
    }

    fn expand_into(&mut self, file: &[u8], tokens: &[Token], hidden: &mut Vec<Bytes>, out: &mut Vec<Token>) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            if token.kind != Kind::Ident || hidden.contains(&token.text) || hidden.len() > DEEPEST {
                out.push(token.clone());
                continue;
            }
            if let Some(value) = self.builtin(file, token) {
                out.push(Token { text: value, kind: Kind::Text, ..token.clone() });
                continue;
            }
            let Some((body, used)) = self.replacement(token, &tokens[at..]) else {
                out.push(token.clone());
                continue;
            };
            at += used;
            hidden.push(token.text.clone());
            self.expand_into(file, &body, hidden, out);
            hidden.pop();
        }
    }

    /// The replacement of `name` followed by `rest`, at the place of `name`, and how much of `rest`
    /// are its arguments.
    fn replacement(&self, name: &Token, rest: &[Token]) -> Option<(Vec<Token>, usize)> {
        let found = self.all.get(&name.text)?;
        let here = |token: &Token| Token { line: name.line, column: name.column, ..token.clone() };
        let Some(params) = &found.params else {
            return Some((found.body.iter().map(here).collect(), 0));
        };
        let (args, used) = arguments(rest)?;
        let mut body = Vec::new();
        for token in &found.body {
            let variadic = token.is("__VA_ARGS__") && params.last().is_some_and(|p| p == b"...");
            match params.iter().position(|param| *param == token.text || (variadic && param == b"...")) {
                Some(index) if variadic => body.extend(args.iter().skip(index).flatten().map(here)),
                Some(index) => body.extend(args.get(index).into_iter().flatten().map(here)),
                None => body.push(here(token)),
            }
        }
        Some((body, used))
    }

    fn builtin(&mut self, file: &[u8], token: &Token) -> Option<Bytes> {
        Some(match &token.text[..] {
            b"__LINE__" => token.line.to_string().into_bytes(),
            b"__FILE__" => [b"\"", file, b"\""].concat(),
            b"__DATE__" | b"__TIME__" | b"__TIMESTAMP__" => self.now.clone().into_bytes(),
            b"__COUNTER__" => {
                self.counter += 1;
                (self.counter - 1).to_string().into_bytes()
            }
            _ => return None,
        })
    }
}

/// The arguments in `rest`, which begins with `(`, and how many tokens they take.
fn arguments(rest: &[Token]) -> Option<(Vec<Vec<Token>>, usize)> {
    if !rest.first()?.is("(") {
        return None;
    }
    let mut args = vec![Vec::new()];
    let mut depth = 0;
    for (at, token) in rest.iter().enumerate() {
        match &token.text[..] {
            b"(" => depth += 1,
            b")" if depth == 1 => return Some((args, at + 1)),
            b")" => depth -= 1,
            b"," if depth == 1 => {
                args.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if at > 0 {
            args.last_mut()?.push(token.clone());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansion() {
        let mut macros = Macros::new("now".into());
        for definition in ["A=B", "B=A 1", "F(x,y)=y x", "G(...)=[__VA_ARGS__]", "E="] {
            macros.define_flag(definition.as_bytes());
        }
        for (text, expect) in [
            ("A;", "A 1 ;"),
            ("F(1,(2,3))", "( 2 , 3 ) 1"),
            ("F", "F"),
            ("G(a, b)", "[ a b ]"),
            ("x E y", "x y"),
            ("__COUNTER__ __COUNTER__ __LINE__", "0 1 1"),
        ] {
            let tokens = lex(text.as_bytes().to_vec()).lines.remove(0);
            let texts: Vec<String> =
                macros.expand(b"f", &tokens).iter().map(|t| crate::lossy(&t.text)).collect();
            assert_eq!(texts.join(" "), expect, "{text}");
        }
    }
}
