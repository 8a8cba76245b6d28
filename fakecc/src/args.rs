//! The compiler driver's command line.
//!
//! Options that change nothing in an object (warnings, where headers are looked for, how the
//! depfile is named) are taken apart; every other one is kept as a flag that goes into the object.

use crate::Bytes;

/// A source language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    C,
    Cxx,
    /// Not to be compiled: an object, an archive.
    Object,
}

/// What is to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// `-c`.
    Compile,
    /// `-S`.
    Assembly,
    /// `-E`.
    Preprocess,
    /// `-fsyntax-only`.
    Check,
    #[default]
    Link,
}

/// A command line taken apart.
#[derive(Default)]
pub struct Args {
    pub mode: Mode,
    pub inputs: Vec<(Bytes, Lang)>,
    pub output: Option<Bytes>,
    /// Flags that change what is made, in order.
    pub flags: Vec<Bytes>,
    /// `-D` and `-U` in order, with the letter.
    pub macros: Vec<(u8, Bytes)>,
    pub include: Vec<Bytes>,
    pub quoted_dirs: Vec<Bytes>,
    pub dirs: Vec<Bytes>,
    pub system_dirs: Vec<Bytes>,
    pub after_dirs: Vec<Bytes>,
    pub embed_dirs: Vec<Bytes>,
    pub no_std_dirs: bool,
    /// `-MD` or `-MMD` was given.
    pub deps: bool,
    /// `-MMD`: system headers are left out.
    pub user_deps: bool,
    pub depfile: Option<Bytes>,
    pub dep_targets: Vec<Bytes>,
    pub phony: bool,
    pub emit_llvm: bool,
    pub lto: bool,
    pub fat: bool,
    pub debug: bool,
    pub std: Option<Bytes>,
    pub target: Option<Bytes>,
    /// `-f…-prefix-map=OLD=NEW`, applied to paths in the object.
    pub prefix_maps: Vec<Bytes>,
    pub compilation_dir: Option<Bytes>,
    pub color: bool,
    pub no_warnings: bool,
    pub warnings_are_errors: bool,
    /// `-###`.
    pub dry: bool,
    pub verbose: bool,
    pub shared: bool,
    pub ld_path: Option<Bytes>,
    /// What goes to the linker, in order: inputs, `-l`, `-L`, `-Wl,` taken apart.
    pub link: Vec<Bytes>,
    /// `-print-…`, `--version` and the like.
    pub asked: Vec<Bytes>,
    pub dump_macros: bool,
}

/// Options whose value may be the next argument.
const VALUED: [&str; 33] = [
    "-include",
    "-imacros",
    "-iquote",
    "-isystem",
    "-idirafter",
    "--embed-dir",
    "-MF",
    "-MT",
    "-MQ",
    "-MJ",
    "-Xclang",
    "-Xlinker",
    "-Xpreprocessor",
    "-Xassembler",
    "-mllvm",
    "-target",
    "-arch",
    "-isysroot",
    "--sysroot",
    "-std",
    "-o",
    "-x",
    "-I",
    "-D",
    "-U",
    "-L",
    "-l",
    "-T",
    "-u",
    "-z",
    "-B",
    "-F",
    "-rpath",
];

/// Takes `args` of the driver apart.
pub fn parse(args: &[Bytes], cxx: bool) -> Args {
    let mut parsed = Args::default();
    let mut forced = None;
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg.first() != Some(&b'-') || arg == b"-" {
            let lang = forced.unwrap_or_else(|| lang_of(arg, cxx));
            parsed.inputs.push((arg.clone(), lang));
            parsed.link.push(arg.clone());
            continue;
        }
        let (name, value) = split(arg);
        let value = match name {
            Some(name) if value.is_empty() && !name.ends_with('=') => {
                rest.next().cloned().unwrap_or_default()
            }
            _ => value.to_vec(),
        };
        match name {
            Some("-x") => forced = lang_named(&value),
            Some(name) => parsed.valued(name, value),
            None => parsed.plain(arg),
        }
    }
    parsed
}

/// An option that takes a value, and the value when it is part of the argument.
fn split(arg: &[u8]) -> (Option<&'static str>, &[u8]) {
    let long = |name: &&&str| name.len() > 2;
    // Long names first, or `-include` would be `-I`-like.
    for name in VALUED.iter().filter(long).chain(VALUED.iter().filter(|n| !long(n))) {
        if let Some(value) = arg.strip_prefix(name.as_bytes()) {
            let exact = ["-target", "-arch", "-Xclang", "-Xlinker", "-mllvm"];
            if !value.is_empty() && exact.contains(name) {
                continue;
            }
            match value.strip_prefix(b"=") {
                Some(value) if name.len() > 2 => return (Some(name), value),
                _ if *name == "-std" && !value.is_empty() => continue,
                _ => return (Some(name), value),
            }
        }
    }
    (None, b"")
}

fn lang_named(name: &[u8]) -> Option<Lang> {
    match name {
        b"c" | b"c-header" => Some(Lang::C),
        b"c++" | b"c++-header" => Some(Lang::Cxx),
        _ => None,
    }
}

fn lang_of(path: &[u8], cxx: bool) -> Lang {
    let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
    let Some(dot) = name.iter().rposition(|&b| b == b'.') else { return Lang::Object };
    match &name[dot + 1..] {
        b"c" if !cxx => Lang::C,
        b"c" | b"cc" | b"cpp" | b"cxx" | b"c++" | b"C" | b"cp" => Lang::Cxx,
        _ => Lang::Object,
    }
}

