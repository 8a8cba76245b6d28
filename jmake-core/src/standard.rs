//! Names of headers that come with compilers and systems.
//!
//! An angled include of one of these is never a reason to search a project's folder: a `time.h`
//! of the project that shadows the system's breaks units far away from it.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Whether `name` is a header of every system that is built for here, as far as its name tells.
pub fn has_header(name: &str) -> bool {
    let stem = name.strip_suffix(".h").unwrap_or(name);
    let is_elsewhere = ELSEWHERE.split_ascii_whitespace().any(|known| known == stem);
    is_standard(name.as_bytes()) && other_system(name.as_bytes()).is_none() && !is_elsewhere
}

/// Whether the C library has the function, as far as its name tells: those of other systems have
/// names of their own.
pub fn has_function(name: &str) -> bool {
    let is_elsewhere = FUNCTIONS_ELSEWHERE.split_ascii_whitespace().any(|known| known == name);
    let is_windows = name.starts_with(|c: char| c.is_ascii_uppercase())
        || (name.starts_with('_') && !name.starts_with("__builtin") && !name.starts_with("__sync"));
    !is_elsewhere && !is_windows
}

/// Whether the compiler takes a flag and what is compiled with it runs on every machine of this
/// kind.
pub fn takes_flag(flag: &str) -> bool {
    let always = ["-mmmx", "-msse", "-msse2", "-m64", "-mfpmath=sse", "-mtune=generic"];
    let foreign = ["-Wl,--no-", "-mno-cygwin", "-fpermissive"];
    !flag.starts_with("/")
        && !foreign.iter().any(|known| flag.starts_with(known))
        && (!flag.starts_with("-m") || (cfg!(target_arch = "x86_64") && always.contains(&flag)))
}

/// Whether a piece of code compiles, as far as can be told without compiling it: what it includes
/// is standard, and it asks for no instructions that not every machine of this kind has.
pub fn compiles(code: &str) -> bool {
    let includes = code
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include"));
    let mut names = includes.filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix(['<', '"'])?;
        rest.split(['>', '"']).next()
    });
    // Instructions of other machines, or of newer ones.
    let needs_more = [
        "pragma GCC target",
        "_mm256",
        "_mm512",
        "xgetbv",
        "#error",
        "# error",
        ".arch",
        ".fpu",
        ".altmacro",
        "vmov",
        "altivec",
        "mips",
        "armv",
    ];
    names.all(has_header) && !needs_more.iter().any(|text| code.contains(text))
}

/// Whether `name` is a header of the C or C++ standard library or a common one of POSIX.
pub fn is_standard(name: &[u8]) -> bool {
    let folder = name.split(|&b| b == b'/').next().unwrap_or_default();
    if folder.len() < name.len() {
        return FOLDERS.iter().any(|known| known.as_bytes() == folder);
    }
    let stem = name.strip_suffix(b".h").unwrap_or(name);
    let list = if stem.len() < name.len() { &WITH_H } else { &WITHOUT_H };
    list.contains(stem)
}

static WITH_H: LazyLock<HashSet<&[u8]>> = LazyLock::new(|| set(STEMS));
static WITHOUT_H: LazyLock<HashSet<&[u8]>> = LazyLock::new(|| set(NAMES));

fn set(list: &'static str) -> HashSet<&'static [u8]> {
    list.split_ascii_whitespace().map(str::as_bytes).collect()
}

/// The machines that `name` has the instructions of, when these are others.
pub fn other_machine(name: &[u8]) -> Option<&'static str> {
    let name = std::str::from_utf8(name).ok()?;
    let stem = name.strip_suffix(".h").unwrap_or(name);
    let mut machines = INTRINSICS.iter().filter(|(arch, ..)| !std::env::consts::ARCH.starts_with(arch));
    machines.find(|(_, _, known)| known.split(' ').any(|known| known == stem)).map(|(_, shown, _)| *shown)
}

