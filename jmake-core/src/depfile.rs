//! What a tool read, from the make rule it wrote.
//!
//! clang (`-MD`) and the linkers (`--dependency-file`) write one make rule, `target: file file …`,
//! with `\` before a newline to continue and escapes for blanks, `#` and `$`.  The rule is taken
//! whole or not at all: a truncated list would be a silently smaller set of inputs, which is how a
//! build goes stale.  So the text must end in a newline, hold no NUL, and have a target.
//!
//! The escapes are those of clang's `DependencyFile.cpp` (GNU make flavour): `\ ` and `\#` for
//! blank and hash with backslashes before them doubled, `$$` for a dollar, other backslashes
//! plain.  A name that holds a newline cannot be expressed and is refused before compiling.

use anyhow::{Result, bail};

use crate::path::FilePath;

/// The prerequisites of the first rule in `text`, in order, each once.
///
/// # Errors
/// When the text is truncated, holds NUL bytes, or has no rule.
pub fn parse(text: &[u8]) -> Result<Vec<FilePath>> {
    if text.contains(&0) {
        bail!("the dependency file holds NUL bytes");
    }
    if text.last() != Some(&b'\n') || text.ends_with(b"\\\n") || text.ends_with(b"\\\r\n") {
        bail!("the dependency file is cut short");
    }
    let mut words = Words { text, at: 0, in_targets: true };
    // Targets, up to the colon.
    loop {
        match words.next() {
            Some(Word::Text(_)) => {}
            Some(Word::Colon) => {
                words.in_targets = false;
                break;
            }
            Some(Word::End) | None => bail!("the dependency file names no target"),
        }
    }
    let mut files = Vec::new();
    let mut known = std::collections::HashSet::new();
    while let Some(Word::Text(name)) = words.next() {
        let file = FilePath::new(name);
        if known.insert(file.clone()) {
            files.push(file);
        }
    }
    Ok(files)
}

enum Word {
    Text(Vec<u8>),
    /// The end of the targets.
    Colon,
    /// The end of the rule.
    End,
}

struct Words<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether a colon still means something.
    in_targets: bool,
}

impl Words<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<Word> {
        self.skip_blanks();
        match self.peek(0)? {
            b'\n' => {
                self.at += 1;
                Some(Word::End)
            }
            _ => Some(self.word()),
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1), self.peek(2)) {
                (Some(b' ' | b'\t'), ..) => self.at += 1,
                (Some(b'\\'), Some(b'\n'), _) => self.at += 2,
                (Some(b'\\' | b'\r'), Some(b'\r'), Some(b'\n')) => self.at += 3,
                (Some(b'\r'), Some(b'\n'), _) => self.at += 1,
                _ => return,
            }
        }
    }

    fn word(&mut self) -> Word {
        // A colon ends the targets only where a blank or the line's end follows: `c:/x` and
        // `a:b.h` are names.
        let ends_target =
            |next: Option<u8>| matches!(next, None | Some(b' ' | b'\t' | b'\n' | b'\r' | b'\\'));
        let mut name = Vec::new();
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\n' => break,
                b'\r' if self.peek(1) == Some(b'\n') => break,
                b'\\' if matches!(self.peek(1), Some(b'\n')) => break,
                b'\\' if self.peek(1) == Some(b'\r') && self.peek(2) == Some(b'\n') => break,
                b':' if self.in_targets && ends_target(self.peek(1)) => {
                    if name.is_empty() {
                        self.at += 1;
                        return Word::Colon;
                    }
                    break;
                }
                b'$' if self.peek(1) == Some(b'$') => {
                    name.push(b'$');
                    self.at += 2;
                }
                b'\\' => self.backslashes(&mut name),
                _ => {
                    name.push(byte);
                    self.at += 1;
                }
            }
        }
        Word::Text(name)
    }

    /// A run of backslashes: before a blank or `#` each pair is one backslash and a last single
    /// one escapes what follows; before anything else they stand for themselves.
    fn backslashes(&mut self, name: &mut Vec<u8>) {
        let run = self.text[self.at..].iter().take_while(|&&b| b == b'\\').count();
        let next = self.peek(run);
        let escapes = matches!(next, Some(b' ' | b'\t' | b'#'));
        if escapes && run % 2 == 1 {
            name.extend(std::iter::repeat_n(b'\\', run / 2));
            name.extend(next);
            self.at += run + 1;
        } else if escapes {
            name.extend(std::iter::repeat_n(b'\\', run / 2));
            self.at += run;
        } else if next == Some(b'\n') && run > 1 {
            // The last one continues the line.
            name.extend(std::iter::repeat_n(b'\\', run - 1));
            self.at += run - 1;
        } else {
            name.extend(std::iter::repeat_n(b'\\', run));
            self.at += run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<String> {
        parse(text.as_bytes()).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules() {
        for (text, expect) in [
            ("a.o: a.c\n", vec!["a.c"]),
            ("a.o: a.c \\\n  b.h \\\n  c.h\n", vec!["a.c", "b.h", "c.h"]),
            ("a.o: a.c \\\r\n  b.h\r\n", vec!["a.c", "b.h"]),
            ("a.o b.o : a.c\n", vec!["a.c"]),
            ("a.o: a\\ b.c x\\#y.h p$$q.h\n", vec!["a b.c", "x#y.h", "p$q.h"]),
            ("a.o: back\\slash.c\n", vec!["back\\slash.c"]),
            ("a.o: two\\\\\\ x.c\n", vec!["two\\ x.c"]),
            ("a.o: ./a.c .//b.h a.c\n", vec!["a.c", "b.h"]),
            ("a.o: c:x.h\n", vec!["c:x.h"]),
            ("a.o: a.c\n\nb.h:\n", vec!["a.c"]),
            ("a.o:\n", vec![]),
        ] {
            assert_eq!(files(text), expect, "{text:?}");
        }
    }

    /// Truncation at every byte gives an error or the whole set, never a silent subset.
    #[test]
    fn whole_or_not_at_all() {
        let text = b"a.o: a.c \\\n  with\\ blank.h \\\n  z.h\n";
        let whole = parse(text).unwrap();
        for len in 0..text.len() {
            if let Ok(some) = parse(&text[..len]) {
                assert_eq!(some, whole, "{len}");
            }
        }
        assert!(parse(b"a.o: a.c\0\n").is_err());
        assert!(parse(b"\n").is_err());
        assert!(parse(b"").is_err());
    }
}
