//! Digests of content, and keys made of named fields.
//!
//! SHA-256 throughout, so that local and remote names of content are the same.  A key is never a
//! hash of joined strings (`"a" + "bc"` would equal `"ab" + "c"`): [`Fields`] writes each name and
//! value with its length, and the same list that made the key is kept to explain later why two
//! keys differ, so the two can never drift apart.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The digest whose raw bytes are `raw`.
    pub const fn from_raw(raw: [u8; 32]) -> Digest {
        Digest(raw)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        use fmt::Write;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The first 16 hexadecimal digits: enough to name a file among a project's own.
    pub fn short(&self) -> String {
        self.hex()[..16].to_owned()
    }

    /// Parses what [`Digest::hex`] wrote.
    pub fn parse(hex: &str) -> Option<Digest> {
        let hex = hex.as_bytes();
        if hex.len() != 64 {
            return None;
        }
        let digit = |b: u8| (b as char).to_digit(16);
        let mut raw = [0; 32];
        for (byte, pair) in raw.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Some(Digest(raw))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let hex = String::deserialize(deserializer)?;
        Digest::parse(&hex).ok_or_else(|| serde::de::Error::custom("not a digest"))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex()[..12])
    }
}

/// A digest being computed piece by piece.
#[derive(Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds `bytes` to what is digested.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// An ordered list of named values: what goes into a key, and what explains it afterwards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fields {
    /// What is digested: a version, then each name and value with its length before it.
    bytes: Vec<u8>,
    /// The names, and where in `bytes` the values end.
    fields: Vec<(&'static str, usize)>,
}

/// The version of the encoding: a change of it must change every key.
const FIELDS: &[u8] = b"jmake-fields-1";

impl Fields {
    /// An empty list.
    pub fn new() -> Fields {
        Fields { bytes: FIELDS.to_vec(), fields: Vec::new() }
    }

    /// Appends one named value.  A name may occur several times (a list); order counts.
    pub fn push(&mut self, name: &'static str, value: impl AsRef<[u8]>) {
        for part in [name.as_bytes(), value.as_ref()] {
            self.bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.bytes.extend_from_slice(part);
        }
        self.fields.push((name, self.bytes.len()));
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let mut start = FIELDS.len();
        self.fields.iter().map(move |&(name, end)| {
            let value = start + size_of::<u64>() + name.len() + size_of::<u64>();
            start = end;
            (name, &self.bytes[value..end])
        })
    }

    /// The digest of all names and values, each with its length before it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

impl Default for Fields {
    fn default() -> Fields {
        Fields::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trip() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(&digest.hex()), Some(digest));
        assert_eq!(Digest::parse("xyz"), None);
        assert_eq!(Digest::parse(&"g".repeat(64)), None);
    }

    #[test]
    fn fields_come_back_as_they_were_pushed() {
        let mut fields = Fields::new();
        let all: [(&str, &[u8]); 3] = [("a", b"bc"), ("", b""), ("a", b"\xff")];
        all.iter().for_each(|(name, value)| fields.push(name, value));
        assert!(fields.iter().eq(all));
    }

    #[test]
    fn fields_do_not_run_together() {
        let key = |parts: &[(&'static str, &str)]| {
            let mut fields = Fields::new();
            for (name, value) in parts {
                fields.push(name, value);
            }
            fields.digest()
        };
        let all = [
            key(&[("a", "bc")]),
            key(&[("ab", "c")]),
            key(&[("a", "b"), ("a", "c")]),
            key(&[("a", "c"), ("a", "b")]),
            key(&[("a", "")]),
            key(&[]),
        ];
        for (i, left) in all.iter().enumerate() {
            for right in &all[i + 1..] {
                assert_ne!(left, right);
            }
        }
    }

    /// Keys name entries of a cache that outlives this build of jmake: the encoding is a format.
    #[test]
    fn encoding_is_golden() {
        let mut fields = Fields::new();
        fields.push("argv", "clang");
        fields.push("argv", "-c");
        assert_eq!(fields.digest().hex(), "9b90265524dbced05bdc015cf47c730d081fa09c49a47b1653b7b0b6d48f726b");
    }
}
