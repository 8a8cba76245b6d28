//! Who has a header or library that is not there: a table of well-known ones, and what the system's
//! own package manager knows.
//!
//! Commands are given as text, never run, and only for the package manager that is there.  dpkg's
//! lists of installed files are read as they lie; `apt-file`, where it is installed and has its index,
//! is asked.  Both only look.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rayon::prelude::*;

use super::Scene;
use super::compile::has_it;
use crate::cause::{Advice, Cause};
use crate::fs;
use crate::path::FilePath;
use crate::process::{Spec, run};
use crate::toolchain::install_named;

/// Where dpkg lists the files of each installed package.
const DPKG: &str = "/var/lib/dpkg/info";
/// How long `apt-file` may search.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be installed for `header`.
pub(super) fn for_header(scene: &Scene<'_>, header: &str) -> Option<Advice> {
    let command = row(header).and_then(|known| command(scene, known)).or_else(|| indexed(scene, header))?;
    Some(Advice::new(Cause::HeaderOfPackage, format!("install it with `{command}`")))
}

/// The row of the table that tells most of `header`: it names the header, or the deepest folder.
fn row(header: &str) -> Option<&'static Known> {
    let matches = |known: &&str| match known.ends_with('/') {
        true => header.starts_with(known),
        false => header == *known,
    };
    let length = |(known, ..): &&Known| known.split(' ').filter(matches).map(str::len).max();
    KNOWN.iter().filter(|row| length(row).is_some()).max_by_key(length)
}

/// The command that installs what `-l` finds as `library`.
pub(super) fn for_library(scene: &Scene<'_>, library: &str) -> Option<String> {
    command(scene, KNOWN.iter().find(|(_, libraries, ..)| libraries.split(' ').any(|name| name == library))?)
}

fn command(scene: &Scene<'_>, known: &Known) -> Option<String> {
    let (_, _, debian, fedora, homebrew) = known;
    install_named(&[("apt-get", debian), ("dnf", fedora), ("brew", homebrew)], scene.path)
}

/// An installed package of Debian has `header` in a folder that is not searched.  A bare name in
/// quotes is more likely the project's own.
pub(super) fn installed(
    scene: &Scene<'_>,
    header: &str,
    users: &[(String, Option<usize>)],
) -> Option<Advice> {
    let (file, line) = users.first()?;
    if !header.contains('/') && !is_angled(scene, file, *line, header) {
        return None;
    }
    let lists: Vec<_> = std::fs::read_dir(DPKG).ok()?.flatten().map(|entry| entry.path()).collect();
    let found: BTreeMap<String, String> = lists
        .into_par_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "list"))
        .flat_map_iter(|path| {
            let package =
                path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let package = package.split(':').next().unwrap_or_default().to_owned();
            let dirs = dirs_in(&fs::read(&path).unwrap_or_default(), header);
            dirs.into_iter().map(move |dir| (dir, package.clone()))
        })
        .collect();
    // Where there are several, nothing tells which one is meant.
    let mut there = found.into_iter().filter(|(dir, _)| Path::new(dir).join(header).is_file());
    let (dir, package) = there.next()?;
    there.next().is_none().then(|| has_it(scene, &package, &dir))
}

/// The folders for headers from which `header` is one of the files that `list` names, one a line.
fn dirs_in(list: &[u8], header: &str) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(list);
    let dirs = text.lines().filter_map(|file| file.strip_suffix(header)?.strip_suffix('/'));
    let is_for_headers = |dir: &&str| dir.split('/').any(|part| part == "include") && !dir.contains("/c++/");
    dirs.filter(is_for_headers).map(str::to_owned).collect()
}

/// Whether the include stands in angle brackets.
fn is_angled(scene: &Scene<'_>, file: &str, line: Option<usize>, header: &str) -> bool {
    let facts = scene.memo.facts(&FilePath::new(file.as_bytes()));
    facts.is_ok_and(|facts| {
        facts.includes.iter().any(|include| {
            include.angled
                && *include.name == *header.as_bytes()
                && line.is_none_or(|line| usize::try_from(include.line) == Ok(line))
        })
    })
}

