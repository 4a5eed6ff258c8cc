//! One try to get one image: asked for, received, checked, put in its place.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Request, Response, StatusCode, header};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, Timeout};

use super::check::{self, Look};
use super::folder::{FetchError, ImagesFolder, Part, PlaceError};
use super::headers::{has_chunks, if_range, range_begins_at};
use super::options::Options;
use super::report::Outcome;
use super::resolver::{LocalName, PublicOnly};
use super::target::{Target, TargetError};
use crate::clock;
use crate::pixels::decode::DecodeError;
use crate::retry::{is_broken, is_tls, retry_after};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// To an address, and from there to a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Nothing comes.
const IDLE: Duration = Duration::from_secs(30);
/// Bytes that are received at once.
const BUFFER_BYTES: usize = 64 << 10;

/// How a try ended without an image.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another try would end the same.
    Final(Outcome),
    /// Another try may do better.
    Again {
        /// What happened.
        why: String,
    },
    /// The host as a whole does not answer, or asks for patience.
    Host {
        /// What happened.
        why: String,
        /// The wait that it asks for.
        wait: Option<Duration>,
    },
    /// No try can do better.
    Fatal(FetchError),
}

/// Asks hosts for images.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: Agent,
    timeout: Duration,
    max_bytes: u64,
    allow_local: bool,
}

/// An image and where it is to be had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Its place below the images folder.
    pub path: &'a str,
    /// Where it is to be had.
    pub target: &'a Target,
}

impl Client {
    pub fn new(options: &Options) -> Self {
        let resolver = PublicOnly {
            allow_local: options.allow_local,
            proxy: options.proxy.as_ref().map(|proxy| proxy.uri().clone()),
            inner: DefaultResolver::default(),
        };
        let connect = CONNECT.min(options.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Where a redirect leads must be checked first.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::default())
            .proxy(options.proxy.clone())
            .user_agent(concat!("ablatrix/", env!("CARGO_PKG_VERSION")))
            .accept("image/jpeg, image/png, */*;q=0.1")
            // Pictures are packed already, and ranges count the bytes as they are.
            .accept_encoding("identity")
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .max_idle_connections(options.parallel)
            .max_idle_connections_per_host(options.per_host)
            .max_idle_age(Duration::from_secs(4))
            .build();
        Client {
            agent: Agent::with_parts(config, DefaultConnector::default(), resolver),
            timeout: options.timeout,
            max_bytes: options.max_bytes,
            allow_local: options.allow_local,
        }
    }

    /// Ends all requests that are under way.
    pub fn shut_down(&self) {
        self.agent.clone().shutdown();
    }

    /// Gets one image.
    pub fn get(&self, wanted: Wanted<'_>, folder: &ImagesFolder) -> Result<Outcome, Trouble> {
        folder.check_place(wanted.path).map_err(|error| placed(&error))?;
        let url = wanted.target.as_str();
        let disk = |error| Trouble::Fatal(folder.error("write an image", error));
        let mut part = folder.part(wanted.path, url).map_err(disk)?;
        let deadline = Instant::now() + self.timeout;
        let response = self.ask(wanted.target, part.resume.as_ref(), deadline)?;

        let headers = response.headers();
        let has_length = response.body().content_length().is_some();
        let resumed = response.status() == StatusCode::PARTIAL_CONTENT;
        let have = match (&part.resume, response.status()) {
            (Some((have, _)), StatusCode::PARTIAL_CONTENT) if range_begins_at(headers, *have) => *have,
            (_, StatusCode::OK) => {
                // Without a length, what comes may be unpacked on the way: the bytes here would not be those there.
                folder.restart(&mut part, url, if_range(headers).filter(|_| has_length)).map_err(disk)?;
                0
            }
            (_, StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE) => {
                folder.discard(part).map_err(disk)?;
                return Err(Trouble::Again {
                    why: "the server sent another piece than was asked for".to_owned(),
                });
            }
            (_, status) => return Err(self.status(status, headers)),
        };
        // Only a told length or chunks tell whether all has come.
        let told = has_length || has_chunks(headers);
        let bytes = match self.receive(response, &mut part, have, folder) {
            Ok(bytes) => bytes,
            Err(Trouble::Final(outcome)) => {
                folder.discard(part).map_err(disk)?;
                return Err(Trouble::Final(outcome));
            }
            Err(trouble) => return Err(trouble),
        };

        let look = if resumed || !told { Look::Whole } else { Look::Header };
        conclude(part, bytes, look, wanted.path, folder)
    }

