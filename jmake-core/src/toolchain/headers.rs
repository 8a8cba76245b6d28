//! Well-known headers and the libraries behind them, where the names differ.
//!
//! Only what the general rule (a package of the header's own name) does not find belongs here.

/// A header, or a folder of headers, and what answers it.
pub(super) struct Known {
    /// The header as included; ending in `/`, every header in that folder.
    pub header: &'static str,
    /// Package names to try in order; the first installed one wins.
    pub packages: &'static [&'static str],
    /// Libraries that count without a package, when they are installed.
    pub libs: &'static [&'static str],
}

/// The entry for `header`.
pub(super) fn known(header: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| match known.header.strip_suffix('/') {
        Some(folder) => header.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
        None => known.header == header,
    })
}

const fn package(header: &'static str, packages: &'static [&'static str]) -> Known {
    Known { header, packages, libs: &[] }
}

const fn plain(header: &'static str, libs: &'static [&'static str]) -> Known {
    Known { header, packages: &[], libs }
}

const fn either(
    header: &'static str,
    packages: &'static [&'static str],
    libs: &'static [&'static str],
) -> Known {
    Known { header, packages, libs }
}

const LUA: &[&str] = &["lua", "lua5.4", "lua-5.4", "lua54", "lua5.3", "lua-5.3", "lua53", "lua5.2", "lua5.1"];

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    // Compression.
    either("zlib.h", &["zlib"], &["z"]),
    either("bzlib.h", &["bzip2"], &["bz2"]),
    either("lzma.h", &["liblzma"], &["lzma"]),
    either("zstd.h", &["libzstd"], &["zstd"]),
    either("lz4.h", &["liblz4"], &["lz4"]),
    either("lz4frame.h", &["liblz4"], &["lz4"]),
    either("snappy.h", &["snappy"], &["snappy"]),
    package("brotli/encode.h", &["libbrotlienc"]),
    package("brotli/", &["libbrotlidec"]),
    either("zip.h", &["libzip"], &["zip"]),
    either("archive.h", &["libarchive"], &["archive"]),
    // Data.
    either("sqlite3.h", &["sqlite3"], &["sqlite3"]),
    either("expat.h", &["expat"], &["expat"]),
    package("libxml/", &["libxml-2.0"]),
    package("libxslt/", &["libxslt"]),
    either("yaml.h", &["yaml-0.1"], &["yaml"]),
    package("yaml-cpp/", &["yaml-cpp"]),
    package("json-c/", &["json-c"]),
    either("jansson.h", &["jansson"], &["jansson"]),
    package("cjson/", &["libcjson"]),
    either("tinyxml2.h", &["tinyxml2"], &["tinyxml2"]),
    either("libpq-fe.h", &["libpq"], &["pq"]),
    either("mysql.h", &["libmariadb", "mysqlclient"], &["mysqlclient"]),
    package("mysql/", &["libmariadb", "mysqlclient"]),
    either("lmdb.h", &["lmdb"], &["lmdb"]),
    either("hdf5.h", &["hdf5"], &["hdf5"]),
    package("google/protobuf/", &["protobuf"]),
    package("leveldb/", &["leveldb"]),
    // Network and cryptography.
    package("curl/", &["libcurl"]),
    package("openssl/", &["openssl"]),
    package("gnutls/", &["gnutls"]),
    either("gcrypt.h", &["libgcrypt"], &["gcrypt"]),
    either("sodium.h", &["libsodium"], &["sodium"]),
    package("nettle/", &["nettle"]),
    either("zmq.h", &["libzmq"], &["zmq"]),
    either("zmq.hpp", &["libzmq"], &["zmq"]),
    either("uv.h", &["libuv"], &["uv"]),
    package("event2/", &["libevent"]),
    either("ev.h", &["libev"], &["ev"]),
    package("libssh/", &["libssh"]),
    either("libssh2.h", &["libssh2"], &["ssh2"]),
    package("nghttp2/", &["libnghttp2"]),
    package("microhttpd.h", &["libmicrohttpd"]),
    either("git2.h", &["libgit2"], &["git2"]),
    either("pcap.h", &["libpcap"], &["pcap"]),
    package("pcap/", &["libpcap"]),
    package("libusb-1.0/", &["libusb-1.0"]),
    package("libusb.h", &["libusb-1.0"]),
    // Pictures and fonts.
    package("png.h", &["libpng", "libpng16"]),
    either("jpeglib.h", &["libjpeg"], &["jpeg"]),
    either("turbojpeg.h", &["libturbojpeg"], &["turbojpeg"]),
    either("tiffio.h", &["libtiff-4"], &["tiff"]),
    plain("gif_lib.h", &["gif"]),
    package("webp/", &["libwebp"]),
    package("ft2build.h", &["freetype2"]),
    package("freetype2/", &["freetype2"]),
    package("freetype/", &["freetype2"]),
    package("fontconfig/", &["fontconfig"]),
    package("hb.h", &["harfbuzz"]),
    package("cairo.h", &["cairo"]),
    package("cairo/", &["cairo"]),
    package("pango/", &["pango"]),
    package("opencv2/", &["opencv4", "opencv"]),
    package("libavcodec/", &["libavcodec"]),
    package("libavformat/", &["libavformat"]),
    package("libavutil/", &["libavutil"]),
    package("libswscale/", &["libswscale"]),
    // Windows, graphics and sound.
    package("SDL2/", &["sdl2"]),
    package("SDL3/", &["sdl3"]),
    package("SDL.h", &["sdl2", "sdl"]),
    package("SDL_image.h", &["SDL2_image"]),
    package("SDL_ttf.h", &["SDL2_ttf"]),
    package("SDL_mixer.h", &["SDL2_mixer"]),
    package("SFML/Graphics.hpp", &["sfml-graphics"]),
    package("SFML/Window.hpp", &["sfml-window"]),
    package("SFML/Audio.hpp", &["sfml-audio"]),
    package("SFML/Network.hpp", &["sfml-network"]),
    package("SFML/System.hpp", &["sfml-system"]),
    package("GL/glew.h", &["glew"]),
    package("GL/glu.h", &["glu"]),
    either("GL/glut.h", &["glut", "freeglut"], &["glut"]),
    package("GL/freeglut.h", &["glut", "freeglut"]),
    package("GL/glx.h", &["gl", "x11"]),
    package("GL/", &["gl"]),
    package("EGL/", &["egl"]),
    package("GLES2/", &["glesv2"]),
    package("GLES3/", &["glesv2"]),
    package("GLFW/", &["glfw3"]),
    package("vulkan/", &["vulkan"]),
    package("X11/Xft/", &["xft"]),
    package("X11/extensions/Xrender.h", &["xrender"]),
    package("X11/extensions/Xfixes.h", &["xfixes"]),
    package("X11/extensions/Xrandr.h", &["xrandr"]),
    package("X11/extensions/Xinerama.h", &["xinerama"]),
    package("X11/extensions/XInput2.h", &["xi"]),
    package("X11/extensions/scrnsaver.h", &["xscrnsaver"]),
    package("X11/extensions/", &["xext"]),
    package("X11/Intrinsic.h", &["xt"]),
    package("X11/", &["x11"]),
    package("xcb/", &["xcb"]),
    package("wayland-client.h", &["wayland-client"]),
    package("xkbcommon/", &["xkbcommon"]),
    package("gtk/", &["gtk4", "gtk+-3.0"]),
    package("glib.h", &["glib-2.0"]),
    package("glib/", &["glib-2.0"]),
    package("glib-object.h", &["gobject-2.0"]),
    package("gio/", &["gio-2.0"]),
    package("gst/", &["gstreamer-1.0"]),
    package("AL/", &["openal"]),
    package("alsa/", &["alsa"]),
    package("pulse/", &["libpulse"]),
    package("portaudio.h", &["portaudio-2.0"]),
    package("sndfile.h", &["sndfile"]),
    package("vorbis/", &["vorbis"]),
    package("ogg/", &["ogg"]),
    package("opus/", &["opus"]),
    package("ode/", &["ode"]),
    package("bullet/", &["bullet"]),
    package("btBulletDynamicsCommon.h", &["bullet"]),
    package("box2d/", &["box2d"]),
    // Mathematics.
    either("gmp.h", &["gmp"], &["gmp"]),
    either("gmpxx.h", &["gmpxx"], &["gmpxx", "gmp"]),
    either("mpfr.h", &["mpfr"], &["mpfr"]),
    either("mpc.h", &["mpc"], &["mpc"]),
    either("fftw3.h", &["fftw3"], &["fftw3"]),
    package("gsl/", &["gsl"]),
    either("cblas.h", &["cblas", "openblas", "blas"], &["cblas"]),
    either("lapacke.h", &["lapacke"], &["lapacke"]),
    package("Eigen/", &["eigen3"]),
    either("z3.h", &["z3"], &["z3"]),
    either("z3++.h", &["z3"], &["z3"]),
    // Terminal, text and system.
    either("ncurses.h", &["ncurses"], &["ncurses"]),
    either("curses.h", &["ncurses"], &["ncurses"]),
    package("ncursesw/", &["ncursesw"]),
    either("panel.h", &["panel"], &["panel"]),
    either("menu.h", &["menu"], &["menu"]),
    either("form.h", &["form"], &["form"]),
    either("readline/readline.h", &["readline"], &["readline"]),
    either("readline/history.h", &["readline"], &["readline"]),
    either("histedit.h", &["libedit"], &["edit"]),
    package("uuid/", &["uuid"]),
    either("magic.h", &["libmagic"], &["magic"]),
    package("unicode/", &["icu-i18n", "icu-uc"]),
    either("pcre.h", &["libpcre"], &["pcre"]),
    either("pcre2.h", &["libpcre2-8"], &["pcre2-8"]),
    package("fmt/", &["fmt"]),
    package("spdlog/", &["spdlog"]),
    package("gtest/", &["gtest"]),
    package("gmock/", &["gmock"]),
    package("benchmark/", &["benchmark"]),
    either("ffi.h", &["libffi"], &["ffi"]),
    package("lua.h", LUA),
    package("lauxlib.h", LUA),
    package("lualib.h", LUA),
    package("lua.hpp", LUA),
    package("luajit.h", &["luajit"]),
    package("tcl.h", &["tcl", "tcl8.6"]),
    package("tk.h", &["tk", "tk8.6"]),
    package("Python.h", &["python3-embed", "python3"]),
    package("systemd/", &["libsystemd"]),
    package("libudev.h", &["libudev"]),
    package("dbus/", &["dbus-1"]),
    package("fuse.h", &["fuse", "fuse3"]),
    package("libelf.h", &["libelf"]),
    package("gelf.h", &["libelf"]),
    plain("crypt.h", &["crypt"]),
    plain("numa.h", &["numa"]),
    plain("libunwind.h", &["unwind"]),
    // The C library's own parts: separate libraries on some systems, stubs on others.
    plain("math.h", &["m"]),
    plain("complex.h", &["m"]),
    plain("tgmath.h", &["m"]),
    plain("fenv.h", &["m"]),
    plain("dlfcn.h", &["dl"]),
    plain("mqueue.h", &["rt"]),
    plain("aio.h", &["rt"]),
    plain("resolv.h", &["resolv"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_hides_a_later_one() {
        for entry in KNOWN {
            let header = match entry.header.strip_suffix('/') {
                Some(folder) => format!("{folder}/any.h"),
                None => entry.header.to_owned(),
            };
            assert_eq!(known(&header).map(|found| found.header), Some(entry.header));
            assert!(!entry.packages.is_empty() || !entry.libs.is_empty());
        }
        assert!(known("zlib.hpp").is_none() && known("GLX").is_none());
    }
}