/// The system whose headers `name` belongs to, when it is not a Unix in general.
pub fn other_system(name: &[u8]) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let folder = name.split(|&b| b == b'/').next().filter(|folder| folder.len() < name.len());
    let of = |&(_, headers): &(&str, &str)| {
        headers.split_ascii_whitespace().any(|known| match known.strip_suffix('/') {
            Some(known) => folder == Some(known.as_bytes()),
            None => known.as_bytes() == lower,
        })
    };
    let here = if cfg!(windows) {
        "Windows"
    } else if cfg!(target_os = "macos") {
        "macOS"
    } else {
        ""
    };
    SYSTEMS.iter().filter(|(system, _)| *system != here).find(|system| of(system)).map(|(system, _)| *system)
}

/// Kinds of machines, and the compilers' headers for their instructions, without `.h`.
const INTRINSICS: [(&str, &str, &str); 7] = [
    (
        "x86",
        "x86 processors",
        "mmintrin xmmintrin emmintrin pmmintrin tmmintrin smmintrin nmmintrin wmmintrin immintrin x86intrin cpuid",
    ),
    // Both `arm` and `aarch64` have them.
    (
        if cfg!(target_arch = "aarch64") { "aarch64" } else { "arm" },
        "Arm processors",
        "arm_neon arm_acle arm_sve",
    ),
    ("loongarch", "LoongArch processors", "lsxintrin lasxintrin"),
    ("mips", "MIPS processors", "msa"),
    ("powerpc", "POWER processors", "altivec"),
    ("riscv", "RISC-V processors", "riscv_vector"),
    ("wasm", "WebAssembly", "wasm_simd128"),
];

const FOLDERS: [&str; 8] = ["sys", "netinet", "arpa", "net", "bits", "asm", "linux", "experimental"];

/// Headers that end in `.h`, without it.
const STEMS: &str = "
assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath
threads time uchar wchar wctype
aio cpio dirent dlfcn endian fcntl features fmtmsg fnmatch ftw getopt glob grp iconv langinfo libgen
libintl malloc memory monetary mqueue ndbm netdb nl_types poll pthread pty pwd regex resolv sched
search semaphore spawn strings stropts syslog tar termios ucontext ulimit unistd utime utmp utmpx
values varargs wordexp alloca byteswap elf err execinfo link obstack printf crypt ifaddrs termio
xmmintrin emmintrin pmmintrin tmmintrin smmintrin nmmintrin wmmintrin immintrin mmintrin ammintrin
x86intrin arm_neon arm_acle cpuid intrin io direct process conio windows winsock2 ws2tcpip
";

/// Headers without an extension.
const NAMES: &str = "
algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts
condition_variable coroutine debugging deque exception execution expected filesystem flat_map
flat_set format forward_list fstream functional future generator hazard_pointer initializer_list
inplace_vector iomanip ios iosfwd iostream istream iterator latch limits linalg list locale map
mdspan memory memory_resource mutex new numbers numeric optional ostream print queue random ranges
ratio rcu regex scoped_allocator semaphore set shared_mutex source_location span spanstream sstream
stack stacktrace stdexcept stdfloat stop_token streambuf string string_view strstream syncstream
system_error text_encoding thread tuple type_traits typeindex typeinfo unordered_map unordered_set
utility valarray variant vector version
cassert ccomplex cctype cerrno cfenv cfloat cinttypes ciso646 climits clocale cmath csetjmp csignal
cstdalign cstdarg cstdbool cstddef cstdint cstdio cstdlib cstring ctgmath ctime cuchar cwchar cwctype
";

