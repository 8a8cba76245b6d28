//! The compiler driver: what `clang` and `clang++` do with a command line.

use crate::args::{self, Args, Lang, Mode};
use crate::{Bytes, Invocation, Product, compile, link, lossy, path_of};

/// Plays `clang`.
pub fn clang(invocation: &Invocation) -> Product {
    let cxx = invocation.name.ends_with("++");
    let args = args::parse(&invocation.args, cxx);
    if !args.asked.is_empty() {
        return answer(invocation, &args);
    }
    if args.inputs.is_empty() {
        return match args.verbose || args.dry {
            true => Product { stderr: about(invocation, &args).into_bytes(), ..Product::default() },
            false => Product::fail("clang: error: no input files\n"),
        };
    }
    let sources: Vec<&(Bytes, Lang)> = args.inputs.iter().filter(|(_, lang)| *lang != Lang::Object).collect();
    match args.mode {
        Mode::Link if sources.is_empty() => link_step(invocation, &args, cxx),
        Mode::Link => Product::fail("clang: error: fakecc does not compile and link in one step\n"),
        _ if args.dry => dry_compile(invocation, &args),
        _ if args.dump_macros => macro_list(invocation, &args, &sources),
        _ => compile_all(invocation, &args, &sources),
    }
}

fn compile_all(invocation: &Invocation, args: &Args, sources: &[&(Bytes, Lang)]) -> Product {
    let mut whole = Product::default();
    if args.verbose {
        whole.stderr = searched(invocation, args).into_bytes();
    }
    for (source, lang) in sources {
        let one = compile::compile(invocation, args, source, *lang);
        whole.stderr.extend(one.stderr);
        whole.stdout.extend(one.stdout);
        whole.files.extend(one.files);
        whole.faults.extend(one.faults);
        whole.inputs.extend(one.inputs);
        whole.code = whole.code.max(one.code);
    }
    whole
}

fn triple(args: &Args) -> String {
    args.target.as_deref().map_or("x86_64-pc-linux-gnu".into(), lossy)
}

fn about(invocation: &Invocation, args: &Args) -> String {
    format!(
        "Debian clang version {} (fakecc)\nTarget: {}\nThread model: posix\nInstalledDir: {}\n",
        invocation.config.version,
        triple(args),
        invocation.config.bin_dir.display()
    )
}

/// What `-v` prints of the search.
fn searched(invocation: &Invocation, args: &Args) -> String {
    let mut text = about(invocation, args);
    for dir in &invocation.config.include_dirs {
        if !path_of(dir.as_bytes()).is_dir() {
            text.push_str(&format!("ignoring nonexistent directory \"{dir}\"\n"));
        }
    }
    text.push_str("#include \"...\" search starts here:\n#include <...> search starts here:\n");
    for dir in compile::search(invocation, args).angled() {
        text.push_str(&format!(" {}\n", lossy(dir)));
    }
    text.push_str("End of search list.\n");
    text
}

fn answer(invocation: &Invocation, args: &Args) -> Product {
    let prefix = invocation.config.bin_dir.parent().unwrap_or(&invocation.config.bin_dir);
    let mut text = String::new();
    for asked in &args.asked {
        let asked = lossy(asked);
        let line = match asked.trim_start_matches('-') {
            "version" => about(invocation, args),
            "dumpversion" => format!("{}\n", invocation.config.version),
            "dumpmachine" | "print-target-triple" | "print-effective-triple" => format!("{}\n", triple(args)),
            "print-resource-dir" => {
                let major = invocation.config.version.split('.').next().unwrap_or_default();
                format!("{}/lib/clang/{major}\n", prefix.display())
            }
            "print-search-dirs" => {
                let (bin, lib) = (invocation.config.bin_dir.display(), prefix.join("lib"));
                format!("programs: ={bin}\nlibraries: ={}\n", lib.display())
            }
            other => match other.strip_prefix("print-file-name=") {
                Some(name) if prefix.join("lib").join(name).exists() => {
                    format!("{}\n", prefix.join("lib").join(name).display())
                }
                Some(name) => format!("{name}\n"),
                None => match other.strip_prefix("print-prog-name=") {
                    Some(name) => format!("{}\n", invocation.config.bin_dir.join(name).display()),
                    None => String::new(),
                },
            },
        };
        text.push_str(&line);
    }
    Product::say(text)
}

