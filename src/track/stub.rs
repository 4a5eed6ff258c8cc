//! A server for tests that behaves badly on demand: one connection per request, each answered as told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the stub does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A whole answer.
    Answer { status: u16, headers: &'static str, body: String },
    /// Half of the body, then the connection is closed.
    Cut,
    /// Half of the body, then nothing more.
    Stall,
    /// Nothing at all.
    Hang,
}

impl Reply {
    pub fn ok(body: &str) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: &str) -> Self {
        Reply::Answer { status, headers: "", body: body.to_owned() }
    }
}

/// What the stub got.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub line: String,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(super) struct Stub {
    pub uri: String,
    got: Arc<Mutex<Vec<Got>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    /// Answers each request with what `reply` says; it gets the request and how many came before.
    pub fn start(mut reply: impl FnMut(&Got, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let (got, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (requests, stopped) = (Arc::clone(&got), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&stream) else {
                    answer(&mut stream, &Reply::status(400, "Invalid HTTP request received."));
                    continue;
                };
                let n = requests.lock().unwrap().len();
                let reply = reply(&request, n);
                requests.lock().unwrap().push(request);
                if !answer(&mut stream, &reply) {
                    hanging.push(stream);
                }
            }
        });
        Stub { uri, got, stop, thread: Some(thread) }
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.got().into_iter().map(|got| got.line).collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.uri.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_request(stream: &TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = String::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got { line: line.trim_end().trim_end_matches(" HTTP/1.1").to_owned(), headers, body })
}

/// Whether the connection can be closed.
fn answer(stream: &mut TcpStream, reply: &Reply) -> bool {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"experim";
    let text = match reply {
        Reply::Hang => return false,
        Reply::Cut | Reply::Stall => half.to_owned(),
        Reply::Answer { status, headers, body } => format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
            body.len()
        ),
    };
    let _ = stream.write_all(text.as_bytes());
    !matches!(reply, Reply::Stall)
}
