//! Which names the headers of the system declare or define.
//!
//! The compiler is run once over all common headers that are there, and prints what they say
//! with every macro they define; a name is declared when it stands in that text.  This is what
//! matters to a source: a function that the C library has but no header declares cannot be
//! called (C99 and later), and what is only a macro can.
//!
//! What no name can answer is tried: a short program is put to the compiler, what it
//! makes of it is thrown away, and nothing is ever run.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::includes::Lang;
use super::{Ask, Toolchain};
use crate::lex::scan;
use crate::path::{bytes_of, path_from_bytes};
use crate::process::INPUT_LIMIT;

/// Headers of C and POSIX, and what Linux, the BSDs and macOS have besides.
const HEADERS: &str = "
assert ctype errno fcntl fenv float inttypes limits locale math setjmp signal stdarg stdbool stddef
stdint stdio stdlib string strings tgmath time uchar unistd wchar wctype
alloca byteswap dirent dlfcn endian err execinfo fnmatch ftw getopt glob grp iconv ifaddrs langinfo
libgen libintl link malloc netdb poll pthread pwd regex sched search semaphore spawn syslog termios
ucontext ulimit utime wordexp
arpa/inet net/if netinet/in netinet/tcp sys/auxv sys/epoll sys/event sys/eventfd sys/file
sys/inotify sys/ioctl sys/mman sys/param sys/prctl sys/procfs sys/ptrace sys/random sys/resource sys/select
sys/sendfile sys/shm sys/signalfd sys/socket sys/stat sys/statfs sys/statvfs sys/sysctl sys/sysinfo sys/syscall sys/time sys/times sys/timerfd
sys/types sys/uio sys/un sys/utsname sys/wait
mach/mach_time malloc/malloc libkern/OSAtomic os/lock
";

impl Toolchain {
    /// Which of `names` the system's headers declare or define for C under `flags`, in order.
    ///
    /// # Errors
    /// When the compiler fails.
    pub fn declared(&self, ask: &Ask<'_>, flags: &[Vec<u8>], names: &[String]) -> Result<Vec<bool>> {
        let dirs = self.include_dirs(ask, Lang::C, flags)?.paths();
        let mut watched: Vec<PathBuf> = Vec::new();
        let tool = self.driver(Lang::C)?;
        let mut argv = vec![bytes_of(tool.path.as_os_str()).to_vec()];
        argv.extend_from_slice(flags);
        argv.extend(["-D_GNU_SOURCE", "-w", "-E", "-dD", "-P"].map(|arg| arg.as_bytes().to_vec()));
        for header in HEADERS.split_ascii_whitespace() {
            let candidates: Vec<PathBuf> = dirs.iter().map(|dir| dir.join(format!("{header}.h"))).collect();
            if candidates.iter().any(|path| path.is_file()) {
                argv.extend([b"-include".to_vec(), format!("{header}.h").into_bytes()]);
            }
            watched.extend(candidates);
        }
        argv.extend(["-x", Lang::C.flag(), "/dev/null"].map(|arg| arg.as_bytes().to_vec()));
        watched.extend(self.watched(tool));
        let reduce = |text: &[u8]| {
            let words = words(text);
            names.iter().map(|name| if words.contains(name.as_bytes()) { b'1' } else { b'0' }).collect()
        };
        let answer = ask.reduced(&argv, names.join("\n").as_bytes(), &watched, reduce)?;
        Ok(names
            .iter()
            .zip(answer.into_iter().chain(std::iter::repeat(b'0')))
            .map(|(_, a)| a == b'1')
            .collect())
    }

    /// Whether the compiler for `lang` takes `source` under `flags`.  An answer is kept, unless the
    /// source includes a file by its whole path: what such a file of a project includes nobody knows.
    ///
    /// # Errors
    /// When the compiler cannot be started, or `source` is longer than [`INPUT_LIMIT`].
    pub fn compiles(&self, ask: &Ask<'_>, lang: Lang, flags: &[Vec<u8>], source: &[u8]) -> Result<bool> {
        ensure!(source.len() <= INPUT_LIMIT, "a program of {} bytes is too long to try", source.len());
        let tool = self.driver(lang)?;
        let mut watched = self.watched(tool);
        let dirs = self.include_dirs(ask, lang, &[])?.paths();
        let includes = scan(source).includes;
        let of_project = includes.iter().any(|include| include.name.starts_with(b"/"));
        for include in &includes {
            watched.extend(dirs.iter().map(|dir| dir.join(path_from_bytes(&include.name))));
        }
        let mut argv = vec![bytes_of(tool.path.as_os_str()).to_vec()];
        argv.extend_from_slice(flags);
        // Whether an instruction may be used is known only when code is made, and whether assembler is
        // right only when that is machine code.
        let has_assembler = memchr::memmem::find(source, b"asm").is_some();
        argv.extend((!has_assembler).then(|| b"-emit-llvm".to_vec()));
        let rest = ["-w", "-O0", "-c", "-o", "/dev/null", "-x", lang.flag(), "-"];
        argv.extend(rest.map(|arg| arg.as_bytes().to_vec()));
        match of_project || flags.iter().any(|flag| flag.starts_with(b"-I")) {
            true => ask.succeeds_now(&argv, source),
            false => ask.succeeds(&argv, source, &watched),
        }
    }
}

/// The identifiers in `text`.
fn words(text: &[u8]) -> HashSet<&[u8]> {
    text.split(|&b| !b.is_ascii_alphanumeric() && b != b'_').filter(|word| !word.is_empty()).collect()
}
