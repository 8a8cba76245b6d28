//! A resolved build as bytes, to be kept until something changes that it was made of.
//!
//! What is small is JSON; units, of which there may be a hundred thousand, are a path and the
//! number of the way they are compiled, because almost all are compiled alike.  How many jobs run
//! is no part of it: that is asked for anew with each build.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Config, Link, Profile, Target, Tools, Unit};
use crate::action::SearchDirs;
use crate::codec::{Reader, Writer};
use crate::manifest::Kind;
use crate::path::FilePath;
use crate::toolchain::includes::Lang;

/// Flags, as units share them.
type Flags = Arc<Vec<Arc<[u8]>>>;

#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    profile: Profile,
    output_dir: FilePath,
    tools: Tools,
    targets: Vec<TargetHead>,
    flags: Vec<Flags>,
    search: Vec<Arc<SearchDirs>>,
}

#[derive(Serialize, Deserialize)]
struct TargetHead {
    name: String,
    kind: Kind,
    file: FilePath,
    link: Option<Link>,
}

/// Values shared by address, each once.
struct Shared<T> {
    all: Vec<Arc<T>>,
    numbers: HashMap<*const T, u64>,
}

impl<T> Shared<T> {
    fn number(&mut self, value: &Arc<T>) -> u64 {
        *self.numbers.entry(Arc::as_ptr(value)).or_insert_with(|| {
            self.all.push(value.clone());
            self.all.len() as u64 - 1
        })
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared { all: Vec::new(), numbers: HashMap::new() }
    }
}

impl Config {
    /// The bytes that [`Config::from_bytes`] takes; `None` when it cannot be written.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let (mut flags, mut search) = (Shared::default(), Shared::default());
        let mut units = Writer::default();
        for target in &self.targets {
            units.uint(target.units.len() as u64);
            for unit in &target.units {
                units.bytes(unit.source.as_bytes());
                units.uint(unit.lang as u64);
                units.uint(flags.number(&unit.flags));
                units.uint(search.number(&unit.search));
            }
        }
        let target = |target: &Target| TargetHead {
            name: target.name.clone(),
            kind: target.kind,
            file: target.file.clone(),
            link: target.link.clone(),
        };
        let head = Head {
            name: self.name.clone(),
            profile: self.profile.clone(),
            output_dir: self.output_dir.clone(),
            tools: self.tools.clone(),
            targets: self.targets.iter().map(target).collect(),
            flags: flags.all,
            search: search.all,
        };
        let mut out = Writer::default();
        out.bytes(&serde_json::to_vec(&head).ok()?);
        out.0.extend_from_slice(&units.0);
        Some(out.0)
    }

    /// What [`Config::to_bytes`] wrote, to run `jobs` processes at once.
    pub fn from_bytes(bytes: &[u8], jobs: usize) -> Option<Config> {
        let mut from = Reader(bytes);
        let head: Head = serde_json::from_slice(from.bytes()?).ok()?;
        let mut targets = Vec::with_capacity(head.targets.len());
        for target in head.targets {
            let count: usize = from.int()?;
            let mut units = Vec::with_capacity(count.min(1 << 20));
            for _ in 0..count {
                units.push(Unit {
                    source: FilePath::new(from.bytes()?),
                    lang: *LANGUAGES.get(from.int::<usize>()?)?,
                    flags: head.flags.get(from.int::<usize>()?)?.clone(),
                    search: head.search.get(from.int::<usize>()?)?.clone(),
                });
            }
            let TargetHead { name, kind, file, link } = target;
            targets.push(Target { name, kind, file, units, link });
        }
        let Head { name, profile, output_dir, tools, .. } = head;
        from.is_empty().then_some(Config { name, profile, targets, output_dir, jobs, tools })
    }
}

/// Every language, by its stored number.
const LANGUAGES: [Lang; 3] = [Lang::C, Lang::Cxx, Lang::Asm];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Tool;
    use crate::digest::Digest;
    use crate::manifest::{Debug, Lto, OptLevel};
    use crate::toolchain::link::LinkLine;

    fn config() -> Config {
        let tool = |name: &str| Arc::new(Tool { path: name.into(), identity: Digest::of(name.as_bytes()) });
        let flags: Flags = Arc::new(vec![Arc::from(&b"-O2"[..]), Arc::from(&b"-D\xff"[..])]);
        let search =
            Arc::new(SearchDirs { quoted: vec![], all: vec![FilePath::new(b"in\xff"), "/u".into()] });
        let unit = |source: &[u8], lang| Unit {
            source: FilePath::new(source),
            lang,
            flags: flags.clone(),
            search: search.clone(),
        };
        let line = LinkLine {
            linker: "/ld".into(),
            before_output: vec![b"-o".to_vec()],
            before_objects: vec![],
            after_objects: vec![b"\xfe".to_vec()],
        };
        let link = Link {
            line,
            through_driver: false,
            names: vec!["m".into()],
            export: Some(vec!["a*".into()]),
            script: Some("{ a; };".into()),
            needs: vec![],
        };
        let target = |name: &str, link| Target {
            name: name.into(),
            kind: Kind::Shared,
            file: FilePath::new(name),
            units: vec![unit(b"a\xff.c", Lang::C), unit(b"b.cpp", Lang::Cxx)],
            link,
        };
        Config {
            name: "n".into(),
            profile: Profile {
                name: "release".into(),
                opt_level: OptLevel::Os,
                debug: Debug::Lines,
                lto: Lto::Thin,
                sanitize: vec!["address".into()],
                opt_passes: vec![],
                defines: vec![("A".into(), None), ("B".into(), Some("1".into()))],
                flags: vec!["-g".into()],
            },
            targets: vec![target("one", Some(link)), target("two", None)],
            output_dir: "julia".into(),
            jobs: 3,
            tools: Tools {
                cc: tool("/cc"),
                cxx: tool("/cxx"),
                ar: None,
                llvm_link: Some(tool("/l")),
                opt: None,
                llc: None,
                objcopy: None,
                linker: Some(tool("/ld")),
                fat_objects: true,
                native: Some("x".into()),
                triple: "t".into(),
            },
        }
    }

    #[test]
    fn a_kept_build_is_the_same_and_damage_is_noticed_or_harmless() {
        let config = config();
        let bytes = config.to_bytes().unwrap();
        assert_eq!(Config::from_bytes(&bytes, 3), Some(config));
        for cut in 0..bytes.len() {
            assert_eq!(Config::from_bytes(&bytes[..cut], 3), None, "cut at {cut}");
        }
    }
}
