//! What is asked for on the command line?

use anyhow::Context as _;

use super::sections::SECTIONS;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arguments {
    /// The sections, in the order of the report; all if none is named.
    pub(crate) sections: Vec<String>,
    /// How often the contenders of a section alternate.
    pub(crate) rounds: usize,
    /// How long each run of a contender takes.
    pub(crate) seconds: f64,
    /// The large number of clients.
    pub(crate) clients: u32,
    /// Token endpoints elsewhere.
    pub(crate) peers: Vec<Peer>,
    /// Should the picture be copied to the documentation?
    pub(crate) publishes: bool,
}

/// A token endpoint elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its name in tables.
    pub(crate) name: String,
    /// Its URL.
    pub(crate) url: url::Url,
    /// The form that is posted there.
    pub(crate) body: String,
}

/// How the command is used.
pub(crate) const USAGE: &str = "\
usage: cargo bench --bench load -- [SECTION…] [OPTION…]

  --rounds N         how often the contenders of a section alternate [10]
  --seconds S        how long each run of a contender takes [1]
  --quick            two rounds of 0.3 s, 20,000 clients: to see that it works
  --clients N        the large number of clients [1000000]
  --peer NAME=URL    a token endpoint elsewhere, for the section peers; may be repeated
  --peer-body FORM   the body posted to the peer before it [grant_type=client_credentials&client_id=bench&client_secret=…]
  --publish          copy the picture to docs/images/
";

/// The client id and secret of the contenders from elsewhere.
pub(crate) const PEER_BODY: &str = "grant_type=client_credentials&client_id=bench\
     &client_secret=bench-secret-0123456789abcdefghijklmnopqrstuv&audience=https%3A%2F%2Fapi.example.com%2F&scope=list%3Ausers+create%3Ausers";

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// If one is not known.
    pub(crate) fn parse(args: &[String]) -> anyhow::Result<Self> {
        let (sections, peers) = (Vec::new(), Vec::new());
        let mut read = Self { sections, rounds: 10, seconds: 1.0, clients: 1_000_000, peers, publishes: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value\n\n{USAGE}"));
            match arg.as_str() {
                // cargo says so to every benchmark.
                "--bench" => {}
                "--rounds" => read.rounds = value()?.parse().context("--rounds")?,
                "--seconds" => read.seconds = value()?.parse().context("--seconds")?,
                "--clients" => read.clients = value()?.parse().context("--clients")?,
                "--quick" => (read.rounds, read.seconds, read.clients) = (2, 0.3, 20_000),
                "--publish" => read.publishes = true,
                "--peer" => read.peers.push(peer(value()?)?),
                "--peer-body" => {
                    let body = value()?.clone();
                    read.peers.last_mut().context("--peer-body follows the --peer it belongs to")?.body = body;
                }
                name if SECTIONS.iter().any(|section| section.name == name) => read.sections.push(name.to_owned()),
                other => {
                    let known: Vec<&str> = SECTIONS.iter().map(|section| section.name).collect();
                    anyhow::bail!("what is {other}?\n\n{USAGE}\nsections: {}", known.join(" "));
                }
            }
        }
        anyhow::ensure!(read.rounds > 0 && read.seconds > 0.0, "there must be something to measure\n\n{USAGE}");
        Ok(read)
    }

    /// Is this section asked for?
    pub(crate) fn wants(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|name| name == section)
    }
}

fn peer(text: &str) -> anyhow::Result<Peer> {
    let (name, url) = text.split_once('=').context("--peer takes NAME=URL")?;
    let url: url::Url = url.parse().context("--peer takes NAME=URL")?;
    anyhow::ensure!(url.scheme() == "http", "--peer: load is sent over plain HTTP only");
    Ok(Peer { name: name.to_owned(), url, body: PEER_BODY.to_owned() })
}
