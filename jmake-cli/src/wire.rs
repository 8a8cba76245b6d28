//! What goes over the daemon's socket: JSON-RPC 2.0, one message a line.
//!
//! The only module that frames.  Whoever reads is given whole lines of bounded length, whatever
//! the other side sends and in what pieces it comes; whoever writes gets lines that hold no line
//! break.  The protocol itself is described in `docs/protocol.md`.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// The most bytes a line may have.
pub const LIMIT: usize = 16 << 20;

/// How much is read at once.
const PIECE: usize = 1 << 16;

/// No JSON at all.
pub const PARSE: i64 = -32700;
/// JSON, but no request, or one out of turn.
pub const INVALID: i64 = -32600;
/// There is no such method.
pub const NO_METHOD: i64 = -32601;
/// The parameters are not those of the method.
pub const BAD_PARAMS: i64 = -32602;
/// The daemon itself is wrong.
pub const BUG: i64 = -32603;
/// The request could not be met; `data` says why.
pub const UNMET: i64 = -32000;
/// The two do not fit together: see [`Hello`].
pub const UNFIT: i64 = -32001;
/// The daemon is about to end.
pub const ENDING: i64 = -32002;
/// The answer has more than [`LIMIT`] bytes.
pub const TOO_LARGE: i64 = -32003;

/// A line has more than [`LIMIT`] bytes; nothing sensible can follow.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// Bytes as they come, lines as they are complete.
#[derive(Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the first line that has not been given begins.
    start: usize,
    /// How far a line's end has been looked for.
    looked: usize,
}

impl Lines {
    /// Adds what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.looked -= self.start;
        self.start = 0;
        if self.bytes.is_empty() && self.bytes.capacity() > PIECE {
            // One large message must not stay in memory for as long as the connection.
            self.bytes = Vec::new();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Reads once from `source`; 0 is its end.
    ///
    /// # Errors
    /// Those of `source`.
    pub fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        let count = source.read(&mut piece)?;
        self.push(&piece[..count]);
        Ok(count)
    }

    /// The next whole line, without its end.
    ///
    /// # Errors
    /// When it is too long, complete or not.
    pub fn take(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some(at) = self.bytes[self.looked..].iter().position(|&byte| byte == b'\n') else {
            self.looked = self.bytes.len();
            return if self.looked - self.start > LIMIT { Err(TooLong) } else { Ok(None) };
        };
        let (start, end) = (self.start, self.looked + at);
        (self.start, self.looked) = (end + 1, end + 1);
        if end - start > LIMIT { Err(TooLong) } else { Ok(Some(&self.bytes[start..end])) }
    }

    /// Whether a line has begun and not ended.
    pub fn is_partial(&self) -> bool {
        self.bytes.len() > self.start
    }
}

/// What a client says first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Which build of jmake the client is; only the command `jmake` says that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The project's root.
    #[serde(with = "jmake_core::portable")]
    pub root: std::path::PathBuf,
    /// The client's umask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub umask: Option<u32>,
    /// What a client's processes are limited by, in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
}

/// What a daemon answers to [`Hello`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Which build of jmake the daemon is.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The project's root.
    #[serde(with = "jmake_core::portable")]
    pub root: std::path::PathBuf,
    /// The daemon's process.
    pub pid: u32,
}

/// A request, or a notification when it has no `id`.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// By which the answer is known.
    pub id: Option<Value>,
    /// What to do.
    pub method: String,
    /// With what.
    pub params: Value,
}

/// Why a call has no result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Error {
    /// One of the numbers above.
    pub code: i64,
    /// For people.
    pub message: String,
    /// More, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Error {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), data: None }
    }
}

