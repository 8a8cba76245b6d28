//! What a linker's complaint says: which symbols are undefined or defined twice, and where.
//!
//! A linker's text is for people and each linker has its own; jmake turns it into values to add
//! what the user needs next (which library defines the symbol, which target took both files).
//! Understood are lld, mold, GNU ld and gold, as they print without a terminal and in English.  A
//! line that is not understood is kept as it is, so nothing is ever lost.

use std::collections::HashMap;

use serde::Serialize;

/// One complaint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkError {
    /// Nothing defines the symbol.
    Undefined {
        /// Its name, demangled where the linker does that.
        symbol: String,
        /// Where it is used; linkers name only the first few places.
        used_by: Vec<Place>,
    },
    /// More than one object defines the symbol.
    Duplicate {
        /// Its name.
        symbol: String,
        /// Where it is defined.
        places: Vec<Place>,
    },
    /// There is no library of this name (`z` for `-lz`).
    MissingLibrary {
        /// The name.
        name: String,
    },
    /// Anything else, as printed.
    Other(String),
}

/// A place in what was linked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Place {
    /// The object, as `lib.a(member.o)` when it is in an archive; empty when it is not told.
    pub object: String,
    /// The source, with the line after a colon where there is debug information.
    pub source: Option<String>,
    /// The function or variable.
    pub within: Option<String>,
}

/// The complaints in what a linker (or a compiler driver that ran one) printed.  A symbol is
/// named once, with all its places.
pub fn parse_link_errors(text: &str) -> Vec<LinkError> {
    let mut parser = Parser::default();
    for line in text.lines() {
        for piece in pieces(line) {
            parser.line(piece);
        }
    }
    parser.errors
}

/// mold writes the second and later places of a symbol without a line break between them.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest.get(1..).and_then(|tail| tail.find(">>> referenced")).map_or(rest.len(), |at| at + 1);
        let (piece, tail) = rest.split_at(cut);
        rest = tail;
        Some(piece)
    })
}

#[derive(Default)]
struct Parser {
    errors: Vec<LinkError>,
    /// The error of each undefined (false) or duplicate (true) symbol.
    by_symbol: HashMap<(bool, String), usize>,
    /// The error that lines of details belong to.
    current: Option<usize>,
    /// The object and function that GNU ld named last.
    object: String,
    function: Option<String>,
}

impl Parser {
    fn line(&mut self, line: &str) {
        if let Some(detail) = line.strip_prefix(">>>") {
            return self.detail(detail.trim());
        }
        let (program, text) = strip_program(line.trim_end());
        let text = text.strip_prefix("error: ").or_else(|| text.strip_prefix("fatal: ")).unwrap_or(text);
        if text.is_empty() || text.starts_with("warning: ") || text.contains(": warning: ") {
            self.current = None;
        } else if let Some(symbol) = undefined_symbol(text) {
            self.symbol(false, symbol);
        } else if let Some(rest) = text.strip_prefix("duplicate symbol: ") {
            self.duplicate(rest);
        } else if let Some(name) = missing_library(text) {
            self.current = None;
            self.errors.push(LinkError::MissingLibrary { name: name.to_owned() });
        } else if !self.gnu(text) && (program || line.contains("error")) && !is_summary(line, text) {
            self.current = None;
            self.errors.push(LinkError::Other(line.trim().to_owned()));
        }
    }

    /// The error about `symbol`, which following details belong to.
    fn symbol(&mut self, duplicate: bool, symbol: &str) {
        let errors = &mut self.errors;
        let at = *self.by_symbol.entry((duplicate, symbol.to_owned())).or_insert_with(|| {
            let symbol = symbol.to_owned();
            errors.push(match duplicate {
                false => LinkError::Undefined { symbol, used_by: Vec::new() },
                true => LinkError::Duplicate { symbol, places: Vec::new() },
            });
            errors.len() - 1
        });
        self.current = Some(at);
    }

    fn places(&mut self) -> Option<&mut Vec<Place>> {
        match self.errors.get_mut(self.current?)? {
            LinkError::Undefined { used_by: places, .. } | LinkError::Duplicate { places, .. } => {
                Some(places)
            }
            _ => None,
        }
    }

    fn place(&mut self, place: Place) {
        if let Some(places) = self.places()
            && !places.contains(&place)
        {
            places.push(place);
        }
    }

