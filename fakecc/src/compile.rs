//! One source to one object, with its depfile and messages.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::args::{Args, Lang, Mode};
use crate::macros::Macros;
use crate::module::{Link, Module};
use crate::preprocess::Preprocessor;
use crate::search::Search;
use crate::token::{Kind, Token};
use crate::{Bytes, Invocation, Output, Product, depfile, lossy, path_of};

/// Variables that change what a real compiler makes or says: they are in the object, so that a
/// leak shows.
const VARIABLES: [&str; 22] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "LIBRARY_PATH",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "CCC_OVERRIDE_OPTIONS",
    "CCC_ADD_ARGS",
    "CLANG_CONFIG_FILE_SYSTEM_DIR",
    "CLANG_CONFIG_FILE_USER_DIR",
    "SDKROOT",
    "MACOSX_DEPLOYMENT_TARGET",
    "SOURCE_DATE_EPOCH",
    "DEPENDENCIES_OUTPUT",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "LC_CTYPE",
    "FAKECC",
];

/// Compiles `source`.
pub fn compile(invocation: &Invocation, args: &Args, source: &[u8], lang: Lang) -> Product {
    let Ok(bytes) = std::fs::read(path_of(source)) else {
        let message = format!(
            "clang: error: no such file or directory: '{}'\nclang: error: no input files\n",
            lossy(source)
        );
        return Product::fail(message);
    };
    let search = search(invocation, args);
    let mut macros = Macros::new(now(invocation));
    predefine(&mut macros, invocation, args, lang);
    let mut unit = Preprocessor::new(args, &search, macros);
    unit.unit(source, bytes);
    let mut product = Product {
        faults: std::mem::take(&mut unit.faults),
        inputs: vec![source.to_vec()],
        stderr: std::mem::take(&mut unit.messages),
        ..Product::default()
    };
    product.stderr.extend(summary(&unit));
    let output = args.output.clone().unwrap_or_else(|| default_output(args, source));
    if args.deps && !unit.missing_header {
        product.files.push(depfile(args, &unit, &output));
    }
    if unit.errors > 0 {
        product.code = 1;
        return product;
    }
    emit(invocation, args, &unit, source, &output, &mut product);
    product
}

/// The folders of this compile, in clang's order.
pub fn search(invocation: &Invocation, args: &Args) -> Search {
    let mut plain = args.dirs.clone();
    if let Some(more) = invocation.env("CPATH") {
        plain.extend(more.split(|&b| b == b':').map(<[u8]>::to_vec));
    }
    let mut system = args.system_dirs.clone();
    if !args.no_std_dirs {
        system.extend(invocation.config.include_dirs.iter().map(|dir| dir.clone().into_bytes()));
    }
    system.extend(args.after_dirs.iter().cloned());
    Search::new(&args.quoted_dirs, &plain, &system, &args.embed_dirs)
}

fn now(invocation: &Invocation) -> String {
    if let Some(epoch) = invocation.env("SOURCE_DATE_EPOCH") {
        return lossy(epoch);
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|time| time.as_secs().to_string()).unwrap_or_default()
}

/// Macros of the compiler itself, then those of the command line.
pub fn predefine(macros: &mut Macros, invocation: &Invocation, args: &Args, lang: Lang) {
    for definition in predefined(invocation, args, lang) {
        macros.define_flag(definition.as_bytes());
    }
    for (letter, text) in &args.macros {
        match letter {
            b'D' => macros.define_flag(text),
            _ => macros.undef(text),
        }
    }
}

