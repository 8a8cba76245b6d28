//! The lesser tools: bitcode linker, optimiser, code generator, archiver and the ones that look.

use std::collections::BTreeMap;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

use crate::module::{BITCODE, Link, Module};
use crate::{Bytes, Invocation, Product, driver, link, lossy, path_of};

/// Plays the tool that `invocation` names.
pub fn run(invocation: &Invocation) -> Product {
    let args = &invocation.args;
    let name = &*invocation.name;
    if matches!(name, "clang" | "clang++" | "clang-cpp") {
        return driver::clang(invocation);
    }
    if matches!(name, "ld.lld" | "lld" | "ld") {
        return link::lld(invocation, args);
    }
    if name != "llvm-config" && args.iter().any(|arg| arg == b"--version" || arg == b"-version") {
        return version(invocation);
    }
    match name {
        "llvm-link" => llvm_link(args),
        "opt" => through(args, "opt", |module| module.bitcode()),
        "llc" => through(args, "llc", |module| module.elf(None)),
        "llvm-ar" => ar(args),
        "llvm-ranlib" => Product::default(),
        "llvm-nm" => nm(args),
        "llvm-objcopy" | "llvm-strip" => objcopy(args),
        "llvm-dis" => dis(args),
        "llvm-config" => config(invocation),
        _ => Product::fail(format!("fakecc: no tool of the name `{name}` is played\n")),
    }
}

fn version(invocation: &Invocation) -> Product {
    let gnu = match &*invocation.name {
        "llvm-nm" => "llvm-nm, compatible with GNU nm\n",
        "llvm-objcopy" => "llvm-objcopy, compatible with GNU objcopy\n",
        _ => "",
    };
    let version = &invocation.config.version;
    Product::say(format!("{gnu}Debian LLVM version {version}\n  Optimized build.\n"))
}

/// The operands, the output and what is left of a command line.
struct Plain {
    inputs: Vec<Bytes>,
    output: Bytes,
    flags: Vec<Bytes>,
}

fn plain(args: &[Bytes]) -> Plain {
    let mut plain = Plain { inputs: Vec::new(), output: b"-".to_vec(), flags: Vec::new() };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match &arg[..] {
            b"-o" => plain.output = rest.next().cloned().unwrap_or_default(),
            _ if arg.starts_with(b"-o=") => plain.output = arg[3..].to_vec(),
            _ if arg.len() > 1 && arg.starts_with(b"-") => plain.flags.push(arg.clone()),
            _ => plain.inputs.push(arg.clone()),
        }
    }
    plain
}

fn read(tool: &str, path: &[u8]) -> Result<Bytes, String> {
    std::fs::read(path_of(path)).map_err(|_| {
        format!("{tool}: error: Could not open input file: No such file or directory: {}\n", lossy(path))
    })
}

fn bitcode(tool: &str, path: &[u8]) -> Result<Module, String> {
    let bytes = read(tool, path)?;
    Module::from_bitcode(&bytes).ok_or_else(|| {
        let place = lossy(path);
        format!(
            "{tool}: {place}:1:1: error: expected top-level entity\n{tool}: error: loading file '{place}'\n"
        )
    })
}

fn llvm_link(args: &[Bytes]) -> Product {
    let plain = plain(args);
    let mut whole = Module { source: "llvm-link".into(), ..Module::default() };
    for path in &plain.inputs {
        let module = match bitcode("llvm-link", path) {
            Ok(module) => module,
            Err(failure) => return Product::fail(failure),
        };
        for (name, link) in &module.symbols {
            if (whole.symbols.get(name), *link) == (Some(&Link::Define), Link::Define) {
                let text = format!("error: Linking globals named '{name}': symbol multiply defined!\n");
                return Product::fail(text);
            }
            let known = whole.symbols.entry(name.clone()).or_insert(*link);
            *known = (*known).max(*link);
        }
        whole.text.extend_from_slice(format!("module {}\n", module.source).as_bytes());
        whole.text.extend_from_slice(&module.text);
    }
    finish(plain, whole.bitcode())
}

