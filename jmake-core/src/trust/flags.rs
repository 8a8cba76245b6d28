//! Which compiler and linker flags a project may give without consent.
//!
//! A list of *harmless* flags, not of dangerous ones: clang, four linkers and `opt` know thousands
//! of spellings that load code, choose a program or write a file, and each release adds some.  A
//! flag that is not listed here is not forbidden; it only asks for consent.  The reasons given for
//! the well-known dangerous ones are for the reader, nothing depends on them.
//!
//! A flag's operand is only taken as one when it does not itself look like a flag, and an operand
//! must stand in the same list: so no reading of the list by clang can differ from the reading
//! here in a way that lets a flag hide as an operand.

/// The first flag of `flags` that is not known to be harmless to compile or link with: its
/// position, and what is wrong with it.
pub(super) fn harmful(flags: &[String]) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut linker = Vec::new();
    let mut at = 0;
    while at < flags.len() {
        let flag = flags[at].as_str();
        let operand = flags.get(at + 1).map(String::as_str).filter(|next| is_operand(next));
        let start = at;
        at += 1;
        if let Some(pieces) = flag.strip_prefix("-Wl,") {
            linker.extend(pieces.split(',').map(|piece| (start, piece)));
        } else if flag == "-Xlinker" {
            // Not `operand`: what is handed to the linker may well look like a flag.
            match flags.get(at) {
                Some(piece) => linker.push((start, piece.as_str())),
                None => found.push((start, NO_OPERAND)),
            }
            at += 1;
        } else if SEPARATE.contains(&flag) {
            match operand {
                Some(name) if flag == "-l" && !is_library_name(name) => found.push((start, LINKER_FLAG)),
                Some(_) => at += 1,
                None => found.push((start, NO_OPERAND)),
            }
        } else if !is_harmless(flag) {
            found.push((start, why(flag)));
        }
    }
    found.extend(harmful_to_linker(&linker));
    found.sort_unstable();
    found
}

const NO_OPERAND: &str = "lacks its operand, so that it would swallow what follows";

pub(super) const LINKER_FLAG: &str = "becomes another flag of the linker behind `-l`";

/// Whether `-l` with `name` behind it can only name a library.  The compiler hands the two to the
/// linker as one word, and `-lto-obj-path=FILE` and `-load-pass-plugin=FILE` are flags of lld.
pub(super) fn is_library_name(name: &str) -> bool {
    !name.contains('=') && !name.starts_with("to-") && !name.starts_with("oad")
}

/// Whether a compiler takes `text` as the operand of the flag before it, and nothing else.
fn is_operand(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['-', '@'])
}

/// Flags whose operand is the next argument.
#[rustfmt::skip]
const SEPARATE: &[&str] = &[
    "-D", "-U", "-I", "-L", "-l", "-F", "-isystem", "-iquote", "-idirafter", "-include", "-imacros",
    "-framework", "-iframework", "-arch", "-u",
];

/// Flags that are harmless as they stand.
#[rustfmt::skip]
const EXACT: &[&str] = &[
    "-w", "-pedantic", "-pedantic-errors", "-ansi", "-pthread", "-pipe", "-static", "-shared", "-rdynamic",
    "-s", "-pie", "-no-pie", "-nostdlib", "-nostdlib++", "-nostdinc", "-nostdinc++", "-nodefaultlibs",
    "-nostartfiles", "-static-libgcc", "-static-libstdc++", "-static-pie", "-shared-libgcc", "-ObjC",
    "-undef", "-trigraphs", "-v",
];

/// Flags that are harmless with whatever is joined to them.
const JOINED: &[&str] = &["-D", "-U", "-I", "-L", "-l", "-F", "-isystem", "-iquote", "-idirafter"];

