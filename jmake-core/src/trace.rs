//! A trace: the record of one good execution of an action.
//!
//! It says with which recipe the action ran, which files it read (declared and discovered) with
//! their digests, which files it looked for in vain, and what it made.  Verified against the disk
//! it proves an action fresh; found in the shared store it lets outputs be fetched instead of made
//! ("verifying" and "constructive" traces of *Build systems à la carte*).  A trace is written only
//! after exit 0, with outputs digested and inputs re-checked; failures have none.

use std::time::Duration;

use crate::codec::{Reader, Writer};
use crate::digest::{Digest, Fields};
use crate::path::FilePath;

/// The key of an execution that read files nobody can name (`.incbin` in inline assembler): it
/// equals no recipe's, so the action runs in every build.
pub const UNTRACKED: Digest = Digest::from_raw([0; 32]);

/// One file as an action read it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Version {
    /// The file.
    pub path: FilePath,
    /// The digest of its content.
    pub digest: Digest,
    /// The digest of its content without comments ([`crate::lex::Facts::comment_blind`]).
    pub blind: Option<Digest>,
}

/// One file an action made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
    /// The digest of its content.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
}

/// What an execution cost, to order later builds by and to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// Largest resident size, in bytes.
    pub peak_memory: u64,
}

/// The record of one good execution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// The recipe's fields, for comparing with a later recipe.
    pub recipe: Vec<(u8, Vec<u8>)>,
    /// Digest of the recipe.
    pub key: Digest,
    /// What it read: declared inputs first, in order.
    pub inputs: Vec<Version>,
    /// How many of `inputs` were declared.
    pub declared: usize,
    /// Files it looked for and did not find.
    pub absent: Vec<FilePath>,
    /// What it made, by the action's list of outputs.
    pub outputs: Vec<Made>,
    /// What the tool wrote: the warnings.
    pub diagnostics: Vec<u8>,
    /// Whether equal [`Version::blind`] digests are as good as equal content.
    pub comment_blind: bool,
    /// What it cost.
    pub cost: Cost,
}

impl Trace {
    /// The name of its key in the shared store.
    pub fn store_key(&self) -> Digest {
        store_key(self.key, self.inputs.get(..self.declared).unwrap_or_default())
    }

    /// Appends everything but the parts the caller stores in its own way (`inputs`, `absent`,
    /// `recipe`).
    pub fn encode_rest(&self, out: &mut Writer) {
        out.digest(&self.key);
        out.uint(self.declared as u64);
        out.uint(self.outputs.len() as u64);
        for made in &self.outputs {
            out.digest(&made.digest);
            out.uint(made.size);
            out.uint(made.mode.into());
        }
        out.uint(u64::from(self.comment_blind));
        out.uint(self.cost.wall.as_micros() as u64);
        out.uint(self.cost.peak_memory);
        out.bytes(&self.diagnostics);
    }

    /// Takes what [`Trace::encode_rest`] wrote; the other parts are empty.
    pub fn decode_rest(from: &mut Reader<'_>) -> Option<Trace> {
        let key = from.digest()?;
        let declared = from.int()?;
        let count: usize = from.int()?;
        let mut outputs = Vec::new();
        for _ in 0..count {
            outputs.push(Made { digest: from.digest()?, size: from.uint()?, mode: from.int()? });
        }
        let comment_blind = from.uint()? == 1;
        let cost = Cost { wall: Duration::from_micros(from.uint()?), peak_memory: from.uint()? };
        let diagnostics = from.bytes()?.to_vec();
        Some(Trace {
            recipe: Vec::new(),
            key,
            inputs: Vec::new(),
            declared,
            absent: Vec::new(),
            outputs,
            diagnostics,
            comment_blind,
            cost,
        })
    }

    /// Appends the whole trace, readable without any table beside it.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_rest(out);
        out.uint(self.recipe.len() as u64);
        for (name, value) in &self.recipe {
            out.uint((*name).into());
            out.bytes(value);
        }
        out.uint(self.inputs.len() as u64);
        for input in &self.inputs {
            out.bytes(input.path.as_bytes());
            out.digest(&input.digest);
            out.digest_opt(input.blind.as_ref());
        }
        out.uint(self.absent.len() as u64);
        for path in &self.absent {
            out.bytes(path.as_bytes());
        }
    }

    /// Takes what [`Trace::encode`] wrote.
    pub fn decode(from: &mut Reader<'_>) -> Option<Trace> {
        let mut trace = Trace::decode_rest(from)?;
        for _ in 0..from.uint()? {
            trace.recipe.push((from.int()?, from.bytes()?.to_vec()));
        }
        for _ in 0..from.uint()? {
            let path = FilePath::new(from.bytes()?);
            trace.inputs.push(Version { path, digest: from.digest()?, blind: from.digest_opt()? });
        }
        for _ in 0..from.uint()? {
            trace.absent.push(FilePath::new(from.bytes()?));
        }
        (trace.declared <= trace.inputs.len()).then_some(trace)
    }
}

/// The recipe's fields as a trace stores them: names by their number.
pub fn stored_recipe(fields: &Fields) -> Vec<(u8, Vec<u8>)> {
    fields
        .iter()
        .map(|(name, value)| {
            let number = crate::action::field::ALL.iter().position(|known| *known == name);
            (number.expect("every field of a recipe is in `field::ALL`") as u8, value.to_vec())
        })
        .collect()
}

/// The name in the shared store of executions of `recipe` on inputs with content `declared`.
pub fn store_key(recipe: Digest, declared: &[Version]) -> Digest {
    let mut fields = Fields::new();
    fields.push("recipe", recipe.as_bytes());
    for input in declared {
        fields.push("content", input.digest.as_bytes());
    }
    fields.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn sample() -> Trace {
        Trace {
            recipe: vec![(0, b"compile".to_vec()), (2, b"-c".to_vec())],
            key: Digest::of(b"key"),
            inputs: vec![
                Version { path: FilePath::new("a.c"), digest: Digest::of(b"a"), blind: None },
                Version {
                    path: FilePath::new("/usr/include/x.h"),
                    digest: Digest::of(b"x"),
                    blind: Some(Digest::of(b"y")),
                },
            ],
            declared: 1,
            absent: vec![FilePath::new("include/x.h")],
            outputs: vec![Made { digest: Digest::of(b"o"), size: 3, mode: 0o644 }],
            diagnostics: b"warning: \xff".to_vec(),
            comment_blind: true,
            cost: Cost { wall: Duration::from_micros(1500), peak_memory: 1 << 20 },
        }
    }

    #[test]
    fn round_trip_and_truncation() {
        let mut out = Writer::default();
        sample().encode(&mut out);
        assert_eq!(Trace::decode(&mut Reader(&out.0)), Some(sample()));
        for len in 0..out.0.len() {
            assert_eq!(Trace::decode(&mut Reader(&out.0[..len])), None, "{len}");
        }
    }
}
