//! `file(…)`, `configure_file(…)` and `aux_source_directory(…)`.
//!
//! Nothing is written: what a description writes into its build folder is kept in memory, where
//! it can be read and included again.

use super::Reader;
use crate::cmake::Configured;
use crate::cmake::substitute::names_in;
use crate::cmake::text::{list, path};
use crate::path::FilePath;
use std::sync::Arc;

/// Files that are taken apart are never larger in real projects.
const LARGEST_READ: usize = 16 << 20;
/// What it costs to prepare a pattern for names, as so many bytes.
const PATTERN: usize = 50_000;

impl Reader<'_> {
    /// Runs `file(…)`.
    pub(super) fn file(&mut self, args: &[String]) {
        let Some((operation, rest)) = args.split_first() else { return };
        match (&**operation, rest) {
            ("GLOB" | "GLOB_RECURSE", [out, patterns @ ..]) => {
                self.glob(out, patterns, operation == "GLOB_RECURSE");
            }
            ("READ", [file, out, options @ ..]) => self.file_read(file, out, options),
            ("STRINGS", [file, out, options @ ..]) => self.file_strings(file, out, options),
            ("WRITE", [file, text @ ..]) => self.file_write(file, text.concat(), false),
            ("APPEND", [file, text @ ..]) => self.file_write(file, text.concat(), true),
            ("TOUCH" | "TOUCH_NOCREATE", files) => {
                for file in files {
                    self.file_write(file, String::new(), true);
                }
            }
            ("GENERATE", options) => self.file_generate(options),
            ("CONFIGURE", options) => self.file_configure(options),
            ("COPY", _) => self.file_copy(rest),
            ("COPY_FILE" | "CREATE_LINK", [from, to, ..]) => {
                let from = self.in_source(from);
                if let Some(content) = self.content(&from) {
                    self.keep_file(&self.in_binary(to), content);
                }
            }
            ("RENAME", [from, to, ..]) => self.file_rename(from, to),
            ("RELATIVE_PATH", [out, base, file]) => self.set(out, path::relative(base, file)),
            ("REAL_PATH", [file, out, options @ ..]) => {
                let base = options.iter().position(|word| word == "BASE_DIRECTORY");
                let base = base.and_then(|at| options.get(at + 1)).cloned();
                let base = base.unwrap_or_else(|| self.source_dir().to_owned());
                self.set(out, path::absolute(&base, file));
            }
            ("TO_CMAKE_PATH", [text, out]) => self.set(out, text.replace(':', ";")),
            ("TO_NATIVE_PATH", [text, out]) => self.set(out, text),
            ("SIZE", [file, out]) => {
                let size = self.content(&self.in_source(file)).map_or(0, |content| content.len());
                self.set(out, size.to_string());
            }
            ("MD5" | "SHA1" | "SHA224" | "SHA256" | "SHA384" | "SHA512", [file, out]) => {
                let content = self.content(&self.in_source(file)).unwrap_or_default();
                self.set(out, crate::digest::Digest::of(&content).to_string());
            }
            ("TIMESTAMP", [_, out, ..]) => self.set(out, ""),
            ("MAKE_DIRECTORY", folders) => folders.iter().for_each(|folder| self.make_folder(folder)),
            // A description that tidies up does so for good; here a file stays where it is.
            ("REMOVE" | "REMOVE_RECURSE" | "INSTALL" | "CHMOD" | "LOCK", _) => {}
            _ => self.note(format!("`file({operation})` is not followed")),
        }
    }

    fn glob(&mut self, out: &str, args: &[String], recursive: bool) {
        let mut relative = None;
        let mut patterns = Vec::new();
        let mut words = args.iter();
        while let Some(word) = words.next() {
            match &**word {
                "RELATIVE" => relative = words.next(),
                "LIST_DIRECTORIES" => {
                    words.next();
                }
                "CONFIGURE_DEPENDS" | "FOLLOW_SYMLINKS" => {}
                pattern => patterns.push(self.in_source(pattern)),
            }
        }
        let mut found = Vec::new();
        for pattern in &patterns {
            let mut files = self.matching(pattern, recursive);
            files.sort();
            found.extend(files);
        }
        list::remove_duplicates(&mut found);
        if let Some(base) = relative {
            found.iter_mut().for_each(|file| *file = path::relative(base, file));
        }
        self.set(out, list::join(&found));
    }

    /// The files that match a pattern: those in its folder, or with `recursive` below it.
    fn matching(&mut self, pattern: &str, recursive: bool) -> Vec<String> {
        let special = |part: &&str| part.contains(['*', '?', '[']);
        let folder = path::directory(pattern);
        let fixed: Vec<&str> = folder.split('/').take_while(|part| !special(part)).collect();
        let base = fixed.join("/");
        // Where the folder itself is fixed, the rest of the pattern is only about names.
        let name_pattern = if recursive && base == folder { path::name(pattern) } else { pattern };
        let by_name = name_pattern.len() != pattern.len();
        self.spend(PATTERN + name_pattern.len() * 100);
        let Some(glob) = path::glob(name_pattern) else { return Vec::new() };
        let matches = |file: &str| glob.is_match(if by_name { path::name(file) } else { file });
        let files = self.files_below(&path::file_path(&base));
        // Each is looked at, however few match.
        self.spend(files.len() * 256);
        files.iter().map(path::of).filter(|file| matches(file)).collect()
    }

    fn files_below(&mut self, dir: &FilePath) -> Vec<FilePath> {
        let mut files: Vec<FilePath> =
            self.out.written.keys().filter(|file| file.starts_with(dir)).cloned().collect();
        if !dir.is_absolute() && !dir.starts_with(&self.place.build) {
            self.globbed.insert(dir.clone());
            let below = self.files.below(dir);
            files.extend(below.into_iter().filter(|file| !file.starts_with(&self.place.build)));
        }
        self.spend(files.len() * 50);
        files
    }

    /// Runs `aux_source_directory(…)`.
    pub(super) fn aux_source_directory(&mut self, args: &[String]) {
        let [dir, out] = args else { return };
        let folder = path::file_path(&self.in_source(dir));
        let sources = ["c", "cc", "cpp", "cxx", "c++", "C", "m", "mm", "M", "cu"];
        let is_source = |file: &FilePath| {
            let extension = file.extension().map(String::from_utf8_lossy);
            extension.is_some_and(|extension| sources.contains(&&*extension))
        };
        let files = self.files_below(&folder);
        let here = files.iter().filter(|file| file.parent().as_ref() == Some(&folder) && is_source(file));
        let named = here.map(|file| {
            let name = String::from_utf8_lossy(file.file_name());
            if dir == "." { name.into_owned() } else { format!("{dir}/{name}") }
        });
        let mut items = list::split(&self.value(out), false);
        items.extend(named);
        self.set(out, list::join(&items));
    }

    fn text_of(&mut self, file: &str) -> Option<String> {
        let absolute = self.in_source(file);
        let content = self.content(&absolute)?;
        self.spend(content.len());
        let content = &content[..content.len().min(LARGEST_READ)];
        Some(String::from_utf8_lossy(content).into_owned())
    }

    fn file_read(&mut self, file: &str, out: &str, options: &[String]) {
        let number = |key: &str| {
            let at = options.iter().position(|word| word == key)?;
            options.get(at + 1)?.parse::<usize>().ok()
        };
        let Some(text) = self.text_of(file) else {
            self.note(format!("`{file}` to read is not there"));
            return self.set(out, "");
        };
        let rest = text.as_bytes().get(number("OFFSET").unwrap_or(0)..).unwrap_or(&[]);
        let part = &rest[..number("LIMIT").unwrap_or(rest.len()).min(rest.len())];
        if options.iter().any(|word| word == "HEX") {
            self.spend(part.len() * 4);
            return self.set(out, part.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        }
        self.set(out, String::from_utf8_lossy(part));
    }

    fn file_strings(&mut self, file: &str, out: &str, options: &[String]) {
        let after = |key: &str| {
            let at = options.iter().position(|word| word == key)?;
            options.get(at + 1).cloned()
        };
        let Some(text) = self.text_of(file) else {
            self.note(format!("`{file}` to read is not there"));
            return self.set(out, "");
        };
        let number = |key: &str| after(key).and_then(|count| count.parse::<usize>().ok());
        let most = number("LIMIT_COUNT").filter(|&count| count > 0).unwrap_or(usize::MAX);
        let shortest = number("LENGTH_MINIMUM").unwrap_or(1);
        let regex = match after("REGEX") {
            Some(pattern) => match self.pattern(&pattern) {
                Some(regex) => Some(regex),
                None => return self.set(out, ""),
            },
            None => None,
        };
        self.spend(text.len() * 4);
        let mut lines = Vec::new();
        for line in text.lines().map(|line| line.trim_end_matches('\r')) {
            let captures = regex.as_ref().map(|regex| regex.captures(line));
            if line.len() < shortest || matches!(captures, Some(None)) {
                continue;
            }
            if let Some(Some(captures)) = captures {
                self.set_matches(&captures);
            }
            // Semicolons of a line do not divide it.
            lines.push(line.replace(';', "\\;"));
            if lines.len() >= most {
                break;
            }
        }
        self.set(out, list::join(&lines));
    }

    fn file_write(&mut self, file: &str, text: String, append: bool) {
        let absolute = self.in_binary_or_source(file);
        let mut bytes = text.into_bytes();
        if append && let Some(old) = self.content(&absolute) {
            self.spend(old.len());
            bytes.splice(0..0, old.iter().copied());
        }
        self.keep_file(&absolute, bytes.into());
    }

    /// Relative files are taken from the source folder by some commands; in the build folder is
    /// where something may be written.
    fn in_binary_or_source(&self, file: &str) -> String {
        if path::is_absolute(file) { path::normal(file) } else { self.in_source(file) }
    }

    /// Remembers what a description writes.  What it does outside its build folder counts for
    /// what it reads later, but stays out of the result.
    fn keep_file(&mut self, absolute: &str, content: Arc<[u8]>) {
        let file = path::file_path(absolute);
        if file.is_absolute() || !self.keep(content.len() + absolute.len()) {
            return;
        }
        if !file.starts_with(&self.place.build) && self.files.is_file(&file) {
            return self.note(format!("`{file}` of the project would be written over; that is left out"));
        }
        self.out.written.insert(file, content);
    }

    /// Remembers a folder that is made in the build folder: a name may climb from there.
    fn make_folder(&mut self, folder: &str) {
        let folder = path::file_path(&self.in_source(folder));
        if folder.starts_with(&self.place.build) && self.keep(folder.as_bytes().len()) {
            self.out.folders.push(folder);
        }
    }

    fn file_generate(&mut self, options: &[String]) {
        let after = |key: &str| {
            let at = options.iter().position(|word| word == key)?;
            options.get(at + 1).cloned()
        };
        let Some(output) = after("OUTPUT") else { return };
        let content = match (after("CONTENT"), after("INPUT")) {
            (Some(content), _) => content,
            (None, Some(input)) => self.text_of(&input).unwrap_or_default(),
            _ => return,
        };
        let output = self.model_text(&output);
        let content = self.model_text(&content);
        self.keep_file(&self.in_binary(&output), content.into_bytes().into());
    }

    /// `text` with generator expressions evaluated outside of any target.
    fn model_text(&mut self, text: &str) -> String {
        self.spend(text.len());
        let context = crate::cmake::model::genex::Context::of(self, None, false);
        crate::cmake::model::genex::evaluate(text, &context)
    }

    fn file_configure(&mut self, options: &[String]) {
        let after = |key: &str| {
            let at = options.iter().position(|word| word == key)?;
            options.get(at + 1).cloned()
        };
        let (Some(output), Some(content)) = (after("OUTPUT"), after("CONTENT")) else { return };
        let text = self.configured(content.as_bytes(), options.iter().any(|word| word == "@ONLY"));
        self.keep_file(&self.in_binary(&output), text.into());
    }

    /// `file(COPY files… DESTINATION dir)`, for single files.
    fn file_copy(&mut self, args: &[String]) {
        let Some(at) = args.iter().position(|word| word == "DESTINATION") else { return };
        let Some(to) = args.get(at + 1).map(|dir| self.in_binary(dir)) else { return };
        for file in &args[..at] {
            let from = self.in_source(file);
            if self.file_exists(&from) {
                self.configured_file(&from, &format!("{to}/{}", path::name(file)), true, false);
            }
        }
    }

    /// What the description itself wrote can have another name; the project's files keep theirs.
    fn file_rename(&mut self, from: &str, to: &str) {
        let from = path::file_path(&self.in_source(from));
        match self.out.written.remove(&from) {
            Some(content) => self.keep_file(&self.in_source(to), content),
            None => self.note(format!("`{from}` of the project would be renamed; that is left out")),
        }
    }

    /// Runs `configure_file(…)`.
    pub(super) fn configure_file(&mut self, args: &[String]) {
        let [input, output, options @ ..] = args else { return };
        let input = self.in_source(input);
        let mut output = self.in_binary(output);
        let as_folder = args[1].ends_with('/') || self.model.dirs.iter().any(|dir| dir.binary == output);
        if as_folder {
            output = format!("{output}/{}", path::name(&input));
        }
        let has = |key: &str| options.iter().any(|word| word == key);
        self.configured_file(&input, &output, has("COPYONLY"), has("@ONLY"));
    }

    pub(super) fn configured_file(&mut self, input: &str, output: &str, copy_only: bool, at_only: bool) {
        let Some(content) = self.content(input) else {
            return self.note(format!("the template `{}` is not there", path::file_path(input)));
        };
        self.spend(content.len() * 8);
        let mut variables = std::collections::BTreeMap::new();
        let made: Arc<[u8]> = if copy_only {
            content
        } else {
            for name in names_in(&content, at_only) {
                if let Some(value) = self.defined_value(&name) {
                    if !self.keep(name.len() + value.len()) {
                        return;
                    }
                    variables.insert(name, value);
                }
            }
            self.configured(&content, at_only).into()
        };
        self.keep_file(output, made);
        let (input, output) = (path::file_path(input), path::file_path(output));
        self.spend(self.out.configured.len() * 16);
        self.out.configured.retain(|known| known.output != output);
        self.out.configured.push(Configured { input, output, copy_only, at_only, variables });
    }
}
