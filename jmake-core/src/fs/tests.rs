use super::*;

#[test]
fn files_are_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    for len in [0, 1, 4096, 100_000] {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        write(&file, &bytes).unwrap();
        assert_eq!(read(&file).unwrap(), bytes, "{len}");
    }
    assert_eq!(read(dir.path()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(read(&dir.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
}

/// Its size is said to be 0.
#[cfg(target_os = "linux")]
#[test]
fn what_has_no_size_is_read_whole() {
    let text = read(Path::new("/proc/self/mountinfo")).unwrap();
    assert!(!text.is_empty() && text.ends_with(b"\n"), "{}", String::from_utf8_lossy(&text));
}

/// It may have come after it was last seen to be a file.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_refused_and_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    make_fifo(&pipe).unwrap();
    for refused in [read(&pipe), read_file(&pipe)] {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
