//! Where in a description something is said.

use std::sync::Arc;

use crate::path::FilePath;

/// Texts that were read, in order.
pub(super) struct Texts<'a>(pub &'a [(FilePath, Arc<[u8]>)]);

impl Texts<'_> {
    /// The first line that holds all of `words`; the first line of the first text when none does.
    pub fn find(&self, words: &[&str]) -> (FilePath, u32) {
        let first = self.0.first().map_or_else(FilePath::root, |(path, _)| path.clone());
        let mut places = self.0.iter().filter_map(|(path, text)| Some((path.clone(), line_of(text, words)?)));
        places.next().unwrap_or((first, 1))
    }
}

/// The line of each `word` in `text`, in order.
pub(super) fn lines_of(text: &[u8], word: &[u8]) -> Vec<u32> {
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    lines.flat_map(|(line, number)| memchr::memmem::find_iter(line, word).map(move |_| number)).collect()
}

/// The first line of `text` that holds all of `words`.
fn line_of(text: &[u8], words: &[&str]) -> Option<u32> {
    let has = |line: &[u8]| words.iter().all(|word| memchr::memmem::find(line, word.as_bytes()).is_some());
    let at = text.split(|byte| *byte == b'\n').position(has)?;
    u32::try_from(at + 1).ok()
}