/// Headers of other systems, in small letters, and folders of them, as they are spelled.
const SYSTEMS: [(&str, &str); 10] = [
    (
        "Windows",
        "windows.h windowsx.h winsock.h winsock2.h ws2tcpip.h ws2ipdef.h mswsock.h winbase.h windef.h winuser.h
         winnt.h wingdi.h wincon.h winioctl.h winternl.h winerror.h wininet.h winhttp.h tchar.h wincrypt.h
         shlobj.h shlwapi.h shellapi.h io.h conio.h direct.h process.h intrin.h psapi.h tlhelp32.h dbghelp.h
         iphlpapi.h objbase.h ole2.h sddl.h aclapi.h ntstatus.h ntsecapi.h versionhelpers.h setupapi.h
         commctrl.h commdlg.h d3d9.h d3d11.h d3d12.h dxgi.h dsound.h ddraw.h xaudio2.h xinput.h
         mmsystem.h mmdeviceapi.h audioclient.h afxwin.h atlbase.h",
    ),
    (
        "macOS",
        "Cocoa/ Foundation/ CoreFoundation/ CoreServices/ AppKit/ UIKit/ Metal/ MetalKit/ QuartzCore/ IOKit/
         Carbon/ mach/ mach-o/ Security/ ApplicationServices/ AudioToolbox/ CoreAudio/ AudioUnit/
         CoreGraphics/ CoreText/ CoreVideo/ CoreMedia/ AVFoundation/ SystemConfiguration/ libkern/
         availability.h availabilitymacros.h targetconditionals.h",
    ),
    ("Android", "android/ cpu-features.h"),
    ("Emscripten", "emscripten.h emscripten/"),
    ("VxWorks", "vxworks.h tasklib.h semlib.h"),
    ("OS/2", "os2.h"),
    ("DOS", "dos.h go32.h dpmi.h"),
    ("AmigaOS", "proto/ exec/"),
    ("Haiku", "supportdefs.h autolock.h usbkit.h kernelexport.h"),
    ("OpenVMS", "starlet.h descrip.h"),
];

/// Headers that some systems have and not the one built for.
const ELSEWHERE: &str = if cfg!(target_os = "macos") {
    "crypt elf endian error malloc mqueue obstack sys/epoll sys/prctl sys/random sys/sysinfo sys/auxv
     sys/inotify sys/eventfd sys/vfs linux/futex"
} else {
    "ndbm strstream sys/event sys/sysctl sys/filio sys/endian sys/pstat sys/atomic sys/systemcfg
     sys/mman_win sys/isa_defs sys/byteorder sys/cpuset sys/loadavg sys/sockio stropts
     pmmintrin tmmintrin smmintrin nmmintrin wmmintrin immintrin ammintrin intrin arm_neon arm_acle
     malloc_np net/if_dl net/if_media termio values"
};

/// Functions of other systems.
const FUNCTIONS_ELSEWHERE: &str = "
arc4random_addrandom arc4random_stir closefrom fcopyfile getexecname getpeereid getprogname gethrtime
issetugid kqueue mach_absolute_time mach_timebase_info pledge port_create pstat_getdynamic setprogname
setproctitle strtonum strlcpy strlcat sysctlbyname unveil vasnprintf explicit_memset memset_s
SecureZeroMemory getpagesizes timingsafe_bcmp timingsafe_memcmp consttime_memequal fpurge __fpurge
strnstr reallocf recallocarray freezero getlocalename_l uselocale_l xlocale malloc_size malloc_zone_malloc
pthread_get_stacksize_np pthread_getname pthread_setname pthread_set_name_np pthread_main_np
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names() {
        for name in ["string.h", "time.h", "vector", "cstring", "sys/types.h", "pthread.h", "bits/stdc++.h"] {
            assert!(is_standard(name.as_bytes()), "{name}");
        }
        for name in ["string", "memory.hpp", "my/string.h", "sqlite3.h", "vector.h", "h", ".h", ""] {
            assert_eq!(is_standard(name.as_bytes()), name == "string", "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn knows_systems() {
        assert_eq!(other_system(b"Windows.h"), Some("Windows"));
        assert_eq!(other_system(b"CoreFoundation/CFBase.h"), Some("macOS"));
        assert_eq!(other_system(b"vxWorks.h"), Some("VxWorks"));
        assert_eq!(other_system(b"mach"), None);
        assert_eq!(other_system(b"stdio.h"), None);
        let machine = if cfg!(target_arch = "aarch64") { "x86 processors" } else { "Arm processors" };
        assert_eq!(
            [other_machine(b"arm_neon.h"), other_machine(b"immintrin.h")]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>(),
            [machine]
        );
    }
}
