//! The linker: objects, archives and libraries to a shared library or a program.

use std::collections::BTreeMap;

use object::Object as _;
use object::read::archive::ArchiveFile;

use crate::module::{BITCODE, Link, Module};
use crate::{Bytes, Invocation, Output, Product, depfile, lossy, path_of};

/// A link command taken apart.
#[derive(Default)]
struct Command {
    output: Bytes,
    soname: Option<Bytes>,
    dirs: Vec<Bytes>,
    /// Objects, archives and `-lNAME`, in order.
    inputs: Vec<Bytes>,
    depfile: Option<Bytes>,
    shared: bool,
    no_undefined: bool,
    fat: bool,
    /// What changes the output.
    flags: Vec<Bytes>,
}

/// What has been read so far.
#[derive(Default)]
struct Linked {
    modules: Vec<(String, Module)>,
    /// Each defined name with the place that defines it for good.
    defined: BTreeMap<String, Option<String>>,
    /// Names that libraries give.
    imported: Vec<String>,
    needed: Vec<Bytes>,
    read: Vec<Bytes>,
    errors: String,
}

/// Plays `ld.lld`.
pub fn lld(invocation: &Invocation, args: &[Bytes]) -> Product {
    if args.iter().any(|arg| arg == b"--version" || arg == b"-v") {
        let version = &invocation.config.version;
        return Product::say(format!("Debian LLD {version} (compatible with GNU linkers)\n"));
    }
    let command = parse(args);
    let mut linked = Linked::default();
    for input in &command.inputs {
        linked.input(&command, input);
    }
    linked.check_undefined(&command);
    let mut product = Product { inputs: linked.read.clone(), ..Product::default() };
    if !linked.errors.is_empty() {
        product.stderr = linked.errors.into_bytes();
        product.code = 1;
        return product;
    }
    let whole = linked.whole(invocation, &command);
    product.write(&command.output, whole.shared(command.soname.as_deref(), &linked.needed));
    if let Some(path) = command.depfile {
        let bytes = depfile::lld(&command.output, &linked.read);
        product.files.push(Output { path, bytes, depfile: true });
    }
    product
}

fn parse(args: &[Bytes]) -> Command {
    let mut command = Command { output: b"a.out".to_vec(), ..Command::default() };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let after = |prefix: &str| arg.strip_prefix(prefix.as_bytes()).map(<[u8]>::to_vec);
        let mut value = || rest.next().cloned().unwrap_or_default();
        match &arg[..] {
            b"-o" => command.output = value(),
            b"-soname" | b"--soname" | b"-h" => command.soname = Some(value()),
            b"-L" => command.dirs.push(value()),
            b"-l" => command.inputs.push([b"-l", &value()[..]].concat()),
            b"-z" => {
                let word = value();
                command.no_undefined |= word == b"defs";
                command.flags.push([b"-z ", &word[..]].concat());
            }
            b"-zdefs" | b"--no-undefined" | b"-no-undefined" => command.no_undefined = true,
            b"-m" | b"-dynamic-linker" | b"-e" | b"-rpath" | b"-T" | b"-u" | b"-mllvm" => {
                command.flags.push([arg, &b" "[..], &value()].concat());
            }
            b"-shared" | b"--shared" | b"-Bshareable" => command.shared = true,
            b"--fat-lto-objects" => command.fat = true,
            b"--no-fat-lto-objects" => command.fat = false,
            b"--dependency-file" => command.depfile = Some(value()),
            _ if arg.starts_with(b"-L") => command.dirs.push(arg[2..].to_vec()),
            _ if arg.starts_with(b"-l") || arg.first() != Some(&b'-') => command.inputs.push(arg.clone()),
            _ => match (after("--dependency-file="), after("-soname=").or(after("--soname="))) {
                (Some(path), _) => command.depfile = Some(path),
                (_, Some(name)) => command.soname = Some(name),
                _ if is_only_speed(arg) => {}
                _ => command.flags.push(arg.clone()),
            },
        }
    }
    command
}

/// Options that change how fast a link is, not what it makes.
fn is_only_speed(arg: &[u8]) -> bool {
    let names =
        [&b"--thinlto-cache"[..], b"--thinlto-jobs", b"--threads", b"--color-diagnostics", b"--error-limit"];
    names.iter().any(|name| arg.starts_with(name))
}

impl Linked {
    fn input(&mut self, command: &Command, input: &[u8]) {
        let path = match input.strip_prefix(b"-l") {
            Some(name) => match library(command, name) {
                Some(path) => path,
                None => return self.error(&format!("unable to find library -l{}", lossy(name))),
            },
            None => input.to_vec(),
        };
        let bytes = match std::fs::read(path_of(&path)) {
            Ok(bytes) => bytes,
            Err(_) => return self.error(&format!("cannot open {}: No such file or directory", lossy(&path))),
        };
        if !self.read.contains(&path) {
            self.read.push(path.clone());
        }
        if bytes.starts_with(b"!<arch>\n") {
            self.archive(command, &path, &bytes);
        } else if bytes.is_empty() && path == b"/dev/null" {
        } else if is_library(&bytes) {
            self.library(&path, &bytes);
        } else {
            match module(&bytes, command.fat) {
                Some(module) => self.add(lossy(&path), module),
                None => self.error(&format!("{}: unknown file type", lossy(&path))),
            }
        }
    }

