//! Just enough of S3 on loopback for `ablatrix`, with faults on demand: one request per connection.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is done to a request instead of, or before, what it asks for.
pub enum Fault {
    None,
    /// This status, with a body.
    Status(u16, String),
    /// The connection is closed without an answer.
    Drop,
    /// The answer is cut after half of its body.
    Cut,
    /// Nothing, for as long as the server lives.
    Stall,
    /// As asked, after so many milliseconds.
    Late(u64),
    /// One bit of the answer, or of what is stored, is another one.
    Wrong,
    /// A listing that knows nothing of the last files that came.
    Stale,
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// The key of a file, or of a listing its prefix with a star.
    pub key: String,
    /// How often this was asked for before.
    pub nth: usize,
}

type Handler = dyn Fn(&Request) -> Fault + Send + Sync;

/// A server with one bucket, `results`.
pub struct Server {
    pub endpoint: String,
    state: Arc<State>,
}

struct State {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: Mutex<Vec<Request>>,
    fault: Mutex<Arc<Handler>>,
    ended: AtomicBool,
}

impl Server {
    pub fn start(fault: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            files: Mutex::default(),
            asked: Mutex::default(),
            fault: Mutex::new(Arc::new(fault)),
            ended: AtomicBool::new(false),
        });
        let served = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if served.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, state) = (stream.unwrap(), Arc::clone(&served));
                // A client may go when it likes.
                thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
        Server { endpoint, state }
    }

    /// Other faults from now on, and no memory of what was asked.
    pub fn behave(&self, fault: impl Fn(&Request) -> Fault + Send + Sync + 'static) {
        *self.state.fault.lock().unwrap() = Arc::new(fault);
        self.state.asked.lock().unwrap().clear();
    }

    /// All requests since the last change of faults.
    pub fn asked(&self) -> Vec<Request> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Keys of what is there.
    pub fn keys(&self) -> Vec<String> {
        self.state.files.lock().unwrap().keys().cloned().collect()
    }

    /// Somebody else writes a file.
    pub fn put(&self, key: &str, bytes: Vec<u8>) {
        self.state.files.lock().unwrap().insert(key.to_owned(), bytes);
    }

    /// The bytes of a file.
    pub fn file(&self, key: &str) -> Vec<u8> {
        self.state.files.lock().unwrap()[key].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.endpoint.trim_start_matches("http://"));
    }
}

fn serve(stream: &TcpStream, state: &State) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(()) };
    let (mut length, mut range) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                let (from, to) = value.trim().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
                range = Some((from.parse::<usize>().unwrap(), to.parse::<usize>().ok()));
            }
            Some(_) => {}
            None => break,
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix("/results").unwrap().trim_start_matches('/');
    let listed = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
    let key = match listed {
        Some(prefix) => format!("{}*", prefix.replace("%2F", "/")),
        None => path.to_owned(),
    };
    let (fault, method) = {
        let mut asked = state.asked.lock().unwrap();
        let nth = asked.iter().filter(|other| other.method == method && other.key == key).count();
        let request = Request { method: method.to_owned(), key: key.clone(), nth };
        asked.push(request.clone());
        let fault = Arc::clone(&state.fault.lock().unwrap());
        drop(asked);
        (fault(&request), request.method)
    };
    let (mut cut, mut wrong, mut stale) = (false, false, false);
    match fault {
        Fault::None => {}
        Fault::Cut => cut = true,
        Fault::Wrong => wrong = true,
        Fault::Stale => stale = true,
        Fault::Late(ms) => thread::sleep(Duration::from_millis(ms)),
        Fault::Drop => return Ok(()),
        Fault::Status(status, body) => {
            let mut ignored = vec![0; length];
            reader.read_exact(&mut ignored)?;
            return answer(stream, status, "", body.as_bytes(), false);
        }
        Fault::Stall => {
            while !state.ended.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            return Ok(());
        }
    }
    let spoilt = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes.get_mut(middle).filter(|_| wrong).into_iter().for_each(|byte| *byte ^= 1);
        bytes
    };
    let meta = "etag: \"1\"\r\nlast-modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    match (method.as_str(), listed) {
        ("GET", Some(_)) => {
            let files = state.files.lock().unwrap();
            let known = if stale { files.len() / 2 } else { files.len() };
            let body = listing(&files, key.trim_end_matches('*'), known);
            drop(files);
            answer(stream, 200, "", body.as_bytes(), cut)
        }
        ("GET", None) => match state.files.lock().unwrap().get(&key).cloned().map(spoilt) {
            Some(bytes) => match range {
                None => answer(stream, 200, meta, &bytes, cut),
                Some((from, to)) => {
                    let to = to.map_or(bytes.len(), |to| (to + 1).min(bytes.len()));
                    let size = bytes.len();
                    let meta = format!("{meta}content-range: bytes {from}-{}/{size}\r\n", to - 1);
                    answer(stream, 206, &meta, &bytes[from..to], cut)
                }
            },
            None => answer(stream, 404, "", b"<Error><Code>NoSuchKey</Code></Error>", false),
        },
        ("PUT", None) => {
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes)?;
            state.files.lock().unwrap().insert(key, spoilt(bytes));
            answer(stream, 200, meta, b"", false)
        }
        _ => {
            let mut rest = Vec::new();
            let _ = stream.take(length as u64).read_to_end(&mut rest);
            answer(stream, 501, "", b"", false)
        }
    }
}

/// The first `known` files of the bucket, as far as they lie below `prefix`.
fn listing(files: &BTreeMap<String, Vec<u8>>, prefix: &str, known: usize) -> String {
    let mut xml = String::from("<ListBucketResult><IsTruncated>false</IsTruncated>");
    for (key, bytes) in files.iter().take(known).filter(|(key, _)| key.starts_with(prefix)) {
        xml.push_str(&format!(
            "<Contents><Key>{key}</Key><Size>{}</Size><ETag>1</ETag>\
             <LastModified>2015-10-21T07:28:00.000Z</LastModified></Contents>",
            bytes.len()
        ));
    }
    xml + "</ListBucketResult>"
}

fn answer(mut stream: &TcpStream, status: u16, headers: &str, body: &[u8], cut: bool) -> std::io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(if cut { &body[..length / 2] } else { body })
}
