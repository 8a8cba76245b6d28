//! Tests of the functions on values.

use super::{c_identifier, is_false_constant, is_true_constant, list, math, path, regex, version};
use crate::path::FilePath;
use std::cmp::Ordering;

#[test]
fn constants() {
    for text in ["1", "ON", "yes", "True", "Y", "2", "-1", "0.5"] {
        assert!(is_true_constant(text) && !is_false_constant(text), "{text}");
    }
    for text in ["", "0", "OFF", "no", "False", "N", "IGNORE", "NotFound", "x-NOTFOUND", "0.0"] {
        assert!(!is_true_constant(text) && is_false_constant(text), "{text}");
    }
    for text in ["x", "inf", "nan", "1x"] {
        assert!(!is_true_constant(text) && !is_false_constant(text), "{text}");
    }
    assert_eq!(c_identifier("a-b.c"), "a_b_c");
    assert_eq!(c_identifier("1a"), "_1a");
}

#[test]
fn lists_are_divided() {
    for (text, expect) in [
        ("", &[][..]),
        ("a;b", &["a", "b"]),
        ("a;;b", &["a", "", "b"]),
        ("a\\;b;c", &["a;b", "c"]),
        ("[a;b];c", &["[a;b]", "c"]),
        (";", &["", ""]),
    ] {
        assert_eq!(list::split(text, true), expect, "{text}");
    }
    assert_eq!(list::split("a;;b;", false), ["a", "b"]);
    assert_eq!(list::place("-1", 3), Some(2));
    assert_eq!(list::place("3", 3), None);
    assert_eq!(list::place("-9223372036854775808", 3), None);
}

#[test]
fn lists_are_sorted() {
    let sorted = |options: &[&str]| {
        let mut items: Vec<String> = ["b10", "B9", "x/a2", "b9"].map(String::from).to_vec();
        let options: Vec<String> = options.iter().map(|&option| option.into()).collect();
        list::sort(&mut items, &options);
        items.join(" ")
    };
    assert_eq!(sorted(&[]), "B9 b10 b9 x/a2");
    assert_eq!(sorted(&["COMPARE", "NATURAL"]), "B9 b9 b10 x/a2");
    assert_eq!(sorted(&["COMPARE", "FILE_BASENAME", "ORDER", "DESCENDING"]), "b9 b10 x/a2 B9");
    assert_eq!(sorted(&["CASE", "INSENSITIVE"]), "b10 B9 b9 x/a2");
}

#[test]
fn versions() {
    for (a, order, b) in [
        ("1.2", Ordering::Equal, "1.2.0"),
        ("1.10", Ordering::Greater, "1.9"),
        ("1", Ordering::Less, "1.0.1"),
        ("1.2-rc1", Ordering::Equal, "1.2"),
        ("", Ordering::Equal, "0"),
        ("99999999999999999999999", Ordering::Greater, "1"),
    ] {
        assert_eq!(version::compare(a, b), order, "{a} {b}");
    }
}

#[test]
fn arithmetic() {
    for (text, expect) in [
        ("1 + 2 * 3", Some(7)),
        ("(1 + 2) * 3", Some(9)),
        ("-(2) - -3", Some(1)),
        ("~0", Some(-1)),
        ("7 % 4 << 2", Some(12)),
        ("0x10 | 1", Some(17)),
        ("6 ^ 3 & 1", Some(7)),
        ("1 / 0", None),
        ("1 +", None),
        ("x", None),
        ("", None),
        ("1 2", None),
        ("9223372036854775807 + 1", Some(i64::MIN)),
        ("010", Some(10)),
    ] {
        assert_eq!(math::evaluate(text), expect, "{text}");
    }
    assert_eq!(math::evaluate(&"(".repeat(100_000)), None);
    assert_eq!(math::evaluate(&format!("{}1", "-".repeat(100_001))), Some(-1));
}

#[test]
fn patterns() {
    for (pattern, text, expect) in [
        ("a.c", "xabcx", Some("abc")),
        ("^a+", "aab", Some("aa")),
        ("[^a-c]+", "abxyc", Some("xy")),
        ("[]x]+", "a]x", Some("]x")),
        ("[a\\]", "\\", Some("\\")),
        ("a{2}", "a{2}", Some("a{2}")),
        ("\\.", "a.b", Some(".")),
        ("a|b$", "cb", Some("b")),
        ("a$", "a\nb", None),
        ("x.y", "x\ny", Some("x\ny")),
        ("[-+]", "a-b", Some("-")),
    ] {
        let found = regex::compile(pattern).and_then(|regex| {
            let found = regex.find(text)?;
            Some(found.as_str().to_owned())
        });
        assert_eq!(found.as_deref(), expect, "{pattern}");
    }
    for broken in ["(", "[a", "*", "\\", &"(".repeat(10_000)] {
        assert!(regex::compile(broken).is_none(), "{}", &broken[..1]);
    }
}

#[test]
fn replacing_by_patterns() {
    let replaced = |pattern: &str, text: &str, by: &str| {
        regex::compile(pattern).and_then(|regex| regex::replace(&regex, text, by, 100))
    };
    assert_eq!(replaced("a(.)", "abac", "<\\1\\0>").as_deref(), Some("<bab><cac>"));
    assert_eq!(replaced("^a", "aab", "").as_deref(), Some("b"), "`^` matches again behind a match");
    assert_eq!(replaced("x*", "axb", "-").as_deref(), Some("axb"), "an empty match ends it");
    assert_eq!(replaced("a", &"a".repeat(50), "12345"), None);
    assert_eq!(replaced("a", "a", "\\\\").as_deref(), Some("\\"));
}

#[test]
fn paths() {
    assert_eq!(path::of(&FilePath::new("a/../b")), "/jmake-root/b");
    assert_eq!(path::of(&FilePath::root()), "/jmake-root");
    for (text, expect) in [
        ("/jmake-root/a/./b/../c", "a/c"),
        ("/jmake-root", ""),
        ("/jmake-root2/a", "/jmake-root2/a"),
        ("/jmake-root/../x", "/x"),
        ("/usr//include", "/usr/include"),
    ] {
        assert_eq!(path::file_path(text), FilePath::new(expect), "{text}");
    }
    assert_eq!(path::relative("/a/b", "/a/c/d"), "../c/d");
    assert_eq!(path::normal("../a/.."), "..");
    assert_eq!(path::extension("a.tar.gz", false), ".tar.gz");
    assert_eq!(path::extension("a.tar.gz", true), ".gz");
}

#[test]
fn globs() {
    for (pattern, name, expect) in [
        ("*.c", "a.c", true),
        ("*.c", "d/a.c", false),
        ("a?.[ch]", "ab.h", true),
        ("{a}", "{a}", true),
        ("**.c", "a/b.c", false),
    ] {
        let matches = path::glob(pattern).is_some_and(|glob| glob.is_match(name));
        assert_eq!(matches, expect, "{pattern} {name}");
    }
    assert!(path::glob("[a").is_none());
}
