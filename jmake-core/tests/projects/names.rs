//! Names that are no text, or look like something else to a program.

use crate::project;

#[test]
fn folders_and_sources_of_any_name() {
    let names: [&[u8]; 6] = [b"-I", b"@file", b"caf\xe9", b"a b", b"$HOME", b"q\"uote"];
    for name in names {
        let source = [name, b"/src.cpp"].concat();
        let user = b"zz/user.cpp".to_vec();
        let header = [name, b"/include/only_here.h"].concat();
        let files = [
            (source, "#include \"only_here.h\"\nint one() { return ONE; }\n"),
            (user, "#include <only_here.h>\nint two() { return ONE; }\n"),
            (header, "#define ONE 1\n"),
        ];
        let Some(project) = project(&files) else { return };
        project.builds();
    }
}

#[test]
fn sources_that_look_like_options() {
    let files = [("-o.c", "int one(void) { return 1; }\n"), ("@two.c", "int two(void) { return 2; }\n")];
    let Some(project) = project(&files) else { return };
    assert_eq!(project.builds().built.compiled, 2);
}
