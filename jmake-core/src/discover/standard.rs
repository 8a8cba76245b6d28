//! Names of headers that come with compilers and systems.
//!
//! An angled include of one of these is never a reason to search a project's folder: a `time.h`
//! of the project that shadows the system's breaks units far away from it.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Whether `name` is a header of the C or C++ standard library or a common one of POSIX.
pub(super) fn is_standard(name: &[u8]) -> bool {
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

/// The system whose headers `name` belongs to, when it is not a Unix in general.
pub(super) fn other_system(name: &[u8]) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let is = |list: &str| list.split_ascii_whitespace().any(|known| known.as_bytes() == lower);
    if !cfg!(windows) && is(WINDOWS) {
        return Some("Windows");
    }
    let folder = name.split(|&b| b == b'/').next().unwrap_or_default();
    if !cfg!(target_os = "macos")
        && name.contains(&b'/')
        && APPLE.split_ascii_whitespace().any(|known| known.as_bytes() == folder)
    {
        return Some("macOS");
    }
    None
}

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

const WINDOWS: &str = "
windows.h winsock.h winsock2.h ws2tcpip.h winbase.h windef.h winuser.h tchar.h wincrypt.h shlobj.h
shellapi.h io.h conio.h direct.h psapi.h dbghelp.h d3d9.h d3d11.h d3d12.h dxgi.h mmsystem.h
";

const APPLE: &str = "
Cocoa Foundation CoreFoundation CoreServices AppKit UIKit Metal MetalKit QuartzCore IOKit Carbon mach
mach-o Security ApplicationServices AudioToolbox CoreAudio AudioUnit CoreGraphics
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
        assert_eq!(other_system(b"mach"), None);
        assert_eq!(other_system(b"stdio.h"), None);
    }
}