    /// lld names the places on lines of their own, mold both objects on the same line.
    fn duplicate(&mut self, rest: &str) {
        let mut parts = rest.splitn(3, ": ");
        match (parts.next(), parts.next(), parts.next()) {
            (Some(second), Some(first), Some(symbol)) => {
                self.symbol(true, symbol);
                for object in [first, second] {
                    self.place(Place { object: object.to_owned(), ..Place::default() });
                }
            }
            _ => self.symbol(true, rest),
        }
    }

    /// A line that lld or mold begins with `>>>`.
    fn detail(&mut self, detail: &str) {
        let starts = ["referenced by ", "defined at ", "defined in "];
        if let Some(rest) = starts.iter().find_map(|start| detail.strip_prefix(start)) {
            let place = match rest.contains(":(") || rest.ends_with(".o") {
                true => object_place(rest),
                false => Place { source: Some(fullest_source(rest)), ..Place::default() },
            };
            // Two places may differ only in what the next line says, so nothing is merged here.
            if let Some(places) = self.places() {
                places.push(place);
            }
        } else if let Some(place) = self.places().and_then(|places| places.last_mut())
            && place.object.is_empty()
        {
            let Place { object, within, .. } = object_place(detail);
            (place.object, place.within) = (object, within);
        }
    }

    /// GNU ld and gold, which name the place first.  Whether the line was understood.
    fn gnu(&mut self, text: &str) -> bool {
        if let Some((object, rest)) = text.split_once(": in function ") {
            self.object = object.to_owned();
            self.function = quoted(rest).map(|(name, _)| name.to_owned());
        } else if let Some((place, rest)) = text.split_once(": undefined reference to ") {
            let Some((symbol, _)) = quoted(rest) else { return false };
            self.symbol(false, symbol);
            let place = self.gnu_place(place);
            self.place(place);
        } else if let Some((place, rest)) = text.split_once(": multiple definition of ") {
            let Some((symbol, rest)) = quoted(rest) else { return false };
            self.symbol(true, symbol);
            let second = self.gnu_place(place);
            if let Some(first) = rest.strip_prefix("; ").and_then(|rest| rest.split_once(": first defined")) {
                let context = (std::mem::take(&mut self.object), self.function.take());
                let first = self.gnu_place(first.0);
                self.place(first);
                (self.object, self.function) = context;
            }
            self.place(second);
        } else if let Some(place) = text.strip_suffix(": previous definition here") {
            let place = self.gnu_place(place);
            self.place(place);
        } else {
            return false;
        }
        true
    }

    /// `object:source:(section+offset)`, each part optional; a place without an object is in the
    /// function named before.
    fn gnu_place(&self, text: &str) -> Place {
        let text = text.strip_suffix(": error").unwrap_or(text);
        let (text, function) = match text.split_once(":function ") {
            Some((text, function)) => (text, Some(function.to_owned())),
            None => (text.rsplit_once(":(").map_or(text, |(text, _)| text), None),
        };
        let ends = [".o:", ".obj:", "):"];
        if let Some(at) = ends.iter().find_map(|end| text.find(end).map(|at| at + end.len() - 1)) {
            let source = Some(text[at + 1..].to_owned());
            return Place { object: text[..at].to_owned(), source, within: function };
        }
        if [".o", ".obj", ")"].iter().any(|end| text.ends_with(end)) {
            return Place { object: text.to_owned(), source: None, within: function };
        }
        let within = function.or_else(|| self.function.clone());
        Place { object: self.object.clone(), source: Some(text.to_owned()), within }
    }
}

/// Cuts the linker's own name from the start of a line; whether there was one.
fn strip_program(line: &str) -> (bool, &str) {
    let Some((program, rest)) = line.split_once(": ") else { return (false, line) };
    let name = program.rsplit('/').next().unwrap_or(program);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let names = ["ld", "lld", "mold", "ld.lld", "ld64.lld", "ld.mold", "ld.bfd", "ld.gold", "collect2"];
    let is_linker = names.contains(&name) || name.ends_with("-ld") || name.ends_with("-ld.bfd");
    if is_linker { (true, rest) } else { (false, line) }
}