/// `-f…=` flags whose value is a plain word or number.
#[rustfmt::skip]
const F_VALUED: &[&str] = &[
    "-fvisibility", "-fsanitize", "-fno-sanitize", "-fsanitize-recover", "-fno-sanitize-recover",
    "-fsanitize-trap", "-flto", "-ffp-contract", "-ffp-model", "-ffp-exception-behavior",
    "-fdiagnostics-color", "-fcolor-diagnostics", "-ftemplate-depth", "-fconstexpr-steps",
    "-fconstexpr-depth", "-ferror-limit", "-fmax-errors", "-ftls-model", "-fcf-protection",
    "-fbracket-depth", "-finput-charset", "-fexec-charset", "-fstack-protector", "-falign-functions",
    "-falign-loops", "-fpack-struct", "-fmessage-length", "-ftrivial-auto-var-init",
    "-fzero-call-used-regs", "-ftabstop", "-fstrict-flex-arrays", "-fopenmp", "-fopenmp-version",
    "-fvect-cost-model", "-fdebug-info-for-profiling", "-fwchar-type", "-finline-limit",
];

/// Beginnings of `-f…` flags that load, choose or write something even without a value.
#[rustfmt::skip]
const F_DANGEROUS: &[&str] = &[
    "-fplugin", "-fpass-plugin", "-fuse-ld", "-fmodule", "-fimplicit-module", "-fprebuilt-module",
    "-fcrash", "-fgen-", "-fsave-", "-fdump", "-ftime-trace", "-fprofile", "-fcs-profile", "-fembed",
    "-foffload", "-fintegrated-cc1", "-fno-integrated", "-fauto-profile", "-fxray", "-fmemory-profile",
    "-fthinlto", "-fdepfile", "-fbuild-session", "-fapinotes", "-fproc-stat", "-findex", "-fcoverage",
    "-ftest-coverage", "-fdiagnostics-", "-frecord", "-frewrite", "-fhip", "-fcuda", "-fgpu", "-fopenacc",
];

/// `-m…=` flags whose value is a plain word or number.
#[rustfmt::skip]
const M_VALUED: &[&str] = &[
    "-march", "-mtune", "-mcpu", "-mfpu", "-mfloat-abi", "-mabi", "-mcmodel", "-mprefer-vector-width",
    "-mstack-alignment", "-mtls-dialect", "-mbranch-protection", "-mmacosx-version-min", "-mfpmath",
    "-masm", "-msve-vector-bits",
];

/// Beginnings of `-m…` flags that are something else than a property of the processor.
const M_DANGEROUS: &[&str] =
    &["-mllvm", "-mlink", "-mmlir", "-mmodule", "-module", "-main", "-mcode-object", "-mthread-model"];

fn is_harmless(flag: &str) -> bool {
    if EXACT.contains(&flag) {
        return true;
    }
    if JOINED.iter().any(|joined| flag.len() > joined.len() && flag.starts_with(joined)) {
        // `-isystem-after` and its like are other flags with the same beginning.
        return !flag.starts_with("-isystem-") && flag.strip_prefix("-l").is_none_or(is_library_name);
    }
    let (name, value) = match flag.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    };
    let plain = value.is_none_or(is_word);
    let bare = value.is_none() && is_word(name);
    match name.as_bytes().get(..2) {
        Some(b"-O") => bare && name.len() <= 6,
        Some(b"-g") => {
            bare && !name.starts_with("-gen") && !name.starts_with("-gcc") || name == "-gz" && plain
        }
        Some(b"-W") => plain && is_word(name) && !name.contains(','),
        Some(b"-f") => {
            (F_VALUED.contains(&name) && plain)
                || (bare && !F_DANGEROUS.iter().any(|begin| name.starts_with(begin)))
                || flag.starts_with("-fdiagnostics-color")
                || is_prefix_map(name)
        }
        Some(b"-m") => {
            (M_VALUED.contains(&name) && plain)
                || (bare && !M_DANGEROUS.iter().any(|begin| name.starts_with(begin)))
        }
        Some(b"-s") => matches!(name, "-std" | "-stdlib") && value.is_some() && plain,
        Some(b"--") => {
            matches!(name, "--std" | "--stdlib" | "--rtlib" | "--unwindlib") && value.is_some() && plain
        }
        Some(b"-r") => name == "-rtlib" && plain,
        _ => is_library_path(flag),
    }
}

fn is_prefix_map(name: &str) -> bool {
    matches!(
        name,
        "-ffile-prefix-map" | "-fmacro-prefix-map" | "-fdebug-prefix-map" | "-ffile-compilation-dir"
    )
}

/// Whether `text` holds nothing but what names and numbers are made of.
fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+' | b',' | b':'))
}

