//! Tests of the language's grammar and of expansion.

use super::expand::{Domain, bind, expand};
use super::parse::{Form, parse};
use super::program::Program;
use crate::path::FilePath;

/// Each command as `name(form:text …)`, with `u`, `q` and `b` for the forms.
fn shown(text: &str) -> String {
    let commands = parse(text.as_bytes()).commands.into_iter().map(|command| {
        let args = command.args.iter().map(|arg| {
            let form = match arg.form {
                Form::Unquoted => 'u',
                Form::Quoted => 'q',
                Form::Bracket => 'b',
            };
            format!("{form}:{}", arg.text)
        });
        format!("{}({})", command.name, args.collect::<Vec<_>>().join(" "))
    });
    commands.collect::<Vec<_>>().join(" ")
}

#[test]
fn grammar() {
    for (text, expect) in [
        ("Set(A b)", "set(u:A u:b)"),
        ("set (A\n  b # c\n  \"d e\")", "set(u:A u:b q:d e)"),
        ("a()#x\nb()", "a() b()"),
        ("#[[ a(\n]] b()", "b()"),
        ("#[==[ ]] a( ]==]\nb()", "b()"),
        ("a([[x]] [=[\ny]]z]=])", "a(b:x b:y]]z)"),
        ("a([x] [y]])", "a(u:[x] u:[y]])"),
        ("a(\"x\\\ny\")", "a(q:xy)"),
        ("a(\"x\\\"y\")", "a(q:x\\\"y)"),
        ("a(-D=\"b c\")", "a(u:-D=\"b c\")"),
        ("a(x\"y\nz\")", "a(u:x q:y\nz)"),
        ("a(b\\ c\\;d)", "a(u:b\\ c\\;d)"),
        ("a(x$(MAKE)y)", "a(u:x$(MAKE)y)"),
        ("if(NOT (A AND (B)))", "if(u:NOT u:( u:A u:AND u:( u:B u:) u:))"),
        ("\u{feff}a()", "a()"),
    ] {
        assert_eq!(shown(text), expect, "{text}");
    }
}

#[test]
fn errors_do_not_end_the_reading() {
    let parsed = parse(b"a()\n)(\nb\nc(\"\nd()\n");
    let names: Vec<&str> = parsed.commands.iter().map(|command| &*command.name).collect();
    assert_eq!(names, ["a", "d"]);
    let lines: Vec<u32> = parsed.errors.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 4]);
    assert_eq!(parse(b"a(\nb(\nc()\n").commands.len(), 1);
}

#[test]
fn much_without_end_is_given_up() {
    for line in ["a(\n", "a([[\n", "[[ ", "a(\"\n", "#[[\n"] {
        let parsed = parse(line.repeat(50_000).as_bytes());
        assert!(parsed.commands.len() <= 1, "{line}");
    }
}

#[test]
fn blocks_are_linked() {
    let text = b"if(A)\nforeach(x)\nendforeach()\nelseif(B)\nelse()\nb()\nendif()\nendwhile()\nwhile(C)\n";
    let program = Program::parse(FilePath::new("f"), text);
    let next: Vec<usize> = [0, 3, 4].iter().map(|&at| program.links[at].next).collect();
    assert_eq!(next, [3, 4, 6]);
    assert_eq!(program.links[3].end, 6);
    assert_eq!(program.links[1].end, 2);
    assert_eq!(program.links[5].parent, 1, "the `if`");
    assert_eq!(program.links[8].end, program.commands.len());
    assert_eq!(program.errors.len(), 2);
}

fn expanded(text: &str) -> String {
    let (out, _) = expand(text, 1000, &mut |domain, name, out| match (domain, name) {
        (Domain::Variable, "a") => out.push('b'),
        (Domain::Variable, "x") => out.push_str("1;2"),
        (Domain::Variable, "vb") => out.push_str("nested"),
        (Domain::Cache, "a") => out.push_str("cached"),
        _ => {}
    });
    out
}

#[test]
fn expansion() {
    for (text, expect) in [
        ("${a}", "b"),
        ("-${v${a}}-", "-nested-"),
        ("${none}", ""),
        ("$ENV{a}$CACHE{a}", "cached"),
        ("\\${a}", "${a}"),
        ("\\\\\\\"\\n\\t\\;", "\\\"\n\t\\;"),
        ("$a $<b> @a@", "$a $<b> @a@"),
        ("${a", "${a"),
        ("x}", "x}"),
        ("${v${a", "${v${a"),
        ("\\q", "\\q"),
        ("\\", "\\"),
        ("${x}", "1;2"),
    ] {
        assert_eq!(expanded(text), expect, "{text}");
    }
}

#[test]
fn long_values_are_cut() {
    let mut give = |_: Domain, _: &str, out: &mut String| out.push_str(&"é".repeat(600));
    let (out, over) = expand("${a}", 1001, &mut give);
    assert_eq!((out.len(), over), (1000, true));
}

#[test]
fn macros_bind_text() {
    let binding = |name: &str| (name == "a").then(|| "${b}".to_owned());
    assert_eq!(bind("x${a}${c}${${a}}", 100, &binding), "x${b}${c}${${b}}");
    assert_eq!(bind("${", 100, &binding), "${");
    assert_eq!(bind(&"${a".repeat(100_000), 1_000_000, &binding).len(), 300_000);
}