/// The symbol in `undefined symbol: X`, `undefined hidden symbol: X` and the like.
fn undefined_symbol(text: &str) -> Option<&str> {
    let (kind, symbol) = text.strip_prefix("undefined ")?.split_once("symbol: ")?;
    ["", "hidden ", "protected ", "internal "].contains(&kind).then_some(symbol)
}

fn missing_library(text: &str) -> Option<&str> {
    let starts = ["unable to find library -l", "library not found: ", "cannot find -l"];
    let rest = starts.iter().find_map(|start| text.strip_prefix(start))?;
    rest.split(':').next()
}

/// Whether a line only says that linking failed, which the lines before it explain.
fn is_summary(line: &str, text: &str) -> bool {
    ["linker command failed with exit code", "ld returned", "final link failed"]
        .iter()
        .any(|part| line.contains(part))
        || text.starts_with("the vtable symbol may be undefined")
}

/// A name in the quotes of GNU programs, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix(['`', '\''])?;
    // A demangled name may hold an apostrophe (`operator""_x`, 'a'), but hardly one before these.
    let end = text.find("';").or_else(|| text.rfind('\''))?;
    Some((&text[..end], &text[end + 1..]))
}

/// `a.o:(f()) in archive lib.a`, `lib.a(a.o):(f())` or `a.o`.
fn object_place(text: &str) -> Place {
    let (text, archive) = match text.split_once(" in archive ") {
        Some((text, archive)) => (text, Some(archive)),
        None => (text, None),
    };
    let (object, within) = match text.split_once(":(") {
        Some((object, within)) => (object, Some(within.strip_suffix(')').unwrap_or(within))),
        None => (text, None),
    };
    let object = match archive {
        Some(archive) => format!("{archive}({object})"),
        None => object.to_owned(),
    };
    // A section and an offset (`.text+0x0`) name no function.
    let within = within.filter(|within| !within.starts_with('.')).map(str::to_owned);
    Place { object, source: None, within }
}