    /// The first answer that is no redirect.
    fn ask(
        &self,
        target: &Target,
        resume: Option<&(u64, String)>,
        deadline: Instant,
    ) -> Result<Response<Body>, Trouble> {
        let mut target = target.clone();
        for _ in 0..=MAX_REDIRECTS {
            if !self.allow_local {
                target.check_public().map_err(|error| unsafe_target(&error))?;
            }
            let response = self.ask_once(&target, resume, deadline)?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let Some(location) = response.headers().get(header::LOCATION) else {
                return Err(self.status(response.status(), response.headers()));
            };
            let location = String::from_utf8_lossy(location.as_bytes());
            target = target.redirected(&location).map_err(|error| unsafe_target(&error))?;
            // What Flickr shows in place of a photo that was deleted: a sound picture, with a good status.
            if target.file_name().starts_with("photo_unavailable") {
                let why = format!("`{}` shows a sign in its place: photo unavailable", target.host());
                return Err(Trouble::Final(Outcome::Gone { why }));
            }
        }
        let why = format!("more than {MAX_REDIRECTS} redirects, the last to `{}`", target.host());
        Err(Trouble::Final(Outcome::Refused { why }))
    }

    fn ask_once(
        &self,
        target: &Target,
        resume: Option<&(u64, String)>,
        deadline: Instant,
    ) -> Result<Response<Body>, Trouble> {
        let mut request = Request::get(target.as_str());
        if let Some((have, if_range)) = resume {
            request = request
                .header(header::RANGE, format!("bytes={have}-"))
                .header(header::IF_RANGE, if_range.as_str());
        }
        let request = request.body(()).map_err(|error| {
            Trouble::Final(Outcome::Refused { why: format!("its URL cannot be asked for: {error}") })
        })?;
        // ureq takes zero for no limit.
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let idle = Some(IDLE.min(self.timeout));
        let request = self.agent.configure_request(request);
        let request = request.timeout_global(Some(left)).timeout_per_read(idle).timeout_per_write(idle);
        self.agent.run(request.build()).map_err(|error| self.network(error, target.host()))
    }