fn macro_list(invocation: &Invocation, args: &Args, sources: &[&(Bytes, Lang)]) -> Product {
    let lang = sources.first().map_or(Lang::C, |(_, lang)| *lang);
    let lines = compile::predefined(invocation, args, lang);
    Product::say(
        lines.iter().map(|line| format!("#define {}\n", line.replacen('=', " ", 1))).collect::<String>(),
    )
}

/// `-###` of a compile: the front end's command, with the processor in it.
fn dry_compile(invocation: &Invocation, args: &Args) -> Product {
    let clang = invocation.config.bin_dir.join("clang").into_os_string().into_encoded_bytes();
    let mut command = vec![clang, b"-cc1".to_vec(), b"-triple".to_vec(), triple(args).into_bytes()];
    command.extend([b"-target-cpu".to_vec(), b"x86-64".to_vec()]);
    command.extend(args.flags.iter().cloned());
    command.extend(args.inputs.iter().map(|(path, _)| path.clone()));
    let text = format!("{} (in-process)\n{}", about(invocation, args), quoted(&command));
    Product { stderr: text.into_bytes(), ..Product::default() }
}

fn link_step(invocation: &Invocation, args: &Args, cxx: bool) -> Product {
    for (input, _) in &args.inputs {
        if !path_of(input).exists() {
            let name = lossy(input);
            let text = format!("clang: error: no such file or directory: '{name}'\n");
            return Product::fail(text);
        }
    }
    let command = link_command(invocation, args, cxx);
    if args.dry {
        let text = format!("{}{}", about(invocation, args), quoted(&command));
        return Product { stderr: text.into_bytes(), ..Product::default() };
    }
    let mut product = link::lld(invocation, &command[1..]);
    if product.code != 0 {
        let text: &[u8] =
            b"clang: error: linker command failed with exit code 1 (use -v to see invocation)\n";
        product.stderr.extend_from_slice(text);
    }
    product
}

/// The command that the driver starts to link.
fn link_command(invocation: &Invocation, args: &Args, cxx: bool) -> Vec<Bytes> {
    let text = |text: &str| text.as_bytes().to_vec();
    let bin = &invocation.config.bin_dir;
    let linker = bin.join("ld.lld").into_os_string().into_encoded_bytes();
    let mut command = vec![args.ld_path.clone().unwrap_or(linker)];
    command.extend(["--hash-style=gnu", "--build-id", "--eh-frame-hdr", "-m", "elf_x86_64"].map(text));
    command.push(text(if args.shared { "-shared" } else { "-pie" }));
    command.extend([b"-o".to_vec(), args.output.clone().unwrap_or(b"a.out".to_vec())]);
    let lib = bin.parent().unwrap_or(bin).join("lib");
    let part = |name: &str| {
        let path = lib.join(name);
        path.exists().then(|| path.into_os_string().into_encoded_bytes())
    };
    command.extend(part("crti.o"));
    command.push([b"-L", lib.as_os_str().as_encoded_bytes()].concat());
    if args.lto {
        let level =
            args.flags.iter().rfind(|flag| flag.starts_with(b"-O")).map_or("2".into(), |f| lossy(&f[2..]));
        command.push(format!("-plugin-opt=O{level}").into_bytes());
        if args.flags.iter().any(|flag| flag == b"-flto=thin") {
            command.push(text("-plugin-opt=thinlto"));
        }
        if args.fat {
            command.push(text("--fat-lto-objects"));
        }
    }
    command.extend(args.link.iter().cloned());
    if part("libc.a").is_some() {
        command.push(text("-lc"));
    }
    if cxx && part("libstdc++.a").is_some() {
        command.push(text("-lstdc++"));
    }
    command.extend(part("crtn.o"));
    command
}

/// A command as `-###` prints it.
fn quoted(command: &[Bytes]) -> String {
    let mut out = String::new();
    for arg in command {
        out.push_str(" \"");
        for c in lossy(arg).chars() {
            if matches!(c, '"' | '\\' | '$') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push('\n');
    out
}
