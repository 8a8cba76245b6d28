//! What `string`, `list`, `math` and their kin do to values: functions from text to text.

pub(super) mod list;
pub(super) mod math;
pub(super) mod path;
pub(super) mod regex;
pub(super) mod version;

#[cfg(test)]
mod tests;

/// Whether a value is one of the constants that are true.
pub(super) fn is_true_constant(text: &str) -> bool {
    ["1", "on", "yes", "true", "y"].iter().any(|word| text.eq_ignore_ascii_case(word))
        || text.parse::<f64>().is_ok_and(|number| number != 0.0 && starts_like_a_number(text))
}

/// Whether a value is one of the constants that are false.
pub(super) fn is_false_constant(text: &str) -> bool {
    ["", "0", "off", "no", "false", "n", "ignore", "notfound"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
        || text.ends_with("-NOTFOUND")
        || text.parse::<f64>().is_ok_and(|number| number == 0.0 && starts_like_a_number(text))
}

/// Rust reads `inf` and `nan` as numbers too.
fn starts_like_a_number(text: &str) -> bool {
    text.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

/// `text` with everything but letters, digits and `_` replaced by `_`.
pub(super) fn c_identifier(text: &str) -> String {
    let mut out: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

/// Divides a command line into words as a Unix shell does, without expanding anything.
pub(super) fn shell_words(text: &str) -> Vec<String> {
    shlex::split(text).unwrap_or_else(|| text.split_ascii_whitespace().map(str::to_owned).collect())
}