    /// Adds the body to `part`, which has `have` bytes; gives how many it has then.
    fn receive(
        &self,
        response: Response<Body>,
        part: &mut Part,
        have: u64,
        folder: &ImagesFolder,
    ) -> Result<u64, Trouble> {
        let disk = |error| Trouble::Fatal(folder.error("write an image", error));
        let too_large = || {
            let why = format!("it is larger than {} MiB; `--max-mib` permits more", self.max_bytes >> 20);
            Trouble::Final(Outcome::Refused { why })
        };
        if response.body().content_length().is_some_and(|more| have.saturating_add(more) > self.max_bytes) {
            return Err(too_large());
        }
        let mut bytes = part.seek_end().map_err(disk)?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let n = match body.read(&mut buffer) {
                Ok(0) => return Ok(bytes),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(error.into(), bytes)),
            };
            bytes += n as u64;
            if bytes > self.max_bytes {
                return Err(too_large());
            }
            part.write(&buffer[..n]).map_err(disk)?;
        }
    }

    /// What a status other than success means.
    fn status(&self, status: StatusCode, headers: &HeaderMap) -> Trouble {
        let why = match status.canonical_reason() {
            Some(reason) => format!("the server answered {} {reason}", status.as_u16()),
            None => format!("the server answered {}", status.as_u16()),
        };
        let asked = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wait = asked.and_then(|value| retry_after(value, clock::unix_ms()));
        match status.as_u16() {
            404 | 410 => Trouble::Final(Outcome::Gone { why }),
            429 => Trouble::Host { why, wait },
            503 if wait.is_some() => Trouble::Host { why, wait },
            408 | 425 | 500..=599 => Trouble::Again { why },
            400..=499 => Trouble::Final(Outcome::Refused { why }),
            _ => Trouble::Final(Outcome::Failed { why: format!("{why}, expected 200") }),
        }
    }

    /// What an error before the body means.
    fn network(&self, error: ureq::Error, host: &str) -> Trouble {
        match error {
            ureq::Error::Other(inner) => match inner.downcast::<LocalName>() {
                Ok(local) => unsafe_target(&TargetError::Local {
                    host: local.host.clone(),
                    address: Some(local.address),
                    kind: local.kind,
                }),
                Err(inner) => Trouble::Again { why: format!("`{host}`: {inner}") },
            },
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                Trouble::Host { why: format!("no connection to `{host}` in time"), wait: None }
            }
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                Trouble::Host { why: format!("no connection to `{host}`: {error}"), wait: None }
            }
            ureq::Error::Io(error) if is_tls(&error) => insecure(host, &error),
            ureq::Error::Io(error) if !is_broken(&error) => {
                Trouble::Host { why: format!("no connection to `{host}`: {error}"), wait: None }
            }
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => insecure(host, &error),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Trouble::Final(Outcome::Refused { why: format!("its URL cannot be asked for: {error}") })
            }
            error => self.broken(error, 0),
        }
    }

    /// What an error of a connection that stood means.
    fn broken(&self, error: ureq::Error, bytes: u64) -> Trouble {
        let why = match error {
            ureq::Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => {
                format!("nothing came for {} s", IDLE.min(self.timeout).as_secs_f64())
            }
            ureq::Error::Timeout(_) => {
                format!("not all came within {} s (`--timeout`)", self.timeout.as_secs_f64())
            }
            ureq::Error::Io(error) => format!("the connection broke: {error}"),
            error => format!("the connection broke: {error}"),
        };
        let why = if bytes > 0 { format!("{why}, after {bytes} bytes") } else { why };
        Trouble::Again { why }
    }
}

/// Checks what has come of an image, and puts it in its place.
fn conclude(
    mut part: Part,
    bytes: u64,
    look: Look,
    image: &str,
    folder: &ImagesFolder,
) -> Result<Outcome, Trouble> {
    let read = part.read().map_err(|error| Trouble::Fatal(folder.error("read an image", error)))?;
    match check::picture(&read, look) {
        Ok(probe) => {
            folder.place(part, image).map_err(|error| placed(&error))?;
            Ok(Outcome::Fetched { bytes, width: probe.width, height: probe.height })
        }
        Err(error) => {
            folder.discard(part).map_err(|error| Trouble::Fatal(folder.error("remove an image", error)))?;
            let cut = matches!(error, DecodeError::Truncated { .. } | DecodeError::Damaged { .. });
            let why = error.to_string();
            // A piece may not have fitted the first, or the end may be missing.
            Err(if cut && look == Look::Whole {
                Trouble::Again { why }
            } else {
                Trouble::Final(Outcome::NotAnImage { why })
            })
        }
    }
}

fn placed(error: &PlaceError) -> Trouble {
    let why = error.to_string();
    Trouble::Final(match error {
        PlaceError::LeadsOut => Outcome::Refused { why },
        PlaceError::Unusable(_) => Outcome::Failed { why },
    })
}

fn unsafe_target(error: &TargetError) -> Trouble {
    Trouble::Final(Outcome::Refused { why: error.to_string() })
}

fn insecure(host: &str, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Final(Outcome::Failed { why: format!("no secure connection to `{host}`: {error}") })
}
