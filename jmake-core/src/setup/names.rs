//! Names for libraries, made from whatever a folder is called.

/// `name` made a valid C identifier, so that it can name a library, a header and functions:
/// what cannot stand in one becomes `_`, runs of it a single one.  Never empty: a name without
/// anything to keep gives `project`.
pub fn library_ident(name: &str) -> String {
    let mut ident = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            ident.push(c);
        } else if !ident.ends_with('_') {
            ident.push('_');
        }
    }
    // An underscore the user wrote at either end is dropped with the rest: `_x` is reserved in C.
    let ident = ident.trim_matches('_');
    match ident.bytes().next() {
        None => "project".to_owned(),
        Some(b'0'..=b'9') => format!("_{ident}"),
        Some(_) => ident.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn idents() {
        for (name, ident) in [
            ("my-lib 2", "my_lib_2"),
            ("2d", "_2d"),
            ("", "project"),
            ("/", "project"),
            ("...", "project"),
            ("größe", "gr_e"),
            ("a.b", "a_b"),
            ("math/", "math"),
            ("simple_math", "simple_math"),
            ("x\n$(y)", "x_y"),
        ] {
            assert_eq!(library_ident(name), ident, "{name}");
        }
    }

    proptest! {
        #[test]
        fn always_an_identifier(name in any::<String>()) {
            let ident = library_ident(&name);
            prop_assert!(!ident.is_empty() && !ident.starts_with(|c: char| c.is_ascii_digit()));
            prop_assert!(ident.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            let again = library_ident(&ident);
            prop_assert_eq!(again, ident);
        }
    }
}