/// A tool that turns one module into another form, leaving its flags in it.
fn through(args: &[Bytes], tool: &str, form: impl Fn(&Module) -> Bytes) -> Product {
    let plain = plain(args);
    let Some(path) = plain.inputs.first() else { return Product::fail(format!("{tool}: no input\n")) };
    let mut module = match bitcode(tool, path) {
        Ok(module) => module,
        Err(failure) => return Product::fail(failure),
    };
    let flags: Vec<String> = plain.flags.iter().map(|flag| lossy(flag)).collect();
    module.text = [format!("{tool} {}\n", flags.join(" ")).as_bytes(), &module.text].concat();
    let bytes = form(&module);
    finish(plain, bytes)
}

fn finish(plain: Plain, bytes: Bytes) -> Product {
    let mut product = Product::default();
    product.write(&plain.output, bytes);
    product.inputs = plain.inputs;
    product
}

fn ar(args: &[Bytes]) -> Product {
    let Some((letters, rest)) = args.split_first() else {
        return Product::fail("llvm-ar: error: no operation\n");
    };
    let rest: Vec<&Bytes> = rest.iter().filter(|arg| !arg.starts_with(b"--")).collect();
    let Some((archive_path, members)) = rest.split_first() else {
        return Product::fail("llvm-ar: error: an archive name must be specified\n");
    };
    if letters.contains(&b't') {
        let Ok(bytes) = std::fs::read(path_of(archive_path)) else {
            return Product::fail("llvm-ar: error\n");
        };
        let Ok(archive) = object::read::archive::ArchiveFile::parse(&*bytes) else {
            return Product::fail("llvm-ar: error: truncated or malformed archive\n");
        };
        let names = archive.members().flatten().map(|member| lossy(member.name()) + "\n");
        return Product::say(names.collect::<String>());
    }
    let mut files = Vec::new();
    for path in members {
        match std::fs::read(path_of(path)) {
            Ok(bytes) => {
                let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
                files.push((name.to_vec(), bytes));
            }
            Err(_) => {
                return Product::fail(format!(
                    "llvm-ar: error: {}: No such file or directory\n",
                    lossy(path)
                ));
            }
        }
    }
    let mut product =
        Product { inputs: members.iter().map(|path| path.to_vec()).collect(), ..Product::default() };
    product.write(archive_path, archive(&files));
    product
}

/// An archive in GNU form, without times or owners.
pub fn archive(files: &[(Bytes, Bytes)]) -> Bytes {
    let header =
        |name: &str, size: usize| format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 644);
    let mut names = Bytes::new();
    let mut body = Bytes::new();
    for (name, bytes) in files {
        body.extend_from_slice(header(&format!("/{}", names.len()), bytes.len()).as_bytes());
        body.extend_from_slice(bytes);
        body.resize(body.len().next_multiple_of(2), b'\n');
        names.extend_from_slice(name);
        names.extend_from_slice(b"/\n");
    }
    names.resize(names.len().next_multiple_of(2), b'\n');
    [b"!<arch>\n", header("//", names.len()).as_bytes(), &names, &body].concat()
}

fn nm(args: &[Bytes]) -> Product {
    let plain = plain(args);
    let has = |names: &[&str]| plain.flags.iter().any(|flag| names.contains(&&*lossy(flag)));
    let dynamic = has(&["-D", "--dynamic"]) || plain.flags.iter().any(|flag| flag.starts_with(b"-D"));
    let defined_only = has(&["--defined-only", "-U"]);
    let undefined_only = has(&["-u", "--undefined-only"]);
    let just = has(&["-j", "--format=just-symbols", "--just-symbol-name"]);
    let posix = has(&["-P", "--format=posix", "--portability"]) || plain.flags.iter().any(|f| f == b"-DP");
    let mut out = String::new();
    for path in &plain.inputs {
        let bytes = match read("llvm-nm", path) {
            Ok(bytes) => bytes,
            Err(failure) => return Product::fail(failure),
        };
        for (name, link) in symbols_of(&bytes, dynamic) {
            let used = link == Link::Use;
            if (used && defined_only) || (!used && undefined_only) {
                continue;
            }
            let letter = match link {
                Link::Use => 'U',
                Link::Weak => 'W',
                Link::Define => 'T',
            };
            let line = match (just, posix) {
                (true, _) => name,
                (_, true) => format!("{name} {letter} 0 0"),
                _ if used => format!("                 U {name}"),
                _ => format!("{:016x} {letter} {name}", 0),
            };
            out.push_str(&format!("{line}\n"));
        }
    }
    Product { inputs: plain.inputs, ..Product::say(out) }
}