/// Reads a line that came to the daemon.
///
/// # Errors
/// When it is no call; with the `id` that the answer must bear.
pub fn call(line: &[u8]) -> Result<Call, (Value, Error)> {
    let value: Value = serde_json::from_slice(line)
        .map_err(|e| (Value::Null, Error::new(PARSE, format!("this is not JSON: {e}"))))?;
    let Value::Object(mut fields) = value else {
        return Err((Value::Null, Error::new(INVALID, "a message is one object")));
    };
    let id = fields.remove("id");
    if id.as_ref().is_some_and(|id| !id.is_null() && !id.is_string() && !id.is_number()) {
        return Err((Value::Null, Error::new(INVALID, "`id` must be a number or a text")));
    }
    let wrong = |why: &str| (id.clone().unwrap_or_default(), Error::new(INVALID, why));
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(wrong("`jsonrpc` must be `\"2.0\"`"));
    }
    let Some(Value::String(method)) = fields.remove("method") else {
        return Err(wrong("`method` must be a text"));
    };
    let params = fields.remove("params").unwrap_or_default();
    if !(params.is_null() || params.is_object() || params.is_array()) {
        return Err(wrong("`params` must be an object"));
    }
    Ok(Call { id, method, params })
}

/// A line that came to a client, whose results are `R`.
#[derive(Debug, Deserialize)]
pub struct Incoming<R> {
    /// Of an answer.
    #[serde(default)]
    pub id: Option<u64>,
    /// Of a notification.
    #[serde(default)]
    pub method: Option<String>,
    /// Of a notification.
    #[serde(default)]
    pub params: Option<Told>,
    /// Of an answer.
    #[serde(default = "Option::default")]
    pub result: Option<R>,
    /// Of an answer.
    #[serde(default)]
    pub error: Option<Error>,
}

/// What a notification to a client says.
#[derive(Debug, Deserialize)]
pub struct Told {
    /// Of which request.
    #[serde(default)]
    pub id: Option<u64>,
    /// What happened.
    #[serde(default)]
    pub event: Option<jmake_core::event::Event>,
}

/// A request as a line.
pub fn request(id: u64, method: &str, params: &impl Serialize) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

/// A notification as a line.
pub fn notification(method: &str, params: &impl Serialize) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

/// A result as a line; one that would be too long is an error.
pub fn result(id: &Value, result: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Answer<'a, R> {
        jsonrpc: &'a str,
        id: &'a Value,
        result: &'a R,
    }
    let line = line(&Answer { jsonrpc: "2.0", id, result });
    match line.len() > LIMIT {
        true => error(id, &Error::new(TOO_LARGE, format!("the answer has more than {LIMIT} bytes"))),
        false => line,
    }
}

/// An error as a line.
pub fn error(id: &Value, error: &Error) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

