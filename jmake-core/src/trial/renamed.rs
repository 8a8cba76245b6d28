//! Symbols that macros rename: a bundled copy of a library has its names hidden so by its headers.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::described::place;
use crate::path::FilePath;

/// How many headers of one source are looked into.
const MOST: usize = 50;
/// A macro leads to another no more often than this.
const DEEPEST: usize = 4;

/// What one header says.
struct Header {
    /// Files that it would include from beside it.
    includes: Vec<FilePath>,
    /// Names that its macros stand for, each with the macro.
    renamings: Vec<(String, String)>,
}

/// The headers that were looked into.
pub(super) struct Headers<'r> {
    read: &'r dyn Fn(&FilePath) -> Option<Vec<u8>>,
    known: BTreeMap<FilePath, Rc<Header>>,
}

impl<'r> Headers<'r> {
    /// None yet; `read` gives the text of a file.
    pub fn new(read: &'r dyn Fn(&FilePath) -> Option<Vec<u8>>) -> Headers<'r> {
        Headers { read, known: BTreeMap::new() }
    }

    /// By symbol the names that stand for it in the source at `path`, whose text is `text`: macros say so
    /// in headers that it includes from beside it, and these from beside them.
    pub fn names(
        &mut self,
        path: &FilePath,
        text: &[u8],
        symbols: &BTreeSet<&String>,
    ) -> BTreeMap<String, Vec<String>> {
        let mut macros: BTreeMap<String, String> = BTreeMap::new();
        let mut todo = included(path, text);
        let mut seen = BTreeSet::new();
        while let Some(path) = todo.pop() {
            if seen.len() >= MOST || !seen.insert(path.clone()) {
                continue;
            }
            let header = self.header(path);
            todo.extend(header.includes.iter().cloned());
            macros.extend(header.renamings.iter().cloned());
        }
        let names = symbols.iter().map(|symbol| {
            let behind = |name: &String| macros.get(name).cloned();
            let names = std::iter::successors(behind(symbol), behind).take(DEEPEST).collect();
            ((*symbol).clone(), names)
        });
        names.collect()
    }

    fn header(&mut self, path: FilePath) -> Rc<Header> {
        if let Some(known) = self.known.get(&path) {
            return known.clone();
        }
        let text = (self.read)(&path).unwrap_or_default();
        let header =
            Rc::new(Header { includes: included(&path, &text), renamings: renamings(&text).collect() });
        self.known.insert(path, header.clone());
        header
    }
}

fn included(path: &FilePath, text: &[u8]) -> Vec<FilePath> {
    let dir = path.parent().unwrap_or_else(FilePath::root);
    let names = directives(text, b"include").filter_map(|rest| rest.strip_prefix(b"\""));
    names.filter_map(|rest| place(&dir, rest.split(|byte| *byte == b'"').next()?)).collect()
}

fn renamings(text: &[u8]) -> impl Iterator<Item = (String, String)> + '_ {
    directives(text, b"define").filter_map(|rest| {
        let rest = String::from_utf8_lossy(rest);
        let mut words = rest.split_ascii_whitespace();
        let (name, by) = (words.next()?, words.next()?);
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_whole = words.next().is_none_or(|word| word.starts_with("/*"));
        (is_word(name) && is_word(by) && is_whole).then(|| (by.to_owned(), name.to_owned()))
    })
}

/// What follows the directives of that name.
fn directives<'t>(text: &'t [u8], name: &'static [u8]) -> impl Iterator<Item = &'t [u8]> {
    text.split(|byte| *byte == b'\n').filter_map(move |line| {
        let rest = line.trim_ascii_start().strip_prefix(b"#")?.trim_ascii_start().strip_prefix(name)?;
        let ends = rest.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'"');
        ends.then(|| rest.trim_ascii())
    })
}
