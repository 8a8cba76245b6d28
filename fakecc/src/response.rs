//! Response files (`@FILE`), split as GNU tools and LLVM split them.
//!
//! A name that cannot be read stays an argument, as LLVM leaves it.

use crate::{Bytes, path_of};

/// `args` with response files replaced by what they hold.
pub fn expand(args: Vec<Bytes>) -> Vec<Bytes> {
    if !args.iter().any(|arg| arg.first() == Some(&b'@')) {
        return args;
    }
    let mut out = Vec::new();
    for arg in args {
        match arg.strip_prefix(b"@").map(|name| std::fs::read(path_of(name))) {
            Some(Ok(text)) => out.extend(expand(split(&text))),
            _ => out.push(arg),
        }
    }
    out
}

/// The words of `text`: blanks separate, `\` takes the next byte as it is, quotes group.
fn split(text: &[u8]) -> Vec<Bytes> {
    let mut words = Vec::new();
    let mut word: Option<Bytes> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) => word.get_or_insert_default().extend(bytes.next()),
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (_, Some(open)) if byte == open => quote = None,
            (b' ' | b'\t' | b'\r' | b'\n', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, expect) in [
            ("a b\n c\t", vec!["a", "b", "c"]),
            ("a\\ b \"c d\" ''", vec!["a b", "c d", ""]),
            ("x\"y z\"w \\\"", vec!["xy zw", "\""]),
            ("", vec![]),
        ] {
            let expect: Vec<Bytes> = expect.iter().map(|w| w.as_bytes().to_vec()).collect();
            assert_eq!(split(text.as_bytes()), expect, "{text}");
        }
    }
}