/// What happened, already written as JSON, as a line; `None` when it would be too long.
pub fn event(id: &Value, event: &str) -> Option<Vec<u8>> {
    let line = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{{\"id\":{id},\"event\":{event}}}}}\n"
    );
    (line.len() <= LIMIT).then(|| line.into_bytes())
}

/// A sign of life as a line.
pub fn alive(id: &Value) -> Vec<u8> {
    notification("alive", &json!({"id": id}))
}

/// Everything jmake says can be written as JSON: its keys are text and its paths are too.
fn line(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(message).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            lines.push(piece);
            while let Some(line) = lines.take().unwrap() {
                found.push(line.to_vec());
            }
        }
        found
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"one\n\n{\"a\":1}\nlast\nhalf";
        let wanted: Vec<Vec<u8>> = ["one", "", "{\"a\":1}", "last"].map(|line| line.into()).into();
        for size in 1..=text.len() {
            assert_eq!(lines_of(&text.chunks(size).collect::<Vec<_>>()), wanted, "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused_and_takes_no_more_memory() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..16 {
            lines.push(&piece);
            assert_eq!(lines.take(), Ok(None));
        }
        lines.push(b"x");
        assert_eq!(lines.take(), Err(TooLong));
        let mut lines = Lines::default();
        lines.push(&[&vec![b'x'; LIMIT][..], b"\nnext\n"].concat());
        assert_eq!(lines.take().unwrap().map(<[u8]>::len), Some(LIMIT));
        assert_eq!(lines.take(), Ok(Some(&b"next"[..])));
        lines.push(b"");
        assert!(lines.bytes.capacity() < LIMIT, "a large message is not kept");
    }

    #[test]
    fn calls_are_told_from_what_is_none() {
        let good = call(br#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}}"#).unwrap();
        assert_eq!((good.id, &*good.method, good.params), (Some(json!(1)), "m", json!({"a": 1})));
        assert_eq!(call(br#"{"jsonrpc":"2.0","method":"m"}"#).unwrap().id, None);
        for (line, code, id) in [
            (&b""[..], PARSE, json!(null)),
            (b"\xff\xfe", PARSE, json!(null)),
            (b"{\"jsonrpc\":\"2.0\"", PARSE, json!(null)),
            (b"[]", INVALID, json!(null)),
            (b"3", INVALID, json!(null)),
            (b"{}", INVALID, json!(null)),
            (br#"{"jsonrpc":"1.0","id":"x","method":"m"}"#, INVALID, json!("x")),
            (br#"{"jsonrpc":"2.0","id":7,"method":3}"#, INVALID, json!(7)),
            (br#"{"jsonrpc":"2.0","id":[7],"method":"m"}"#, INVALID, json!(null)),
            (br#"{"jsonrpc":"2.0","id":7,"method":"m","params":3}"#, INVALID, json!(7)),
        ] {
            let (found, error) = call(line).unwrap_err();
            assert_eq!((found, error.code), (id, code), "{}", String::from_utf8_lossy(line));
        }
        let deep = [vec![b'['; 1 << 20], vec![b']'; 1 << 20]].concat();
        assert_eq!(call(&deep).unwrap_err().1.code, PARSE, "deep nesting is no stack overflow");
    }

    /// Bytes of every kind, in pieces of every size: an error or a call, never a panic.
    #[test]
    fn nothing_makes_it_panic() {
        let seeds: [&[u8]; 3] = [
            br#"{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1,"root":"/x"}}"#,
            br#"{"jsonrpc":"2.0","method":"cancel","params":{"id":1}}"#,
            b"\x00\xff{}[]\"\\u0000\"",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % n
        };
        for _ in 0..20_000 {
            let mut bytes = seeds[random(seeds.len())].to_vec();
            for _ in 0..random(6) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = random(256) as u8,
                    1 => bytes.truncate(at.max(1)),
                    2 => bytes.insert(at, b'\n'),
                    _ => bytes.extend_from_slice(&bytes.clone()[at..]),
                }
            }
            let mut lines = Lines::default();
            for piece in bytes.chunks(1 + random(9)) {
                lines.push(piece);
                while let Some(line) = lines.take().unwrap() {
                    if let Ok(call) = call(line) {
                        serde_json::from_value::<Hello>(call.params).ok();
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_one_line_and_can_be_read() {
        let hello = Hello { protocol: PROTOCOL, root: "/a\nb".into(), ..Hello::default() };
        let line = request(0, "hello", &hello);
        assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
        let read = call(&line[..line.len() - 1]).unwrap();
        assert_eq!(serde_json::from_value::<Hello>(read.params).unwrap(), hello);
        let told = jmake_core::event::Event::Published { path: "a\nb".into() };
        let line = event(&json!(3), &serde_json::to_string(&told).unwrap()).unwrap();
        let read: Incoming<Value> = serde_json::from_slice(&line).unwrap();
        let params = read.params.unwrap();
        assert_eq!((params.id, params.event), (Some(3), Some(told)));
        let large = "x".repeat(LIMIT);
        assert_eq!(event(&json!(3), &large), None);
        let read: Incoming<Value> = serde_json::from_slice(&result(&json!(3), &large)).unwrap();
        assert_eq!(read.error.map(|error| error.code), Some(TOO_LARGE));
    }
}
