//! Compact binary encoding of what jmake keeps between builds.
//!
//! Integers are LEB128 (7 bits a byte, least significant first), byte strings carry their length.
//! A [`Reader`] never panics and never trusts a length: anything short or absurd is `None`, which
//! its users take as "nothing was kept".

use crate::digest::Digest;
use crate::fs::StatId;

/// Appends values to a buffer.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// Appends an unsigned integer.
    pub fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Appends a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Appends a digest.
    pub fn digest(&mut self, digest: &Digest) {
        self.0.extend_from_slice(digest.as_bytes());
    }

    /// Appends an optional digest.
    pub fn digest_opt(&mut self, digest: Option<&Digest>) {
        self.uint(u64::from(digest.is_some()));
        if let Some(digest) = digest {
            self.digest(digest);
        }
    }

    /// Appends a stat identity.
    pub fn stat(&mut self, stat: &StatId) {
        for value in
            [stat.dev, stat.ino, stat.size, stat.mtime as u64, stat.ctime as u64, u64::from(stat.mode)]
        {
            self.uint(value);
        }
    }
}

/// Takes values from a buffer in the order they were written.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next unsigned integer.
    pub fn uint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// The next unsigned integer that fits `T`.
    pub fn int<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.uint()?).ok()
    }

    /// The next byte string.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let len: usize = self.int()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next digest.
    pub fn digest(&mut self) -> Option<Digest> {
        let (raw, rest) = self.0.split_first_chunk::<32>()?;
        self.0 = rest;
        Some(Digest::from_raw(*raw))
    }

    /// The next optional digest.
    pub fn digest_opt(&mut self) -> Option<Option<Digest>> {
        match self.uint()? {
            0 => Some(None),
            1 => Some(Some(self.digest()?)),
            _ => None,
        }
    }

    /// The next stat identity.
    pub fn stat(&mut self) -> Option<StatId> {
        Some(StatId {
            dev: self.uint()?,
            ino: self.uint()?,
            size: self.uint()?,
            mtime: self.uint()? as i64,
            ctime: self.uint()? as i64,
            mode: self.int()?,
        })
    }

    /// Whether everything has been taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let stat = StatId { dev: 1, ino: u64::MAX, size: 0, mtime: -1, ctime: 7, mode: 0o100_644 };
        let mut writer = Writer::default();
        writer.uint(0);
        writer.uint(u64::MAX);
        writer.bytes(b"\xff\x00x");
        writer.digest_opt(Some(&Digest::of(b"a")));
        writer.digest_opt(None);
        writer.stat(&stat);
        let mut reader = Reader(&writer.0);
        assert_eq!(reader.uint(), Some(0));
        assert_eq!(reader.uint(), Some(u64::MAX));
        assert_eq!(reader.bytes(), Some(&b"\xff\x00x"[..]));
        assert_eq!(reader.digest_opt(), Some(Some(Digest::of(b"a"))));
        assert_eq!(reader.digest_opt(), Some(None));
        assert_eq!(reader.stat(), Some(stat));
        assert!(reader.is_empty());
    }

    #[test]
    fn a_short_buffer_is_none_at_every_length() {
        let mut writer = Writer::default();
        writer.bytes(b"some bytes");
        writer.digest(&Digest::of(b"x"));
        for len in 0..writer.0.len() {
            let mut reader = Reader(&writer.0[..len]);
            assert!(reader.bytes().and_then(|_| reader.digest()).is_none(), "{len}");
        }
        assert_eq!(Reader(&[0xff; 20]).uint(), None);
        assert_eq!(Reader(&[0xff, 0xff, 0xff, 0xff, 0x7f]).bytes(), None);
    }
}
