//! A DNS server (RFC 1035) on loopback that knows the few names a test tells it, so that no test asks the internet.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;
const HEAD: usize = 12;

/// Data of the records of a name and a type.
type Records = BTreeMap<(String, u16), Vec<Vec<u8>>>;

/// Answers as long as the process runs. Cheap to clone.
#[derive(Clone)]
pub struct Dns {
    pub address: SocketAddr,
    records: Arc<Mutex<Records>>,
}

static EMPTY: LazyLock<Dns> = LazyLock::new(Dns::start);

/// The one that no test tells anything.
pub(crate) fn that_knows_nothing() -> SocketAddr {
    EMPTY.address
}

impl Dns {
    pub fn start() -> Dns {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port on loopback");
        let dns = Dns { address: socket.local_addr().expect("it is bound"), records: Arc::default() };
        let records = dns.records.clone();
        std::thread::spawn(move || {
            let mut packet = [0; 1_500];
            while let Ok((length, asker)) = socket.recv_from(&mut packet) {
                if length > HEAD {
                    let known = records.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let _ = socket.send_to(&answer(&packet[..length], &known), asker);
                }
            }
        });
        dns
    }
    pub fn txt(&self, name: &str, text: &str) {
        let length = u8::try_from(text.len()).expect("a short text");
        self.put(name, TXT, vec![[&[length], text.as_bytes()].concat()]);
    }
    pub fn a(&self, name: &str, address: Ipv4Addr) {
        self.put(name, A, vec![address.octets().to_vec()]);
    }
    /// Answered to whoever asks for the alias itself.
    pub fn cname(&self, name: &str, target: &str) {
        let labels = target.split('.').flat_map(|label| [&[u8::try_from(label.len()).expect("a label")], label.as_bytes()].concat());
        self.put(name, CNAME, vec![labels.chain([0]).collect()]);
    }
    pub fn forget(&self, name: &str) {
        self.records().retain(|(known, _), _| known != name);
    }
    fn put(&self, name: &str, kind: u16, data: Vec<Vec<u8>>) {
        self.records().insert((name.to_owned(), kind), data);
    }
    fn records(&self) -> std::sync::MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// RFC 1035 §4.1: the question again, then what is known; NXDOMAIN for a name of which nothing is.
fn answer(query: &[u8], known: &Records) -> Vec<u8> {
    let (mut labels, mut at) = (Vec::new(), HEAD);
    while let Some(length) = query.get(at).map(|length| usize::from(*length)).filter(|length| *length > 0) {
        let label = query.get(at + 1..at + 1 + length).unwrap_or_default();
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += 1 + length;
    }
    let name = labels.join(".");
    let kind = query.get(at + 1..at + 3).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let data = known.get(&(name.clone(), kind)).cloned().unwrap_or_default();
    let there = known.keys().any(|(other, _)| *other == name || other.ends_with(&format!(".{name}")));
    let mut bytes = query[..(at + 5).min(query.len())].to_vec();
    (bytes[2], bytes[3]) = (0x81, if there { 0x80 } else { 0x83 });
    bytes[4..HEAD].copy_from_slice(&[0, 1, 0, data.len() as u8, 0, 0, 0, 0]);
    for record in data {
        // The name is the question's; class IN, no life.
        bytes.extend([0xc0, HEAD as u8, (kind >> 8) as u8, kind as u8, 0, 1, 0, 0, 0, 0, 0, record.len() as u8]);
        bytes.extend(record);
    }
    bytes
}