fn symbols_of(bytes: &[u8], dynamic: bool) -> BTreeMap<String, Link> {
    if bytes.starts_with(BITCODE) {
        return Module::from_bitcode(bytes).map(|module| module.symbols).unwrap_or_default();
    }
    let Ok(file) = object::File::parse(bytes) else { return BTreeMap::new() };
    let link = |symbol: &object::Symbol<'_, '_>| match (symbol.is_undefined(), symbol.is_weak()) {
        (true, _) => Link::Use,
        (_, true) => Link::Weak,
        _ => Link::Define,
    };
    let named = |symbol: object::Symbol<'_, '_>| Some((symbol.name().ok()?.to_owned(), link(&symbol)));
    let all: BTreeMap<String, Link> = if dynamic {
        file.dynamic_symbols().filter_map(named).collect()
    } else {
        file.symbols().filter_map(named).collect()
    };
    all.into_iter().filter(|(name, _)| !name.is_empty()).collect()
}

fn objcopy(args: &[Bytes]) -> Product {
    let mut dumps = Vec::new();
    let mut files = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == b"--dump-section" {
            dumps.extend(rest.next().cloned());
        } else if let Some(dump) = arg.strip_prefix(b"--dump-section=") {
            dumps.push(dump.to_vec());
        } else if arg.first() != Some(&b'-') {
            files.push(arg.clone());
        }
    }
    let Some(input) = files.first() else {
        return Product::fail("llvm-objcopy: error: no input file specified\n");
    };
    let bytes = match read("llvm-objcopy", input) {
        Ok(bytes) => bytes,
        Err(failure) => return Product::fail(failure),
    };
    let mut product = Product { inputs: vec![input.clone()], ..Product::default() };
    for dump in dumps {
        let Some(at) = dump.iter().position(|&b| b == b'=') else { continue };
        let (name, path) = (lossy(&dump[..at]), &dump[at + 1..]);
        let file = object::File::parse(&*bytes).ok();
        let data = file.as_ref().and_then(|f| f.section_by_name(&name)).and_then(|s| s.data().ok());
        match data {
            Some(data) => product.write(path, data.to_vec()),
            None => {
                let text = format!("llvm-objcopy: error: '{}': section '{name}' not found\n", lossy(input));
                return Product::fail(text);
            }
        }
    }
    let output = files.get(1).unwrap_or(input).clone();
    if output != b"/dev/null" && output != *input {
        product.write(&output, bytes);
    }
    product
}

fn dis(args: &[Bytes]) -> Product {
    let plain = plain(args);
    let Some(path) = plain.inputs.first() else { return Product::fail("llvm-dis: no input\n") };
    match bitcode("llvm-dis", path) {
        Ok(module) => finish(plain, module.text),
        Err(failure) => Product::fail(failure),
    }
}

fn config(invocation: &Invocation) -> Product {
    let bin = &invocation.config.bin_dir;
    let prefix = bin.parent().unwrap_or(bin);
    let mut out = String::new();
    for arg in &invocation.args {
        let line = match &arg[..] {
            b"--version" => invocation.config.version.clone(),
            b"--bindir" => bin.display().to_string(),
            b"--prefix" => prefix.display().to_string(),
            b"--libdir" => prefix.join("lib").display().to_string(),
            b"--includedir" => prefix.join("include").display().to_string(),
            _ => continue,
        };
        out.push_str(&line);
        out.push('\n');
    }
    Product::say(out)
}
