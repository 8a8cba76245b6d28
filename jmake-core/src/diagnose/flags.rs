//! A flag that the compiler refuses, and the key that holds it.

use crate::cause::{Advice, Cause};
use crate::event::Diagnostic;
use crate::manifest::Manifest;

/// The flags that clang refuses in `text`, each with where the manifest has it; one that the
/// manifest does not have is left to the tool's own words.
pub fn refused_flags(manifest: &Manifest, text: &str) -> Vec<Diagnostic> {
    let refused = text.lines().filter_map(|line| Some((line, refused(line)?)));
    refused.filter_map(|(line, word)| held_by(manifest, line, word)).collect()
}

/// The word that a line complains about.
fn refused(line: &str) -> Option<&str> {
    let rest = line.split("error: ").nth(1)?;
    let starts = [
        "unknown argument",
        "unsupported option",
        "invalid value",
        "unsupported argument",
        "unknown target",
        "unknown warning option",
        "argument unused during compilation",
        "optimization flag",
        "no such file or directory: ",
        "invalid argument",
        "the clang compiler does not support",
    ];
    starts.iter().find(|start| rest.starts_with(**start))?;
    // What is refused is named last where a value is named before (`invalid value 'x' in '-std=x'`).
    let mut quoted = rest.split('\'').skip(1).step_by(2);
    let first = quoted.next()?;
    Some(quoted.find(|word| word.starts_with('-') && word.contains(first)).unwrap_or(first))
}

fn held_by(manifest: &Manifest, line: &str, word: &str) -> Option<Diagnostic> {
    // A value may be refused without the flag it stands in: `unknown target CPU 'x'` of `-march=x`.
    let is_meant = |value: &str| {
        value == word
            || ["-march=", "-mcpu=", "-mtune="].iter().any(|flag| value.strip_prefix(flag) == Some(word))
    };
    let (key, at) = settings(manifest).find(|(_, value)| is_meant(value))?;
    let reason = line.split("error: ").nth(1).unwrap_or(line);
    let suggested = reason.split("did you mean '").nth(1).and_then(|rest| rest.split('\'').next());
    let shown = key.split('.').filter(|part| part.parse::<usize>().is_err()).collect::<Vec<_>>().join(".");
    let problem =
        Diagnostic::error(format!("the compiler refuses `{at}` of `{shown}`")).in_file(&manifest.file);
    let hint = match suggested {
        Some(better) => format!("did you mean `{better}`"),
        None => format!("change or remove it: `jmake config get {shown}`"),
    };
    let problem = problem.advised(Advice::new(Cause::FlagRefused, hint));
    let list = key.rsplit_once('.').map_or(&*key, |(list, _)| list);
    Some(match manifest.line(&key).or_else(|| manifest.line(list)) {
        Some(line) => problem.at_line(line),
        None => problem,
    })
}

/// Every setting that becomes a flag: its key and the flag, or the name by which clang refuses it.
pub(super) fn settings(manifest: &Manifest) -> impl Iterator<Item = (String, String)> {
    let compile = &manifest.compile;
    let mut all: Vec<(String, String)> = Vec::new();
    let mut list = |key: &str, flags: &[String]| {
        all.extend(flags.iter().enumerate().map(|(at, flag)| (format!("{key}.{at}"), flag.clone())));
    };
    list("compile.flags", &compile.flags);
    list("compile.c_flags", &compile.c_flags);
    list("compile.cxx_flags", &compile.cxx_flags);
    for (name, table) in &manifest.profiles {
        list(&format!("profile.{name}.flags"), &table.flags);
    }
    for (at, target) in manifest.targets.iter().enumerate() {
        list(&format!("target.{at}.flags"), &target.flags);
    }
    let stds = [("compile.std", &compile.std), ("compile.c_std", &compile.c_std)];
    let stds =
        stds.into_iter().filter_map(|(key, std)| Some((key.to_owned(), format!("-std={}", std.as_ref()?))));
    all.extend(stds);
    let machine = &manifest.machine;
    // With `[[target]]`s the machine is `[machine]`.
    let table = if manifest.targets.is_empty() { "target" } else { "machine" };
    all.extend(machine.triple.iter().map(|triple| (format!("{table}.triple"), triple.clone())));
    all.extend(machine.cpu.iter().map(|cpu| (format!("{table}.cpu"), cpu.clone())));
    for (at, feature) in machine.features.iter().enumerate() {
        let flag = match feature.strip_prefix('-') {
            Some(name) => format!("-mno-{name}"),
            None => format!("-m{}", feature.trim_start_matches('+')),
        };
        all.push((format!("{table}.features.{at}"), flag));
    }
    for (name, table) in &manifest.profiles {
        let sanitize =
            (!table.sanitize.is_empty()).then(|| format!("-fsanitize={}", table.sanitize.join(",")));
        all.extend(sanitize.map(|flag| (format!("profile.{name}.sanitize"), flag)));
    }
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_its_line_are_named() {
        let text = "[compile]\nstd = 'c++99'\nflags = [\n  '-fblah',\n  '-msve',\n  '-march=bar',\n]\n[target]\ncpu = 'foo'\n";
        let (manifest, _) = Manifest::parse(text, "jmake.toml");
        for (output, line, message) in [
            ("error: invalid value 'c++99' in '-std=c++99'", 2, "`-std=c++99` of `compile.std`"),
            ("clang-19: error: unknown argument: '-fblah'", 4, "`-fblah` of `compile.flags`"),
            (
                "clang: error: unknown argument '-msve'; did you mean '-mspe'?",
                5,
                "`-msve` of `compile.flags`",
            ),
            ("error: unknown target CPU 'bar'", 6, "`-march=bar` of `compile.flags`"),
            ("error: unknown target CPU 'foo'", 9, "`foo` of `target.cpu`"),
        ] {
            let found = refused_flags(&manifest, output);
            let [one] = &found[..] else { panic!("{output}: {found:?}") };
            assert!(one.message.ends_with(message), "{}", one.message);
            assert_eq!(one.line, Some(line), "{output}");
        }
        assert!(refused_flags(&manifest, "a.c:1:2: error: unknown type name 'foo'").is_empty());
        assert!(refused_flags(&manifest, "clang: error: unknown argument: '-fother'").is_empty());
    }
}