/// lld writes `a.cpp:3 (/src/a.cpp:3)` when it knows the folder.
fn fullest_source(text: &str) -> String {
    let full = text.split_once(" (").and_then(|(_, full)| full.strip_suffix(')'));
    full.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LLD: &str = include_str!("lld.txt");
    const MOLD: &str = include_str!("mold.txt");
    const BFD: &str = include_str!("bfd.txt");
    const GOLD: &str = include_str!("gold.txt");

    fn symbols(errors: &[LinkError]) -> (Vec<&str>, Vec<&str>) {
        let mut undefined = Vec::new();
        let mut duplicate = Vec::new();
        for error in errors {
            match error {
                LinkError::Undefined { symbol, .. } => undefined.push(&**symbol),
                LinkError::Duplicate { symbol, .. } => duplicate.push(&**symbol),
                _ => {}
            }
        }
        undefined.sort_unstable();
        duplicate.sort_unstable();
        (undefined, duplicate)
    }

    fn undefined<'a>(errors: &'a [LinkError], name: &str) -> &'a [Place] {
        errors
            .iter()
            .find_map(|error| match error {
                LinkError::Undefined { symbol, used_by } if symbol == name => Some(&**used_by),
                _ => None,
            })
            .unwrap_or_default()
    }

    fn place(object: &str, source: Option<&str>, within: Option<&str>) -> Place {
        Place { object: object.into(), source: source.map(str::to_owned), within: within.map(str::to_owned) }
    }

    /// The samples hold the same failures, as printed by lld 19, mold 1.10, GNU ld 2.40 and gold.
    #[test]
    fn all_linkers_tell_the_same_symbols() {
        let common = [
            "c_missing",
            "datum",
            "hid",
            "many",
            "ns::W::go()",
            "ns::W::~W()",
            "ns::missing(int)",
            "vtable for ns::W",
        ];
        for (name, text) in [("lld", LLD), ("mold", MOLD), ("bfd", BFD)] {
            let errors = parse_link_errors(text);
            let (undefined, duplicate) = symbols(&errors);
            for symbol in common {
                assert!(undefined.contains(&symbol), "{name} {symbol}: {undefined:?}");
            }
            assert_eq!(duplicate, ["dup()", "twice"], "{name}");
            assert!(errors.contains(&LinkError::MissingLibrary { name: "nope".into() }), "{name}");
        }
        let errors = parse_link_errors(GOLD);
        let (undefined, duplicate) = symbols(&errors);
        assert!(undefined.contains(&"ns::missing(int)") && undefined.contains(&"datum"), "{undefined:?}");
        assert_eq!(duplicate, ["dup()", "twice"]);
    }

    #[test]
    fn places() {
        let lld = parse_link_errors(LLD);
        assert_eq!(undefined(&lld, "many")[1], place("d.o", Some("d.c"), Some("u2")));
        assert_eq!(undefined(&lld, "ns::missing(int)")[0], place("liba.a(a.o)", Some("a.cpp"), Some("f()")));
        let mold = parse_link_errors(MOLD);
        assert_eq!(undefined(&mold, "many")[2], place("d.o", Some("d.c"), Some("u3")));
        assert_eq!(undefined(&mold, "datum")[0], place("d.o", Some("d.c"), None));
        assert_eq!(undefined(&mold, "ns::missing(int)")[0], place("liba.a(a.o)", Some("a.cpp"), Some("f()")));
        let bfd = parse_link_errors(BFD);
        assert_eq!(undefined(&bfd, "many")[1], place("d.o", Some("d.c"), Some("u2")));
        assert_eq!(undefined(&bfd, "datum")[0], place("d.o", None, None));
        let gold = parse_link_errors(GOLD);
        assert_eq!(undefined(&gold, "many")[1], place("d.o", Some("d.c"), Some("u2")));
    }

    #[test]
    fn duplicates_name_every_object() {
        for (name, text) in [("lld", LLD), ("mold", MOLD), ("bfd", BFD), ("gold", GOLD)] {
            let errors = parse_link_errors(text);
            let places = errors.iter().find_map(|error| match error {
                LinkError::Duplicate { symbol, places } if symbol == "dup()" => Some(places),
                _ => None,
            });
            let objects: Vec<&str> = places.unwrap().iter().map(|place| &*place.object).collect();
            for object in ["a.o", "b.o", "a-g.o", "b-g.o"] {
                assert!(objects.contains(&object), "{name}: {objects:?}");
            }
        }
        let lld = parse_link_errors(LLD);
        let LinkError::Duplicate { places, .. } =
            lld.iter().find(|error| matches!(error, LinkError::Duplicate { .. })).unwrap()
        else {
            unreachable!("just matched")
        };
        assert!(places.contains(&place("a-g.o", Some("/src/a.cpp:3"), Some("dup()"))), "{places:?}");
    }

    #[test]
    fn other_lines_are_kept_and_summaries_are_not() {
        for (text, expect) in [
            (
                "ld.lld: error: e.o is incompatible with elf64-x86-64",
                vec!["ld.lld: error: e.o is incompatible with elf64-x86-64"],
            ),
            ("mold: fatal: e.o: incompatible file type", vec!["mold: fatal: e.o: incompatible file type"]),
            (
                "/usr/bin/ld: a.o: relocation R_X86_64_32 against `.rodata' can not be used; recompile with -fPIC",
                vec![
                    "/usr/bin/ld: a.o: relocation R_X86_64_32 against `.rodata' can not be used; recompile with -fPIC",
                ],
            ),
            ("clang: error: linker command failed with exit code 1 (use -v to see invocation)", vec![]),
            ("collect2: error: ld returned 1 exit status", vec![]),
            ("ld.lld: warning: something odd", vec![]),
            (
                "clang: error: no such file or directory: 'x.o'",
                vec!["clang: error: no such file or directory: 'x.o'"],
            ),
            ("", vec![]),
        ] {
            let errors = parse_link_errors(text);
            let expect: Vec<LinkError> =
                expect.into_iter().map(|line| LinkError::Other(line.into())).collect();
            assert_eq!(errors, expect, "{text}");
        }
        for text in [LLD, MOLD, BFD] {
            let others: Vec<_> = parse_link_errors(text)
                .into_iter()
                .filter(|error| matches!(error, LinkError::Other(text) if !text.contains("hid") && !text.contains("recompile")))
                .collect();
            assert_eq!(others, [], "{text}");
        }
    }

    #[test]
    fn cut_anywhere_it_never_panics() {
        for text in [LLD, MOLD, BFD, GOLD] {
            for end in (0..text.len()).filter(|&at| text.is_char_boundary(at)) {
                parse_link_errors(&text[end..]);
                parse_link_errors(&text[..end]);
            }
        }
    }
}