    /// Takes members that define what is wanted, again and again until none does.
    fn archive(&mut self, command: &Command, path: &[u8], bytes: &[u8]) {
        let Ok(archive) = ArchiveFile::parse(bytes) else {
            return self.error(&format!("{}: truncated or malformed archive", lossy(path)));
        };
        let mut members: Vec<(String, Module)> = archive
            .members()
            .flatten()
            .filter_map(|member| {
                let name = format!("{}({})", lossy(path), lossy(member.name()));
                Some((name, module(member.data(bytes).ok()?, command.fat)?))
            })
            .collect();
        loop {
            let wanted = self.undefined();
            let gives = |(_, module): &(String, Module)| {
                module.symbols.iter().any(|(name, link)| *link != Link::Use && wanted.contains(name))
            };
            let Some(at) = members.iter().position(gives) else { return };
            let (name, module) = members.remove(at);
            self.add(name, module);
        }
    }

    fn library(&mut self, path: &[u8], bytes: &[u8]) {
        let Ok(file) = object::File::parse(bytes) else { return };
        let names = file.dynamic_symbols().filter(object::ObjectSymbol::is_definition);
        self.imported.extend(names.filter_map(|s| object::ObjectSymbol::name(&s).ok().map(str::to_owned)));
        let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
        self.needed.push(name.to_vec());
    }

    fn add(&mut self, place: String, module: Module) {
        for (name, link) in &module.symbols {
            match (link, self.defined.get(name)) {
                (Link::Use, _) => {}
                (Link::Define, Some(Some(other))) => {
                    let text = format!(
                        "duplicate symbol: {name}\n>>> defined at {other}\n>>> defined at {}\n>>>            {place}",
                        module.source
                    );
                    self.error(&text);
                }
                (Link::Define, _) => {
                    let here = format!("{}\n>>>            {place}", module.source);
                    self.defined.insert(name.clone(), Some(here));
                }
                (Link::Weak, known) => {
                    if known.is_none() {
                        self.defined.insert(name.clone(), None);
                    }
                }
            }
        }
        self.modules.push((place, module));
    }

    fn undefined(&self) -> Vec<String> {
        let used = self.modules.iter().flat_map(|(_, module)| &module.symbols);
        let open = |name: &&String| !self.defined.contains_key(*name) && !self.imported.contains(name);
        used.filter(|(_, link)| **link == Link::Use).map(|(name, _)| name).filter(open).cloned().collect()
    }

    fn check_undefined(&mut self, command: &Command) {
        if command.shared && !command.no_undefined {
            return;
        }
        let mut names = self.undefined();
        names.sort();
        names.dedup();
        for name in names {
            let mut text = format!("undefined symbol: {name}");
            for (place, module) in &self.modules {
                if module.symbols.get(&name) == Some(&Link::Use) {
                    text.push_str(&format!(
                        "\n>>> referenced by {}\n>>>               {place}",
                        module.source
                    ));
                }
            }
            self.error(&text);
        }
    }

    fn error(&mut self, text: &str) {
        self.errors.push_str(&format!("ld.lld: error: {text}\n"));
    }

    fn whole(&self, invocation: &Invocation, command: &Command) -> Module {
        let mut text = format!("linker {} {}\n", invocation.config.version, lossy(&invocation.config.salt));
        for flag in &command.flags {
            text.push_str(&format!("flag {}\n", lossy(flag)));
        }
        let mut text = text.into_bytes();
        for (_, module) in &self.modules {
            text.extend_from_slice(format!("module {}\n", module.source).as_bytes());
            text.extend_from_slice(&module.text);
        }
        let symbols = self.defined.keys().map(|name| (name.clone(), Link::Define)).collect();
        Module { source: String::new(), symbols, text }
    }
}

fn library(command: &Command, name: &[u8]) -> Option<Bytes> {
    let spellings = match name.strip_prefix(b":") {
        Some(exact) => vec![exact.to_vec()],
        None => vec![[b"lib", name, b".so"].concat(), [b"lib", name, b".a"].concat()],
    };
    let places = command.dirs.iter().flat_map(|dir| spellings.iter().map(|s| [dir, &b"/"[..], s].concat()));
    places.into_iter().find(|path| path_of(path).is_file())
}

fn is_library(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF") && bytes.get(16) == Some(&3)
}

/// The module in an object, whatever its form.
fn module(bytes: &[u8], fat: bool) -> Option<Module> {
    if bytes.starts_with(BITCODE) { Module::from_bitcode(bytes) } else { Module::from_elf(bytes, fat) }
}