/// What the compiler defines by itself, as `-D` takes it.
pub fn predefined(invocation: &Invocation, args: &Args, lang: Lang) -> Vec<String> {
    let mut parts = invocation.config.version.split('.');
    let mut part = || parts.next().unwrap_or("0").to_owned();
    let mut all = vec![
        format!("__clang_major__={}", part()),
        format!("__clang_minor__={}", part()),
        format!("__clang_patchlevel__={}", part()),
    ];
    for name in ["__clang__", "__llvm__", "__x86_64__", "__linux__", "__unix__", "__ELF__", "__STDC__"] {
        all.push(format!("{name}=1"));
    }
    all.extend(["__GNUC__=4".into(), "__GNUC_MINOR__=2".into(), "__STDC_HOSTED__=1".into()]);
    let standard = args.std.as_deref().map(lossy).unwrap_or_default();
    let year = match standard.trim_start_matches(|c: char| !c.is_ascii_digit()) {
        "98" | "03" => "199711L",
        "11" | "0x" if lang == Lang::Cxx => "201103L",
        "14" | "1y" => "201402L",
        "20" | "2a" => "202002L",
        "23" | "2b" | "2x" if lang == Lang::Cxx => "202302L",
        "23" | "2x" => "202311L",
        "99" => "199901L",
        "11" => "201112L",
        _ if lang == Lang::Cxx => "201703L",
        _ => "201710L",
    };
    let name = if lang == Lang::Cxx { "__cplusplus" } else { "__STDC_VERSION__" };
    all.push(format!("{name}={year}"));
    if args.flags.iter().any(|flag| flag.starts_with(b"-O") && flag != b"-O0") {
        all.push("__OPTIMIZE__=1".into());
    }
    all
}

fn summary(unit: &Preprocessor<'_>) -> Bytes {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let parts: Vec<String> = [(unit.warnings, "warning"), (unit.errors, "error")]
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| count(*n, what))
        .collect();
    if parts.is_empty() { Bytes::new() } else { format!("{} generated.\n", parts.join(" and ")).into_bytes() }
}

fn default_output(args: &Args, source: &[u8]) -> Bytes {
    let name = source.rsplit(|&b| b == b'/').next().unwrap_or(source);
    let stem = name.iter().rposition(|&b| b == b'.').map_or(name, |dot| &name[..dot]);
    let suffix: &[u8] = match (args.mode, args.emit_llvm) {
        (Mode::Assembly, true) => b".ll",
        (Mode::Assembly, false) => b".s",
        (_, true) => b".bc",
        _ => b".o",
    };
    if args.mode == Mode::Preprocess { b"-".to_vec() } else { [stem, suffix].concat() }
}

fn depfile(args: &Args, unit: &Preprocessor<'_>, output: &[u8]) -> Output {
    let wanted = |dep: &&crate::preprocess::Dep| !(args.user_deps && dep.system);
    let files: Vec<Bytes> = unit.deps.iter().filter(wanted).map(|dep| dep.path.clone()).collect();
    let targets = match &args.dep_targets[..] {
        [] => vec![depfile::quoted_target(output)],
        given => given.to_vec(),
    };
    let path = args.depfile.clone().unwrap_or_else(|| {
        let slash = output.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
        let dot = output[slash..].iter().rposition(|&b| b == b'.').map_or(output.len(), |at| slash + at);
        [&output[..dot], b".d"].concat()
    });
    Output { path, bytes: depfile::clang(&targets, &files, args.phony), depfile: true }
}

fn emit(
    invocation: &Invocation,
    args: &Args,
    unit: &Preprocessor<'_>,
    source: &[u8],
    output: &[u8],
    product: &mut Product,
) {
    let text = text(invocation, args, unit);
    match args.mode {
        Mode::Check => {}
        Mode::Preprocess => product.write(output, text),
        _ => {
            let name = source.rsplit(|&b| b == b'/').next().unwrap_or(source);
            let text = if invocation.config.digest { digest(&text) } else { text };
            let module = Module { source: lossy(name), symbols: symbols(unit), text };
            let ir = Module { text: [b"ir\n", &module.text[..]].concat(), ..module.clone() }.bitcode();
            let bytes = match (args.mode, args.emit_llvm || args.lto && !args.fat, args.lto) {
                (Mode::Assembly, ..) => module.text,
                (_, true, _) => ir,
                (_, false, lto) => module.elf(lto.then_some(&ir[..])),
            };
            product.write(output, bytes);
        }
    }
}

fn digest(text: &[u8]) -> Bytes {
    let hex: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("digest {hex}\n").into_bytes()
}

