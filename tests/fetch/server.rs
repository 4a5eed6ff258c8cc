//! A web server for tests that behaves badly on demand: one request per connection, each answered as told.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with a request.
pub enum Reply {
    /// A whole answer with its length.
    Whole { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// A good answer without a length, ended by closing the connection.
    Unmeasured { body: Vec<u8> },
    /// As many bytes of a good answer, then the connection is closed.
    Cut { headers: Vec<(&'static str, String)>, body: Vec<u8>, sent: usize },
    /// As many bytes of a good answer, then nothing more, for as long as the server lives.
    Stall { headers: Vec<(&'static str, String)>, body: Vec<u8>, sent: usize },
    /// A byte now and then, without end.
    Trickle,
}

impl Reply {
    pub fn ok(body: Vec<u8>) -> Self {
        Reply::Whole { status: 200, headers: vec![], body }
    }

    pub fn status(status: u16) -> Self {
        Reply::Whole { status, headers: vec![], body: b"no".to_vec() }
    }

    pub fn with(status: u16, name: &'static str, value: impl Into<String>) -> Self {
        Reply::Whole { status, headers: vec![(name, value.into())], body: b"no".to_vec() }
    }
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET` or `HEAD`.
    pub method: String,
    /// As in `/a.png`.
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// How often the path was asked for before.
    pub nth: usize,
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server on loopback that ends with the test.
pub struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Answers each request with what `handler` says. Tunnels that a client asks for lead to the server itself.
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let handler: Arc<Handler> = Arc::new(handler);
        let (log, ended) = (Arc::clone(&asked), Arc::clone(&stopped));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, handler) = (stream.unwrap(), Arc::clone(&handler));
                let (log, ended) = (Arc::clone(&log), Arc::clone(&ended));
                thread::spawn(move || serve(&stream, &*handler, &log, &ended));
            }
        });
        Server { address, asked, stopped }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// How often `path` was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|request| request.path == path).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}

fn serve(mut stream: &TcpStream, handler: &Handler, log: &Mutex<Vec<Request>>, ended: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    let Some((mut method, mut path, mut headers)) = read_request(&mut reader) else { return };
    if method == "CONNECT" {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let Some(inner) = read_request(&mut reader) else { return };
        (method, path, headers) = inner;
    }
    assert!(matches!(method.as_str(), "GET" | "HEAD"), "{method}");
    let request = {
        let mut log = log.lock().unwrap();
        let nth = log.iter().filter(|request| request.path == path && request.method == method).count();
        let request = Request { method, path, headers, nth };
        log.push(request.clone());
        request
    };
    // The client may have gone, which is its right.
    let _ = answer(stream, &handler(&request), request.method == "HEAD", ended);
}

type Head = (String, String, HashMap<String, String>);

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Head> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => return Some((method, path, headers)),
        };
    }
}

fn answer(mut stream: &TcpStream, reply: &Reply, is_head: bool, ended: &AtomicBool) -> std::io::Result<()> {
    let head = |status: u16, headers: &[(&str, String)], length: Option<usize>| {
        let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            text.push_str(&format!("content-length: {length}\r\n"));
        }
        text + "\r\n"
    };
    match reply {
        Reply::Whole { status, headers, body } => {
            stream.write_all(head(*status, headers, Some(body.len())).as_bytes())?;
            stream.write_all(if is_head { &[] } else { body })
        }
        Reply::Unmeasured { body } => {
            stream.write_all(head(200, &[], None).as_bytes())?;
            stream.write_all(body)
        }
        Reply::Cut { headers, body, sent } => {
            stream.write_all(head(200, headers, Some(body.len())).as_bytes())?;
            stream.write_all(&body[..*sent])
        }
        Reply::Stall { headers, body, sent } => {
            stream.write_all(head(200, headers, Some(body.len())).as_bytes())?;
            stream.write_all(&body[..*sent])?;
            while !ended.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Reply::Trickle => {
            stream.write_all(head(200, &[], Some(1 << 20)).as_bytes())?;
            while !ended.load(Ordering::SeqCst) {
                stream.write_all(b"\xff")?;
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
    }
}
