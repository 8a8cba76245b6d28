//! What compilers write: with or without colour, and each complaint once.
//!
//! A warning in a header comes again with every unit that includes it.  A complaint counts as the
//! same when everything but the chain of includes above it is the same.  Of a long chain, as of a file
//! that includes itself, only both ends are shown.

use std::collections::HashSet;

/// The complaints that have been shown.
#[derive(Default)]
pub struct Shown(HashSet<String>);

impl Shown {
    /// What of `output` has not been shown yet; all of it, as it is, when nothing has.
    pub fn new_in(&mut self, output: &str) -> String {
        if output.is_empty() {
            return String::new();
        }
        let mut fresh = String::new();
        let mut repeated = false;
        for block in blocks(output) {
            // How many there are says nothing new, but is no repetition either.
            match is_count(&plain(block)) || self.0.insert(identity(block)) {
                true => fresh += block,
                false => repeated = true,
            }
        }
        match repeated {
            // The compiler's own count at the end would be wrong now.
            true => fresh.split_inclusive('\n').filter(|line| !is_count(&plain(line))).collect(),
            false => output.to_owned(),
        }
    }
}

/// How many includes of one chain are shown at each end, where there are many more.
const ENDS: usize = 4;

/// `output` with only both ends of long chains of includes.
pub fn without_long_chains(output: &str) -> String {
    let lines: Vec<&str> = output.split_inclusive('\n').collect();
    let is_link = |line: &str| plain(line).starts_with("In file included from ");
    let mut text = String::with_capacity(output.len());
    for run in lines.chunk_by(|a, b| is_link(a) == is_link(b)) {
        match run.len() > 3 * ENDS && is_link(run[0]) {
            true => {
                let (first, last) = (&run[..ENDS], &run[run.len() - ENDS..]);
                let between = format!("  (and from {} more)\n", run.len() - 2 * ENDS);
                text.extend(first.iter().chain([&&*between]).chain(last).copied());
            }
            false => text.extend(run.iter().copied()),
        }
    }
    text
}

/// `output` cut where each complaint begins; notes belong to the complaint before them.
fn blocks(output: &str) -> Vec<&str> {
    let mut starts = vec![0];
    let mut at = 0;
    let mut in_chain = false;
    for line in output.split_inclusive('\n') {
        let text = plain(line);
        let chain = text.starts_with("In file included from ") || text.starts_with("                 from ");
        let complaint =
            [": warning: ", ": error: ", ": fatal error: "].iter().any(|word| text.contains(word));
        let begins = (!in_chain && (chain || complaint)) || is_count(&text);
        if begins && at > 0 {
            starts.push(at);
        }
        in_chain = chain;
        at += line.len();
    }
    starts.push(output.len());
    starts.windows(2).map(|pair| &output[pair[0]..pair[1]]).collect()
}

/// What makes a complaint the same as another: its text without colour and without the includes.
fn identity(block: &str) -> String {
    let text = plain(block);
    text.split_inclusive('\n').filter(|line| !line.starts_with("In file included from ")).collect()
}

/// `2 warnings generated.`
fn is_count(line: &str) -> bool {
    line.trim_end().ends_with(" generated.") && line.starts_with(|first: char| first.is_ascii_digit())
}

/// `text` without escape sequences.
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "In file included from a.c:1:\n./h.h:2:5: \x1b[1mwarning: unused\n    2 | x\n      | ^\n1 warning generated.\n";

    #[test]
    fn each_complaint_once() {
        let mut shown = Shown::default();
        assert_eq!(shown.new_in(FIRST), FIRST);
        let again = FIRST.replace("a.c", "b.c");
        assert_eq!(shown.new_in(&again), "");
        let more = again.replace("1 warning gen", "b.c:3:1: error: no\nb.c:2:1: note: here\n2 warnings gen");
        assert_eq!(shown.new_in(&more), "b.c:3:1: error: no\nb.c:2:1: note: here\n");
        let other = FIRST.replace("h.h:2", "h.h:9");
        assert_eq!(shown.new_in(&other), other, "the count is no repetition");
        assert_eq!(shown.new_in(""), "");
        assert_eq!(shown.new_in("ld: odd\n"), "ld: odd\n");
    }

    #[test]
    fn long_chains_are_cut_in_the_middle() {
        let chain = |links: usize| {
            (0..links).map(|at| format!("In file included from a.c:{at}:\n")).collect::<String>()
        };
        let end = "a.c:1:10: fatal error: #include nested too deeply\n";
        let short = format!("{}{end}", chain(12));
        assert_eq!(without_long_chains(&short), short);
        let long = without_long_chains(&format!("{}{end}{short}", chain(200)));
        assert_eq!(long.lines().count(), 9 + 1 + 13);
        assert!(
            long.contains("from a.c:3:\n  (and from 192 more)\nIn file included from a.c:196:"),
            "{long}"
        );
        assert_eq!(without_long_chains(""), "");
    }

    #[test]
    fn colour_is_taken_out() {
        assert_eq!(plain("\x1b[1ma.c:1: \x1b[0;1;31merror\x1b[0m"), "a.c:1: error");
    }
}