/// Whether `text` is an archive, object or library for the link.
fn is_library_path(text: &str) -> bool {
    let ends = [".a", ".so", ".o", ".dylib", ".tbd"].iter().any(|end| text.ends_with(end));
    is_operand(text) && (ends || text.contains(".so."))
}

/// Options of the linker that take a separate operand.
#[rustfmt::skip]
const LINKER_SEPARATE: &[&str] = &[
    "-rpath", "--rpath", "-R", "-rpath-link", "--rpath-link", "-soname", "--soname", "-h", "-z", "-u",
    "--undefined", "--defsym", "--exclude-libs", "--version-script", "--wrap", "-install_name",
    "-current_version", "-compatibility_version", "-exported_symbols_list", "--dynamic-list", "-e",
    "--entry", "-l", "-L", "-framework",
];

/// Options of the linker that are harmless as they stand.
#[rustfmt::skip]
const LINKER_EXACT: &[&str] = &[
    "--as-needed", "--no-as-needed", "--no-undefined", "--allow-shlib-undefined",
    "--no-allow-shlib-undefined", "--gc-sections", "--no-gc-sections", "--print-gc-sections",
    "--export-dynamic", "-E", "--start-group", "--end-group", "-(", "-)", "--whole-archive",
    "--no-whole-archive", "--build-id", "-s", "-S", "--strip-all", "--strip-debug",
    "--allow-multiple-definition", "--enable-new-dtags", "--disable-new-dtags", "--fatal-warnings",
    "--no-fatal-warnings", "--warn-common", "--color-diagnostics", "--eh-frame-hdr", "-Bsymbolic",
    "-Bsymbolic-functions", "-Bstatic", "-Bdynamic", "--push-state", "--pop-state",
    "--no-copy-dt-needed-entries", "--copy-dt-needed-entries", "--discard-all", "-x", "--discard-locals",
    "-X", "-dead_strip", "--demangle", "--no-demangle", "--relax", "--no-relax", "-O0", "-O1", "-O2", "-O3",
];

/// Options of the linker that are harmless with a value after `=`.
#[rustfmt::skip]
const LINKER_VALUED: &[&str] = &[
    "-rpath", "--rpath", "-rpath-link", "--rpath-link", "-soname", "--soname", "-z", "-u", "--undefined",
    "--defsym", "--exclude-libs", "--version-script", "--wrap", "--dynamic-list", "--build-id", "--icf",
    "--hash-style", "--color-diagnostics", "--compress-debug-sections", "--unresolved-symbols",
    "--pack-dyn-relocs", "--sort-section", "--image-base", "--threads",
];

/// As [`harmful`], for what the linker sees: the pieces of `-Wl,` and `-Xlinker` in order.
fn harmful_to_linker(pieces: &[(usize, &str)]) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut pieces = pieces.iter().peekable();
    while let Some(&(at, piece)) = pieces.next() {
        if LINKER_SEPARATE.contains(&piece) {
            let fits = |next: &str| is_operand(next) && (piece != "-l" || is_library_name(next));
            if pieces.next_if(|(_, next)| fits(next)).is_none() {
                found.push((at, NO_OPERAND));
            }
            continue;
        }
        let valued = piece.split_once('=').is_some_and(|(name, _)| LINKER_VALUED.contains(&name));
        let joined = piece.starts_with("-L") || piece.strip_prefix("-l").is_some_and(is_library_name);
        if !(valued || joined || LINKER_EXACT.contains(&piece) || is_library_path(piece)) {
            found.push((at, why(piece)));
        }
    }
    found
}

