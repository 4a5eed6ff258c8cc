//! Asks the hub, and the hosts that it sends its answers to.
//!
//! The access token goes to the hub's own address and to no other, wherever an answer leads.

use std::time::Duration;

use ureq::http::{Method, Request, Response, StatusCode, header};
use ureq::{Agent, Body, Timeout};
use url::Url;

use super::FILE;
use super::answer::{Described, Refusal, begins_at, is_linked};
use super::conventions::Access;
use super::error::{HubFault, PICKLE};
use crate::retry::{is_broken, is_tls};
use crate::spec::settings::HubModel;

/// Steps from host to host that are followed.
const MAX_REDIRECTS: usize = 5;
/// To an address, and from there to a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How a request ended that did not succeed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another try may do better, after a wait.
    Passing(String, Option<Duration>),
    /// It stays so.
    Lasting(HubFault),
}

/// Asks the hub.
#[derive(Clone, Debug)]
pub(super) struct Client<'a> {
    access: &'a Access,
    agent: Agent,
}

/// A file on its way.
pub(super) struct Coming {
    /// Its first byte, counted from the file's beginning.
    pub from: u64,
    /// The bytes from there on.
    pub body: Body,
}

impl<'a> Client<'a> {
    pub fn new(access: &'a Access) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Who is asked next is decided here, since the token is not for everybody.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(access.proxy.clone())
            .user_agent(concat!("ablatrix/", env!("CARGO_PKG_VERSION")))
            // Sizes and ranges count the bytes as they are.
            .accept_encoding("identity")
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(access.idle))
            .timeout_per_read(Some(access.idle))
            .timeout_per_write(Some(access.idle))
            .build();
        Client { access, agent: config.into() }
    }

    /// Ends all requests that are under way.
    pub fn shut_down(&self) {
        self.agent.clone().shutdown();
    }

    /// What the hub has under the model's name.
    pub fn describe(&self, model: &HubModel) -> Result<Described, Trouble> {
        let url = self.url(model, model.revision(), FILE)?;
        let (response, is_whole) = self.describe_file(&url)?;
        if !is_whole && !response.status().is_redirection() {
            return Err(match self.refusal(&response, model) {
                Refusal::Passing(why, wait) => Trouble::Passing(why, wait),
                Refusal::Lasting(fault) => Trouble::Lasting(fault),
                Refusal::NoFile => self.no_file(model),
            });
        }
        Described::of(response.headers(), is_whole).map_err(|lacks| self.no_hub(lacks))
    }

    /// The answer about a file, from as far as the hub itself leads, and whether it is the file's own.
    fn describe_file(&self, url: &Url) -> Result<(Response<Body>, bool), Trouble> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(Method::HEAD, &url, 0)?;
            let next = self.next(&url, &response)?;
            match next.filter(|next| self.is_hub(next) && !is_linked(response.headers())) {
                Some(next) => url = next,
                None => {
                    let is_whole = response.status() == StatusCode::OK;
                    return Ok((response, is_whole));
                }
            }
        }
        Err(self.no_hub(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Tells a repository without weights from one that has them as a pickle.
    fn no_file(&self, model: &HubModel) -> Trouble {
        let url = self.url(model, model.revision(), PICKLE);
        let found = url.and_then(|url| self.describe_file(&url));
        let has_pickle =
            found.is_ok_and(|(response, is_whole)| is_whole || response.status().is_redirection());
        Trouble::Lasting(HubFault::NoFile { revision: model.revision().to_owned(), has_pickle })
    }

    /// Asks for the file of a commit, from byte `have` on.
    pub fn open(&self, model: &HubModel, commit: &str, have: u64) -> Result<Coming, Trouble> {
        let mut url = self.url(model, commit, FILE)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(Method::GET, &url, have)?;
            if let Some(next) = self.next(&url, &response)? {
                url = next;
                continue;
            }
            let from = match response.status() {
                StatusCode::OK => 0,
                StatusCode::PARTIAL_CONTENT if begins_at(response.headers(), have) => have,
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                    return Err(Trouble::Passing("another piece came than was asked for".to_owned(), None));
                }
                // A link of the host that has the file ends after a while: the hub gives another.
                status if !self.is_hub(&url) => {
                    let host = host(&url);
                    return Err(Trouble::Passing(format!("`{host}` answered {}", status.as_u16()), None));
                }
                _ => {
                    return Err(match self.refusal(&response, model) {
                        Refusal::Passing(why, wait) => Trouble::Passing(why, wait),
                        Refusal::Lasting(fault) => Trouble::Lasting(fault),
                        Refusal::NoFile => self.no_file(model),
                    });
                }
            };
            return Ok(Coming { from, body: response.into_body() });
        }
        Err(self.no_hub(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// What an error of a connection that stood means.
    pub fn broken(&self, error: ureq::Error) -> Trouble {
        Trouble::Passing(
            match error {
                ureq::Error::Timeout(_) => format!("nothing came for {} s", self.access.idle.as_secs_f64()),
                error => format!("the connection broke: {error}"),
            },
            None,
        )
    }

    fn url(&self, model: &HubModel, revision: &str, file: &str) -> Result<Url, Trouble> {
        let endpoint = self.access.endpoint.as_str().trim_end_matches('/');
        let revision = revision.replace('/', "%2F");
        let text = format!("{endpoint}/{}/resolve/{revision}/{file}", model.repository());
        Url::parse(&text).map_err(|error| self.no_hub(error.to_string()))
    }

    /// Whether the token is for who is asked at `url`: the hub itself, by the same scheme and port.
    fn is_hub(&self, url: &Url) -> bool {
        url.origin() == self.access.endpoint.origin()
    }

    fn ask(&self, method: Method, url: &Url, have: u64) -> Result<Response<Body>, Trouble> {
        let mut request = Request::builder().method(method).uri(url.as_str());
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        if let Some(token) = self.access.token.as_ref().filter(|_| self.is_hub(url)) {
            request = request.header(header::AUTHORIZATION, token.bearer());
        }
        let request = request.body(()).map_err(|error| self.no_hub(error.to_string()))?;
        self.agent.run(request).map_err(|error| self.network(error, host(url)))
    }

    /// Where an answer leads; `None` for one that leads nowhere.
    fn next(&self, url: &Url, response: &Response<Body>) -> Result<Option<Url>, Trouble> {
        let location = response.headers().get(header::LOCATION);
        let Some(location) = location.filter(|_| response.status().is_redirection()) else { return Ok(None) };
        let next = url.join(&String::from_utf8_lossy(location.as_bytes()));
        let next = next.map_err(|error| self.no_hub(format!("it leads to no address: {error}")))?;
        if !matches!((url.scheme(), next.scheme()), ("http", "http" | "https") | ("https", "https")) {
            let (from, scheme) = (host(url), next.scheme());
            return Err(Trouble::Lasting(HubFault::Insecure(format!("`{from}` leads to `{scheme}:`"))));
        }
        Ok(Some(next))
    }

    fn refusal(&self, response: &Response<Body>, model: &HubModel) -> Refusal {
        let token = self.access.token.as_ref().map(|token| token.source.as_str());
        Refusal::of(response.status(), response.headers(), model, token)
    }

    fn no_hub(&self, lacks: String) -> Trouble {
        let endpoint = self.access.endpoint.as_str().trim_end_matches('/').to_owned();
        Trouble::Lasting(HubFault::NoHub { endpoint, lacks })
    }

    /// What an error before an answer means.
    fn network(&self, error: ureq::Error, host: &str) -> Trouble {
        let offline = |why: String| {
            let folder = self.access.folder.root().to_owned();
            Trouble::Lasting(HubFault::Offline { folder, why })
        };
        match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                offline(format!("there is no connection to `{host}` within {} s", CONNECT.as_secs()))
            }
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                offline(format!("there is no connection to `{host}`: {error}"))
            }
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => insecure(host, &error),
            ureq::Error::Io(error) if is_tls(&error) => insecure(host, &error),
            ureq::Error::Io(error) if !is_broken(&error) => {
                offline(format!("there is no connection to `{host}`: {error}"))
            }
            error => self.broken(error),
        }
    }
}

fn insecure(host: &str, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Lasting(HubFault::Insecure(format!("no secure connection to `{host}`: {error}")))
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}