/// The command that installs what Debian's index of files says has `header` where compilers look.
fn indexed(scene: &Scene<'_>, header: &str) -> Option<String> {
    let program = scene.path.iter().map(|dir| dir.join("apt-file")).find(|path| path.is_file())?;
    let argv = [program.to_str()?, "search", "--fixed-string", &format!("/{header}")];
    let env = vec![(b"PATH".to_vec(), b"/usr/bin:/bin".to_vec()), (b"LC_ALL".to_vec(), b"C".to_vec())];
    let root = scene.memo.root().as_path();
    let spec = Spec { env, drop_stderr: true, deadline: Some(PATIENCE), ..Spec::new(argv, root) };
    let ended = run(&spec, scene.ask.cancel).ok().filter(|ended| ended.success())?;
    let packages = packages_in(&String::from_utf8_lossy(&ended.output), header);
    // Of several, nothing tells which one is meant.
    let [one] = &packages[..] else { return None };
    install_named(&[("apt-get", one)], scene.path)
}

/// The packages, in lines like `zlib1g-dev: /usr/include/zlib.h`, whose file the compiler would find.
fn packages_in(text: &str, header: &str) -> Vec<String> {
    let found = text.lines().filter_map(|line| {
        let (package, file) = line.split_once(": ")?;
        let dir = file.trim().strip_suffix(header)?.strip_suffix('/')?;
        let multiarch = dir
            .strip_prefix("/usr/include/")
            .is_some_and(|arch| arch.contains("-linux-gnu") && !arch.contains('/'));
        (dir == "/usr/include" || multiarch).then(|| package.to_owned())
    });
    found.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Headers (a folder ends in `/`), libraries, and the packages of Debian, Fedora and Homebrew.
type Known = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    ("zlib.h", "z", "zlib1g-dev", "zlib-devel", "zlib"),
    ("bzlib.h", "bz2", "libbz2-dev", "bzip2-devel", "bzip2"),
    ("lzma.h", "lzma", "liblzma-dev", "xz-devel", "xz"),
    ("zstd.h", "zstd", "libzstd-dev", "libzstd-devel", "zstd"),
    ("lz4.h lz4frame.h", "lz4", "liblz4-dev", "lz4-devel", "lz4"),
    ("brotli/", "brotlidec brotlienc brotlicommon", "libbrotli-dev", "brotli-devel", "brotli"),
    ("snappy.h", "snappy", "libsnappy-dev", "snappy-devel", "snappy"),
    ("archive.h", "archive", "libarchive-dev", "libarchive-devel", "libarchive"),
    ("zip.h", "zip", "libzip-dev", "libzip-devel", "libzip"),
    ("sqlite3.h", "sqlite3", "libsqlite3-dev", "sqlite-devel", "sqlite"),
    ("libpq-fe.h", "pq", "libpq-dev", "libpq-devel", "libpq"),
    ("mysql.h mysql/", "mysqlclient mariadb", "libmariadb-dev", "mariadb-connector-c-devel", "mariadb-connector-c"),
    ("lmdb.h", "lmdb", "liblmdb-dev", "lmdb-devel", "lmdb"),
    ("leveldb/", "leveldb", "libleveldb-dev", "leveldb-devel", "leveldb"),
    ("hdf5.h", "hdf5", "libhdf5-dev", "hdf5-devel", "hdf5"),
    ("google/protobuf/", "protobuf", "libprotobuf-dev", "protobuf-devel", "protobuf"),
    ("expat.h", "expat", "libexpat1-dev", "expat-devel", "expat"),
    ("libxml/", "xml2", "libxml2-dev", "libxml2-devel", "libxml2"),
    ("yaml.h", "yaml", "libyaml-dev", "libyaml-devel", "libyaml"),
    ("yaml-cpp/", "yaml-cpp", "libyaml-cpp-dev", "yaml-cpp-devel", "yaml-cpp"),
    ("jansson.h", "jansson", "libjansson-dev", "jansson-devel", "jansson"),
    ("json-c/", "json-c", "libjson-c-dev", "json-c-devel", "json-c"),
    ("nlohmann/", "", "nlohmann-json3-dev", "json-devel", "nlohmann-json"),
    ("rapidjson/", "", "rapidjson-dev", "rapidjson-devel", "rapidjson"),
    ("tinyxml2.h", "tinyxml2", "libtinyxml2-dev", "tinyxml2-devel", "tinyxml2"),
    ("curl/", "curl", "libcurl4-openssl-dev", "libcurl-devel", "curl"),
    ("openssl/", "ssl crypto", "libssl-dev", "openssl-devel", "openssl@3"),
    ("gnutls/", "gnutls", "libgnutls28-dev", "gnutls-devel", "gnutls"),
    ("gcrypt.h", "gcrypt", "libgcrypt20-dev", "libgcrypt-devel", "libgcrypt"),
    ("sodium.h", "sodium", "libsodium-dev", "libsodium-devel", "libsodium"),
    ("mbedtls/ psa/", "mbedtls mbedcrypto mbedx509", "libmbedtls-dev", "mbedtls-devel", "mbedtls"),
    ("nettle/", "nettle hogweed", "libnettle-dev", "nettle-devel", "nettle"),
    ("libtasn1.h", "tasn1", "libtasn1-6-dev", "libtasn1-devel", "libtasn1"),
    ("gpg-error.h", "gpg-error", "libgpg-error-dev", "libgpg-error-devel", "libgpg-error"),
    ("idn2.h", "idn2", "libidn2-dev", "libidn2-devel", "libidn2"),
    ("unistr.h unicase.h uninorm.h unictype.h uniconv.h", "unistring", "libunistring-dev", "libunistring-devel", "libunistring"),
    ("libpsl.h", "psl", "libpsl-dev", "libpsl-devel", "libpsl"),
    ("unicode/", "icuuc icui18n icudata", "libicu-dev", "libicu-devel", "icu4c"),
    ("nghttp2/", "nghttp2", "libnghttp2-dev", "libnghttp2-devel", "libnghttp2"),
    ("ares.h", "cares", "libc-ares-dev", "c-ares-devel", "c-ares"),
    ("zmq.h zmq.hpp", "zmq", "libzmq3-dev", "zeromq-devel", "zeromq"),
    ("uv.h", "uv", "libuv1-dev", "libuv-devel", "libuv"),
    ("event2/", "event", "libevent-dev", "libevent-devel", "libevent"),
    ("ev.h", "ev", "libev-dev", "libev-devel", "libev"),
    ("pcap.h pcap/", "pcap", "libpcap-dev", "libpcap-devel", "libpcap"),
    ("ogg/", "ogg", "libogg-dev", "libogg-devel", "libogg"),
    ("vorbis/", "vorbis vorbisfile vorbisenc", "libvorbis-dev", "libvorbis-devel", "libvorbis"),
    ("FLAC/ FLAC++/", "FLAC", "libflac-dev", "flac-devel", "flac"),
    ("opus/ opus.h", "opus", "libopus-dev", "opus-devel", "opus"),
    ("sndfile.h", "sndfile", "libsndfile1-dev", "libsndfile-devel", "libsndfile"),
    ("libpsl.h", "psl", "libpsl-dev", "libpsl-devel", "libpsl"),
    ("idn2.h", "idn2", "libidn2-dev", "libidn2-devel", "libidn2"),
    ("nghttp2/", "nghttp2", "libnghttp2-dev", "libnghttp2-devel", "libnghttp2"),
    ("mbedtls/ psa/", "mbedtls mbedcrypto mbedx509", "libmbedtls-dev", "mbedtls-devel", "mbedtls"),
    ("ldap.h lber.h", "ldap lber", "libldap-dev", "openldap-devel", "openldap"),
    ("gssapi.h gssapi/ krb5.h", "gssapi_krb5 krb5", "libkrb5-dev", "krb5-devel", "krb5"),
    ("brotli/", "brotlidec brotlienc", "libbrotli-dev", "brotli-devel", "brotli"),
    ("libssh2.h", "ssh2", "libssh2-1-dev", "libssh2-devel", "libssh2"),
    ("git2.h", "git2", "libgit2-dev", "libgit2-devel", "libgit2"),
    ("CL/", "OpenCL", "ocl-icd-opencl-dev opencl-headers", "ocl-icd-devel opencl-headers", "opencl-headers"),
    ("vulkan/", "vulkan", "libvulkan-dev", "vulkan-loader-devel vulkan-headers", "vulkan-headers vulkan-loader"),
    ("GL/gl.h GL/glu.h", "GL GLU", "libgl-dev libglu1-mesa-dev", "mesa-libGL-devel mesa-libGLU-devel", "mesa mesa-glu"),
    ("GL/glew.h", "GLEW", "libglew-dev", "glew-devel", "glew"),
    ("GL/glut.h GL/freeglut.h", "glut", "freeglut3-dev", "freeglut-devel", "freeglut"),
    ("GLES2/ GLES3/", "GLESv2", "libgles-dev", "mesa-libGLES-devel", "mesa"),
    ("EGL/", "EGL", "libegl-dev", "mesa-libEGL-devel", "mesa"),
    ("GLFW/", "glfw", "libglfw3-dev", "glfw-devel", "glfw"),
    ("glm/", "", "libglm-dev", "glm-devel", "glm"),
    ("SDL2/ SDL.h", "SDL2", "libsdl2-dev", "SDL2-devel", "sdl2"),
    ("SFML/", "sfml-graphics sfml-system sfml-window", "libsfml-dev", "SFML-devel", "sfml"),
    ("X11/", "X11", "libx11-dev", "libX11-devel", "libx11"),
    ("X11/extensions/", "Xext", "libxext-dev", "libXext-devel", "libxext"),
    ("X11/extensions/XInput.h X11/extensions/XInput2.h", "Xi", "libxi-dev", "libXi-devel", "libxi"),
    ("X11/extensions/Xinerama.h", "Xinerama", "libxinerama-dev", "libXinerama-devel", "libxinerama"),
    ("X11/extensions/Xrender.h", "Xrender", "libxrender-dev", "libXrender-devel", "libxrender"),
    ("X11/extensions/Xfixes.h", "Xfixes", "libxfixes-dev", "libXfixes-devel", "libxfixes"),
    ("X11/Xcursor/", "Xcursor", "libxcursor-dev", "libXcursor-devel", "libxcursor"),
    ("X11/Xft/", "Xft", "libxft-dev", "libXft-devel", "libxft"),
    ("xkbcommon/", "xkbcommon", "libxkbcommon-dev", "libxkbcommon-devel", "libxkbcommon"),
    ("X11/extensions/Xrandr.h", "Xrandr", "libxrandr-dev", "libXrandr-devel", "libxrandr"),
    ("xcb/", "xcb", "libxcb1-dev", "libxcb-devel", "libxcb"),
    ("wayland-client.h", "wayland-client", "libwayland-dev", "wayland-devel", "wayland"),
    ("gtk/", "gtk-3", "libgtk-3-dev", "gtk3-devel", "gtk+3"),
    ("glib.h gio/ gobject/", "glib-2.0 gobject-2.0", "libglib2.0-dev", "glib2-devel", "glib"),
    ("cairo.h cairo/", "cairo", "libcairo2-dev", "cairo-devel", "cairo"),
    ("png.h", "png", "libpng-dev", "libpng-devel", "libpng"),
    ("jpeglib.h turbojpeg.h", "jpeg turbojpeg", "libjpeg-dev libturbojpeg0-dev", "libjpeg-turbo-devel turbojpeg-devel", "jpeg-turbo"),
    ("tiffio.h tiff.h", "tiff", "libtiff-dev", "libtiff-devel", "libtiff"),
    ("webp/", "webp", "libwebp-dev", "libwebp-devel", "webp"),
    ("openjpeg.h", "openjp2", "libopenjp2-7-dev", "openjpeg2-devel", "openjpeg"),
    ("jbig.h", "jbig", "libjbig-dev", "jbigkit-devel", "jbigkit"),
    ("lcms2.h", "lcms2", "liblcms2-dev", "lcms2-devel", "little-cms2"),
    ("libdeflate.h", "deflate", "libdeflate-dev", "libdeflate-devel", "libdeflate"),
    ("gif_lib.h", "gif", "libgif-dev", "giflib-devel", "giflib"),
    ("ft2build.h freetype/", "freetype", "libfreetype-dev", "freetype-devel", "freetype"),
    ("hb.h", "harfbuzz", "libharfbuzz-dev", "harfbuzz-devel", "harfbuzz"),
    ("fontconfig/", "fontconfig", "libfontconfig-dev", "fontconfig-devel", "fontconfig"),
    ("opencv2/", "opencv_core", "libopencv-dev", "opencv-devel", "opencv"),
    ("Eigen/ unsupported/Eigen/", "", "libeigen3-dev", "eigen3-devel", "eigen"),
    ("fftw3.h", "fftw3", "libfftw3-dev", "fftw-devel", "fftw"),
    ("gsl/", "gsl", "libgsl-dev", "gsl-devel", "gsl"),
    ("cblas.h", "openblas cblas blas", "libopenblas-dev", "openblas-devel", "openblas"),
    ("lapacke.h", "lapacke", "liblapacke-dev", "lapack-devel", "lapack"),
    ("gmp.h gmpxx.h", "gmp gmpxx", "libgmp-dev", "gmp-devel", "gmp"),
    ("mpfr.h", "mpfr", "libmpfr-dev", "mpfr-devel", "mpfr"),
    ("mpi.h", "mpi", "libopenmpi-dev", "openmpi-devel", "open-mpi"),
    ("omp.h", "omp", "libomp-dev", "libomp-devel", "libomp"),
    ("tbb/ oneapi/tbb.h", "tbb", "libtbb-dev", "tbb-devel", "tbb"),
    ("boost/", "boost_system boost_filesystem", "libboost-all-dev", "boost-devel", "boost"),
    ("fmt/", "fmt", "libfmt-dev", "fmt-devel", "fmt"),
    ("spdlog/", "spdlog", "libspdlog-dev", "spdlog-devel", "spdlog"),
    ("absl/", "", "libabsl-dev", "abseil-cpp-devel", "abseil"),
    ("gflags/", "gflags", "libgflags-dev", "gflags-devel", "gflags"),
    ("glog/", "glog", "libgoogle-glog-dev", "glog-devel", "glog"),
    ("gtest/ gmock/", "gtest gmock", "libgtest-dev libgmock-dev", "gtest-devel gmock-devel", "googletest"),
    ("benchmark/", "benchmark", "libbenchmark-dev", "google-benchmark-devel", "google-benchmark"),
    ("catch2/", "Catch2", "catch2", "catch-devel", "catch2"),
    ("pcre.h", "pcre", "libpcre3-dev", "pcre-devel", "pcre"),
    ("pcre2.h", "pcre2-8", "libpcre2-dev", "pcre2-devel", "pcre2"),
    ("editline/ histedit.h", "edit", "libedit-dev", "libedit-devel", "libedit"),
    ("md5.h sha2.h rmd160.h", "md", "libmd-dev", "libmd-devel", "libmd"),
    ("bsd/", "bsd", "libbsd-dev", "libbsd-devel", ""),
    ("acl/ sys/acl.h", "acl", "libacl1-dev", "libacl-devel", ""),
    ("readline/", "readline", "libreadline-dev", "readline-devel", "readline"),
    ("ncurses.h curses.h term.h termcap.h", "ncurses curses tinfo", "libncurses-dev", "ncurses-devel", "ncurses"),
    ("lua.h lua.hpp", "lua5.4 lua", "liblua5.4-dev", "lua-devel", "lua"),
    ("Python.h", "python3", "python3-dev", "python3-devel", "python"),
    ("jni.h", "jvm", "default-jdk", "java-latest-openjdk-devel", "openjdk"),
    ("alsa/", "asound", "libasound2-dev", "alsa-lib-devel", "alsa-lib"),
    ("pulse/", "pulse pulse-simple", "libpulse-dev", "pulseaudio-libs-devel", "pulseaudio"),
    ("portaudio.h", "portaudio", "portaudio19-dev", "portaudio-devel", "portaudio"),
    ("sndfile.h", "sndfile", "libsndfile1-dev", "libsndfile-devel", "libsndfile"),
    ("ogg/", "ogg", "libogg-dev", "libogg-devel", "libogg"),
    ("vorbis/", "vorbis vorbisenc vorbisfile", "libvorbis-dev", "libvorbis-devel", "libvorbis"),
    ("FLAC/ FLAC++/", "FLAC FLAC++", "libflac-dev libflac++-dev", "flac-devel", "flac"),
    ("opus/ opus.h", "opus", "libopus-dev", "opus-devel", "opus"),
    ("mpg123.h", "mpg123", "libmpg123-dev", "mpg123-devel", "mpg123"),
    ("speex/", "speex", "libspeex-dev", "speex-devel", "speex"),
    ("AL/", "openal", "libopenal-dev", "openal-soft-devel", "openal-soft"),
    ("libavcodec/ libavformat/ libavutil/", "avcodec avformat avutil", "libavcodec-dev libavformat-dev", "ffmpeg-free-devel", "ffmpeg"),
    ("libusb-1.0/ libusb.h", "usb-1.0", "libusb-1.0-0-dev", "libusb1-devel", "libusb"),
    ("libudev.h", "udev", "libudev-dev", "systemd-devel", ""),
    ("systemd/", "systemd", "libsystemd-dev", "systemd-devel", ""),
    ("dbus/", "dbus-1", "libdbus-1-dev", "dbus-devel", "dbus"),
    ("fuse.h fuse3/", "fuse3", "libfuse3-dev", "fuse3-devel", ""),
    ("sys/capability.h", "cap", "libcap-dev", "libcap-devel", ""),
    ("numa.h", "numa", "libnuma-dev", "numactl-devel", ""),
    ("ffi.h", "ffi", "libffi-dev", "libffi-devel", "libffi"),
    ("uuid/", "uuid", "uuid-dev", "libuuid-devel", "util-linux"),
    ("libunwind.h", "unwind", "libunwind-dev", "libunwind-devel", ""),
    ("bfd.h", "bfd", "binutils-dev", "binutils-devel", "binutils"),
    ("libelf.h gelf.h", "elf", "libelf-dev", "elfutils-libelf-devel", "libelf"),
    ("llvm/ llvm-c/", "LLVM", "llvm-dev", "llvm-devel", "llvm"),
    ("clang-c/", "clang", "libclang-dev", "clang-devel", "llvm"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_packages() {
        let list = b"/.\n/usr/include/libxml2/libxml/parser.h\n/usr/share/doc/libxml/parser.h\n";
        assert_eq!(
            dirs_in(list, "libxml/parser.h").into_iter().collect::<Vec<_>>(),
            ["/usr/include/libxml2"]
        );
        assert!(dirs_in(list, "arser.h").is_empty());
        let index = "b-dev: /usr/include/x.h\na-dev: /usr/include/x86_64-linux-gnu/x.h\nc: /usr/include/c/x.h\n\
                     d: /usr/include/xx.h\n";
        assert_eq!(packages_in(index, "x.h"), ["a-dev", "b-dev"]);
    }

    #[test]
    fn the_most_telling_row_counts() {
        let package = |header: &str| row(header).map(|(_, _, debian, ..)| *debian);
        assert_eq!(package("X11/Xcursor/Xcursor.h"), Some("libxcursor-dev"));
        assert_eq!(package("X11/Xlib.h"), Some("libx11-dev"));
        assert_eq!(package("X11/extensions/shape.h"), Some("libxext-dev"));
        assert_eq!(package("ogg/ogg.h"), Some("libogg-dev"));
        assert_eq!(package("nobody/has.h"), None);
    }

    #[test]
    fn the_table_is_whole() {
        for (headers, libraries, debian, fedora, _) in KNOWN {
            assert!(!headers.is_empty() && !debian.is_empty() && !fedora.is_empty(), "{headers}");
            assert!(!libraries.contains(".so"), "{libraries}");
        }
    }
}