/// The reason to show for `flag`: what it is known to do, or that it is not known.
fn why(flag: &str) -> &'static str {
    const KNOWN: &[(&str, &str)] = &[
        ("@", "reads further flags from a file"),
        ("-fplugin", "loads code into the compiler"),
        ("-fpass-plugin", "loads code into the compiler"),
        ("-lto-", LINKER_FLAG),
        ("-load", "loads code into the compiler"),
        ("--load", "loads code into the compiler"),
        ("-plugin", "loads code into the linker"),
        ("--plugin", "loads code into the linker"),
        ("-Xclang", "hands any flag to the compiler proper"),
        ("-Xpreprocessor", "hands any flag to the preprocessor"),
        ("-Xassembler", "hands any flag to the assembler"),
        ("-Wa,", "hands any flag to the assembler"),
        ("-Wp,", "hands any flag to the preprocessor"),
        ("-mllvm", "hands any flag to LLVM"),
        ("-B", "chooses programs"),
        ("--prefix", "chooses programs"),
        ("--config", "reads further flags from a file"),
        ("-specs", "reads further flags from a file"),
        ("--specs", "reads further flags from a file"),
        ("-fuse-ld", "chooses the linker; use `link.linker`"),
        ("--ld-path", "chooses the linker; use `link.linker`"),
        ("-wrapper", "chooses programs"),
        ("-ccc-", "chooses programs"),
        ("--gcc-toolchain", "chooses programs"),
        ("--gcc-install-dir", "chooses programs"),
        ("--sysroot", "chooses programs and headers"),
        ("-isysroot", "chooses programs and headers"),
        ("-target", "chooses programs; use `target.triple`"),
        ("--target", "chooses programs; use `target.triple`"),
        ("-resource-dir", "chooses what is compiled into every program"),
        ("-no-canonical-prefixes", "chooses programs"),
        ("-o", "writes a file"),
        ("--output", "writes a file"),
        ("-M", "writes a file"),
        ("-save-temps", "writes files"),
        ("--save-temps", "writes files"),
    ];
    let known = KNOWN.iter().find(|(begin, _)| flag.starts_with(begin));
    known.map_or("is not known to be harmless", |(_, why)| why)
}