/// Everything the object depends on.
fn text(invocation: &Invocation, args: &Args, unit: &Preprocessor<'_>) -> Bytes {
    let mut out = format!("compiler {} {}\n", invocation.config.version, lossy(&invocation.config.salt));
    for flag in &args.flags {
        out.push_str(&format!("flag {}\n", lossy(flag)));
    }
    for (name, value) in [("std", &args.std), ("target", &args.target)] {
        if let Some(value) = value {
            out.push_str(&format!("{name} {}\n", lossy(value)));
        }
    }
    let mut variables: Vec<String> = invocation
        .env
        .iter()
        .filter(|(name, _)| VARIABLES.contains(&&*lossy(name)))
        .map(|(name, value)| format!("variable {}={}\n", lossy(name), lossy(value)))
        .collect();
    variables.sort();
    out.extend(variables);
    if args.debug {
        let dir = args.compilation_dir.as_ref().unwrap_or(&invocation.dir);
        out.push_str(&format!("directory {}\n", lossy(&mapped(args, dir))));
    }
    let mut out = out.into_bytes();
    for (file, tokens) in &unit.lines {
        if args.debug {
            let line = tokens.first().map_or(0, |token| token.line);
            out.extend_from_slice(&[b"@", &mapped(args, file)[..], format!(":{line} ").as_bytes()].concat());
        }
        for token in tokens {
            out.extend_from_slice(&token.text);
            out.push(b' ');
        }
        // Without debug information a program does not know its lines.
        if args.debug {
            out.push(b'\n');
        }
    }
    out.push(b'\n');
    out
}

/// `path` after the prefix maps, the last of which wins.
fn mapped(args: &Args, path: &[u8]) -> Bytes {
    for map in args.prefix_maps.iter().rev() {
        let Some(at) = map.iter().position(|&b| b == b'=') else { continue };
        if let Some(rest) = path.strip_prefix(&map[..at]) {
            return [&map[at + 1..], rest].concat();
        }
    }
    path.to_vec()
}

/// The symbols that the source names by lines `SYMBOL name`, `WEAK name` and `USES name`, and, as
/// weak ones, the functions that it seems to define.
fn symbols(unit: &Preprocessor<'_>) -> BTreeMap<String, Link> {
    let mut found = BTreeMap::new();
    let mut functions = Functions::default();
    for (_, tokens) in &unit.lines {
        match &tokens[..] {
            [word, name, ..] if word.is("SYMBOL") => drop(found.insert(lossy(&name.text), Link::Define)),
            [word, name, ..] if word.is("WEAK") => drop(found.insert(lossy(&name.text), Link::Weak)),
            [word, name, ..] if word.is("USES") => drop(found.entry(lossy(&name.text)).or_insert(Link::Use)),
            _ => tokens.iter().for_each(|token| functions.token(token)),
        }
    }
    for name in functions.names {
        found.entry(name).or_insert(Link::Weak);
    }
    found
}

/// A guess at function definitions: at the top level, `name (…) … {` without a word that says it
/// is something else.
#[derive(Default)]
struct Functions {
    depth: usize,
    declaration: Vec<Bytes>,
    names: Vec<String>,
}

impl Functions {
    fn token(&mut self, token: &Token) {
        match (&token.text[..], self.depth) {
            (b"{", 0) if self.is_transparent() => self.declaration.clear(),
            (b"{", 0) => {
                self.names.extend(self.function());
                self.depth = 1;
            }
            (b"{", _) if token.kind == Kind::Punct => self.depth += 1,
            (b"}", 0) | (b";", 0) => self.declaration.clear(),
            (b"}", _) if token.kind == Kind::Punct => {
                self.depth -= 1;
                self.declaration.clear();
            }
            (_, 0) => self.declaration.push(token.text.clone()),
            _ => {}
        }
    }

    fn is_transparent(&self) -> bool {
        let linkage = matches!(&self.declaration[..], [word, _] if word == b"extern");
        linkage || matches!(&self.declaration[..], [word, _, ..] if word == b"namespace")
    }

    fn function(&self) -> Option<String> {
        let hidden = [
            &b"static"[..],
            b"inline",
            b"template",
            b"=",
            b"class",
            b"struct",
            b"enum",
            b"union",
            b"namespace",
        ];
        if self.declaration.iter().any(|word| hidden.contains(&&word[..])) {
            return None;
        }
        let open = self.declaration.iter().position(|word| word == b"(")?;
        let name = self.declaration.get(open.checked_sub(1)?)?;
        name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_').then(|| lossy(name))
    }
}