impl Args {
    fn valued(&mut self, name: &'static str, value: Bytes) {
        match name {
            "-o" => self.output = Some(value),
            "-I" => self.dirs.push(value),
            "-D" => self.macros.push((b'D', value)),
            "-U" => self.macros.push((b'U', value)),
            "-include" | "-imacros" => self.include.push(value),
            "-iquote" => self.quoted_dirs.push(value),
            "-isystem" => self.system_dirs.push(value),
            "-idirafter" => self.after_dirs.push(value),
            "--embed-dir" => self.embed_dirs.push(value),
            "-MF" => self.depfile = Some(value),
            "-MT" => self.dep_targets.push(value),
            "-MQ" => self.dep_targets.push(crate::depfile::quoted_target(&value)),
            "-MJ" => {}
            "-std" => self.std = Some(value),
            "-target" => self.target = Some(value),
            "-L" | "-l" | "-z" | "-T" | "-u" => self.link.push([name.as_bytes(), &value].concat()),
            "-Xlinker" => self.link.push(value),
            "-rpath" => self.link.extend([b"-rpath".to_vec(), value]),
            _ => self.flags.push([name.as_bytes(), b" ", &value].concat()),
        }
    }

    fn plain(&mut self, arg: &Bytes) {
        match &arg[..] {
            b"-c" => self.mode = Mode::Compile,
            b"-S" => self.mode = Mode::Assembly,
            b"-E" => self.mode = Mode::Preprocess,
            b"-fsyntax-only" => self.mode = Mode::Check,
            b"-MD" | b"-MMD" => {
                self.deps = true;
                self.user_deps = &arg[..] == b"-MMD";
            }
            b"-MP" => self.phony = true,
            b"-dM" => self.dump_macros = true,
            b"-emit-llvm" => self.emit_llvm = true,
            b"-ffat-lto-objects" => self.fat = true,
            b"-fno-fat-lto-objects" => self.fat = false,
            b"-fno-lto" => self.lto = false,
            b"-nostdinc" => self.no_std_dirs = true,
            b"-w" => self.no_warnings = true,
            b"-Werror" => self.warnings_are_errors = true,
            b"-###" => self.dry = true,
            b"-v" => self.verbose = true,
            b"-shared" => self.shared = true,
            b"-fcolor-diagnostics" | b"-fdiagnostics-color" | b"-fdiagnostics-color=always" => {
                self.color = true
            }
            b"-pipe" | b"-Qunused-arguments" | b"-no-canonical-prefixes" | b"-M" | b"-MM" => {}
            b"--version" | b"-dumpversion" | b"-dumpmachine" => self.asked.push(arg.clone()),
            _ => self.prefixed(arg),
        }
    }

    fn prefixed(&mut self, arg: &Bytes) {
        let after = |prefix: &str| arg.strip_prefix(prefix.as_bytes()).map(<[u8]>::to_vec);
        if let Some(options) = after("-Wl,") {
            self.link.extend(options.split(|&b| b == b',').map(<[u8]>::to_vec));
        } else if let Some(path) = after("--ld-path=") {
            self.ld_path = Some(path);
        } else if let Some(standard) = after("-std=") {
            self.std = Some(standard);
        } else if let Some(triple) = after("--target=") {
            self.target = Some(triple);
        } else if let Some(map) = ["-ffile-prefix-map=", "-fdebug-prefix-map=", "-fmacro-prefix-map="]
            .iter()
            .find_map(|prefix| after(prefix))
        {
            self.prefix_maps.push(map);
        } else if let Some(dir) =
            ["-ffile-compilation-dir=", "-fdebug-compilation-dir="].iter().find_map(|prefix| after(prefix))
        {
            self.compilation_dir = Some(dir);
        } else if arg.starts_with(b"-print-") || arg.starts_with(b"--print-") {
            self.asked.push(arg.clone());
        } else if !changes_nothing(arg) {
            if arg.starts_with(b"-flto") {
                self.lto = true;
            } else if arg.starts_with(b"-g") {
                self.debug = &arg[..] != b"-g0";
            }
            self.flags.push(arg.clone());
        }
    }
}

fn changes_nothing(arg: &[u8]) -> bool {
    let prefixes = [&b"-W"[..], b"-fdiagnostics", b"-fno-diagnostics", b"-fno-color", b"-fuse-ld", b"-fansi"];
    prefixes.iter().any(|prefix| arg.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Args {
        let args: Vec<Bytes> = line.split(' ').map(|arg| arg.as_bytes().to_vec()).collect();
        parse(&args, false)
    }

    #[test]
    fn spellings() {
        let args = parsed(
            "-Ia -I b -isystemc -isystem d -DX=1 -D Y -include p.h -std=c++20 -O2 -flto=thin \
             -ffat-lto-objects -fPIC -MD -MFf.d -MT t -c x.cc -o x.o -Wall -fcolor-diagnostics -g",
        );
        assert_eq!(args.dirs, [b"a", b"b"]);
        assert_eq!(args.system_dirs, [b"c", b"d"]);
        assert_eq!(args.macros, [(b'D', b"X=1".to_vec()), (b'D', b"Y".to_vec())]);
        assert_eq!(args.include, [b"p.h"]);
        assert_eq!(args.std.as_deref(), Some(&b"c++20"[..]));
        assert_eq!(args.flags, [&b"-O2"[..], b"-flto=thin", b"-fPIC", b"-g"]);
        assert_eq!(args.inputs, [(b"x.cc".to_vec(), Lang::Cxx)]);
        assert_eq!(args.output.as_deref(), Some(&b"x.o"[..]));
        assert_eq!((args.depfile.as_deref(), args.mode), (Some(&b"f.d"[..]), Mode::Compile));
        assert!(args.lto && args.fat && args.debug && args.deps && args.color);
    }
}
