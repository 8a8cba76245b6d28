//! Paths in text formats: text where they are text, bytes where they are not.
//!
//! serde writes a path only if it is UTF-8; a `PATH` or a file name that is not must not make
//! jmake fail, so such a path becomes a list of bytes.  For `#[serde(with = "…")]`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::path::{FilePath, bytes_of, path_from_bytes};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Text(String),
    Bytes(Vec<u8>),
}

impl Wire {
    fn of(path: &Path) -> Wire {
        match path.to_str() {
            Some(text) => Wire::Text(text.to_owned()),
            None => Wire::Bytes(bytes_of(path.as_os_str()).to_vec()),
        }
    }

    fn path(self) -> PathBuf {
        match self {
            Wire::Text(text) => PathBuf::from(text),
            Wire::Bytes(bytes) => path_from_bytes(&bytes),
        }
    }
}

/// For one path.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    Wire::of(path).serialize(serializer)
}

/// For one path.
///
/// # Errors
/// When there is no path.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Wire::deserialize(deserializer).map(Wire::path)
}

impl Serialize for FilePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire::of(&self.to_path_buf()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FilePath, D::Error> {
        let path = Wire::deserialize(deserializer)?.path();
        Ok(FilePath::new(bytes_of(path.as_os_str())))
    }
}

/// For a path that may be missing.
pub mod option {
    use super::*;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(Wire::of).serialize(serializer)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When there is neither a path nor nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<Wire>::deserialize(deserializer)?.map(Wire::path))
    }
}

/// For a list of paths.
pub mod list {
    use super::*;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| Wire::of(path)))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When there is no list of paths.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
        Ok(Vec::<Wire>::deserialize(deserializer)?.into_iter().map(Wire::path).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq, Debug, Serialize, Deserialize)]
    struct All {
        #[serde(with = "super")]
        one: PathBuf,
        #[serde(with = "super::option")]
        some: Option<PathBuf>,
        #[serde(with = "super::option")]
        none: Option<PathBuf>,
        #[serde(with = "super::list")]
        list: Vec<PathBuf>,
        file: FilePath,
    }

    #[test]
    fn every_path_survives() {
        let odd = path_from_bytes(b"/\xff \"x\"");
        let file = FilePath::new(b"a/\xff");
        let list = vec!["/a".into(), odd.clone()];
        let all = All { one: odd.clone(), some: Some(odd), none: None, list, file };
        let text = serde_json::to_string(&all).unwrap();
        assert!(text.contains("\"/a\""), "{text}");
        assert_eq!(serde_json::from_str::<All>(&text).unwrap(), all);
    }
}