/// Whether `passes`, an element of `opt_passes`, only names passes.  `view-…` starts a viewer,
/// `dot-…` and `print-…` with files write, and what begins with `-` is a flag of `opt`.
pub(super) fn harmful_passes(passes: &str) -> Option<&'static str> {
    let allowed = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'_' | b',' | b'(' | b')' | b'<' | b'>' | b';' | b'=' | b' ')
    };
    if passes.starts_with(['-', '@']) || !passes.bytes().all(allowed) {
        return Some("is not a list of passes");
    }
    let mut names = passes.split([',', '(', ')', '<', '>', ';', ' ']);
    let bad = |name: &str| {
        let name = name.trim_start_matches("no-");
        ["view", "dot-", "graph-viewer", "rewrite-symbols", "load", "plugin"]
            .iter()
            .any(|begin| name.starts_with(begin))
            || name.contains("profile-filename")
            || name.contains("file=")
    };
    names.any(bad).then_some("starts a program, or reads or writes files")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Vec<(usize, &'static str)> {
        let flags: Vec<String> = line.split(' ').map(str::to_owned).collect();
        harmful(&flags)
    }

    #[test]
    fn hostile_flags_are_found_however_they_are_spelled() {
        for line in [
            "-fplugin=evil.so",
            "-fplugin evil.so",
            "-fplugin-arg-x-y",
            "-fpass-plugin=evil.so",
            "-Xclang -load",
            "-Xclang -load -Xclang evil.so",
            "-Xclang -fpass-plugin=evil.so",
            "-load evil.so",
            "-load-pass-plugin=evil.so",
            "--load-pass-plugin=evil.so",
            "-mllvm -load=evil.so",
            "-mllvm=-load=evil.so",
            "-Wl,-mllvm=-load=evil.so",
            "-Wl,-plugin,evil.so",
            "-Wl,--plugin=evil.so",
            "-Wl,--plug=evil.so",
            "-Wl,-z,--plugin=evil.so",
            "-Wl,-z -Wl,--plugin=evil.so",
            "-Wl,--load-pass-plugin=evil.so",
            "-Wl,-plugin-opt=-load=evil.so",
            "-Xlinker -plugin -Xlinker evil.so",
            "-Xlinker --plugin=evil.so",
            "-Xlinker -z -Xlinker -plugin",
            "-Xlinker",
            "-z -plugin",
            "-lto-obj-path=/home/user/.bashrc",
            "-l to-obj-path=/home/user/.bashrc",
            "-Wl,-lto-obj-path=/home/user/.bashrc",
            "-Wl,-l,to-obj-path=/home/user/.bashrc",
            "-load-pass-plugins",
            "-l oad-pass-plugin=evil.so",
            "-B.",
            "-B ./tools",
            "--prefix=./tools",
            "-specs=evil.specs",
            "--specs=evil.specs",
            "--config=evil.cfg",
            "--config evil.cfg",
            "--config-user-dir=.",
            "-fuse-ld=/tmp/ld",
            "-fuse-ld=evil",
            "--ld-path=./ld",
            "-wrapper ./evil",
            "-ccc-gcc-name ./evil",
            "-no-canonical-prefixes",
            "-resource-dir=.",
            "--gcc-toolchain=.",
            "--sysroot=.",
            "-isysroot .",
            "--target=x/../../evil",
            "-target ../evil",
            "@flags.txt",
            "-I @flags.txt",
            "-D -fplugin=evil.so",
            "-include",
            "-include-pch evil.pch",
            "-o /home/user/.bashrc",
            "-o/home/user/.bashrc",
            "-MF /home/user/.bashrc",
            "-MMD",
            "-Wp,-MD,/home/user/.bashrc",
            "-Wa,-o,/home/user/.bashrc",
            "-Wl,-o,/home/user/.bashrc",
            "-Wl,-o/home/user/.bashrc",
            "-Wl,-Map=/home/user/.bashrc",
            "-Wl,--dependency-file=/home/user/.bashrc",
            "-Wl,--reproduce=/home/user/x.tar",
            "-Wl,-T,script.ld",
            "-Wl,@flags.txt",
            "-Wl,-dynamic-linker,/tmp/evil",
            "-ftime-trace=/home/user/x",
            "-fsave-optimization-record=x",
            "-foptimization-record-file=/home/user/x",
            "-fmodules-cache-path=/home/user",
            "-fprofile-use=/etc/x",
            "-fcrash-diagnostics-dir=/home/user",
            "-save-temps=cwd",
            "-serialize-diagnostics x",
            "-x ir",
            "-Xopenmp-target -load",
            "-Xarch_x86_64 -load",
            "-Xpreprocessor -MD",
            "-Xassembler -o",
            "-fno-integrated-as",
            "-fno-integrated-cc1",
            "-gcc-toolchain=x",
            "-gen-reproducer",
            "-DX=1 -fplugin=evil.so",
            "--driver-mode=cl",
            "-iplugindir=.",
            "evil.c",
            "/etc/passwd",
            "",
        ] {
            assert!(!check(line).is_empty(), "`{line}` was taken for harmless");
        }
    }

    #[test]
    fn ordinary_flags_need_no_consent() {
        for line in [
            "-O2 -O3 -Os -Ofast -g -g3 -ggdb -gdwarf-4 -gline-tables-only -gz=zlib",
            "-Wall -Wextra -Wno-unused -Werror=return-type -Wframe-larger-than=1024 -w -pedantic -Weverything",
            "-std=c++20 -std=gnu11 -stdlib=libc++ -pthread -fPIC -fno-exceptions -fno-rtti -ffast-math",
            "-fvisibility=hidden -fvisibility-inlines-hidden -fsanitize=address,undefined -flto=thin",
            "-march=native -mavx2 -msse4.2 -mno-avx -m64 -mtune=generic -mcpu=cortex-a72",
            "-DX -DX=1 -D X -UX -Iinclude -I include -isystem include -include config.h -Llib -lm",
            "-fdiagnostics-color=always -ffile-prefix-map=/a=/b -funroll-loops -fopenmp",
            "-Wl,-rpath,$ORIGIN -Wl,-z,now,-z,relro -Wl,--as-needed -Wl,--version-script=x.map -Wl,-soname,libx.so",
            "-Wl,--no-undefined -Wl,--gc-sections -Wl,-O1 -Xlinker -rpath -Xlinker /opt/lib -shared lib/libx.a libz.so.1",
        ] {
            assert_eq!(check(line), [], "{line}");
        }
    }

    #[test]
    fn passes() {
        for passes in ["mem2reg", "function(sroa,instcombine<max-iterations=2>),globaldce", "default<O2>"] {
            assert_eq!(harmful_passes(passes), None, "{passes}");
        }
        for passes in [
            "-load=x",
            "view-cfg",
            "function(view-cfg)",
            "dot-cfg",
            "@x",
            "a/b",
            "memprof-use<profile-filename=x>",
        ] {
            assert!(harmful_passes(passes).is_some(), "{passes}");
        }
    }
}
