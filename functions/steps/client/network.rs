//! Resolves names to allowed addresses only: public ones, and those in listed networks. A name is
//! resolved once, when the connection is made.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Reads a network such as `10.1.0.0/16` or `fd00:1::/32`. An address inside the network, such as
/// `10.1.0.1/16`, is refused: it would list more than it shows.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let network: IpNet = text.parse().ok()?;
    (network.trunc() == network).then_some(network)
}

/// IPv4 networks that no name reaches unless they are listed: IANA's special-purpose registry.
const INNER: [Ipv4Net; 15] = [
    inner([0, 0, 0, 0], 8),
    inner([10, 0, 0, 0], 8),
    inner([100, 64, 0, 0], 10),
    inner([127, 0, 0, 0], 8),
    inner([169, 254, 0, 0], 16),
    inner([172, 16, 0, 0], 12),
    inner([192, 0, 0, 0], 24),
    inner([192, 0, 2, 0], 24),
    inner([192, 88, 99, 0], 24),
    inner([192, 168, 0, 0], 16),
    inner([198, 18, 0, 0], 15),
    inner([198, 51, 100, 0], 24),
    inner([203, 0, 113, 0], 24),
    inner([224, 0, 0, 0], 4),
    inner([240, 0, 0, 0], 4),
];

const fn inner([a, b, c, d]: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

/// True if an address is on the public Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !INNER.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// True if an IPv6 address is on the public Internet: in 2000::/3, without its special networks.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 leads to the IPv4 address in it.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)).into())
        }
        // Protocol assignments such as Teredo, documentation, and 6to4, which carries any IPv4
        // address.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x2002, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// A resolver that keeps only allowed addresses. The connection uses these addresses, so that no
/// second look-up can answer differently.
#[derive(Clone)]
pub(super) struct Reach {
    networks: Arc<[IpNet]>,
    look_up: fn(&str) -> io::Result<Vec<SocketAddr>>,
}

impl Reach {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self {
            networks: networks.into(),
            look_up: |name| Ok((name, 0).to_socket_addrs()?.collect()),
        }
    }

    fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        let found = (self.look_up)(name)?;
        let kept: Vec<_> = found
            .iter()
            .copied()
            .filter(|found| self.reaches(found.ip()))
            .collect();
        if kept.is_empty() && !found.is_empty() {
            return Err(Box::new(Unreachable));
        }
        Ok(kept)
    }

    fn reaches(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self
                .networks
                .iter()
                .any(|network| network.contains(&address))
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let looking = tokio::task::spawn_blocking(move || reach.addresses(name.as_str()));
            Ok(Box::new(looking.await??.into_iter()) as Addrs)
        })
    }
}

/// The error for a name that resolves only to addresses that are not allowed.
#[derive(Debug)]
pub(super) struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the name leads to an address inside a network (loopback, link-local, private or \
             reserved) that HttpAllow does not list; to allow it, list the network, such as \
             10.1.0.0/16",
        )
    }
}

impl Error for Unreachable {}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn every_special_purpose_address_is_inner_and_every_other_is_public() {
        for public in [
            "1.1.1.1",
            "172.15.255.255",
            "172.32.0.0",
            "100.128.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(ip(public)), "{public}");
        }
        for inner in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
        ] {
            assert!(!is_public(ip(inner)), "{inner}");
        }
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_checked_as_ipv4() {
        let nowhere = Reach::new(&[]);
        assert!(!nowhere.reaches(ip("::ffff:169.254.169.254")));
        assert!(nowhere.reaches(ip("::ffff:1.1.1.1")));
        let listed = Reach::new(&[parse_network("10.1.0.0/16").expect("a network")]);
        assert!(listed.reaches(ip("::ffff:10.1.2.3")));
        assert!(!listed.reaches(ip("10.2.0.1")));
    }

    #[test]
    fn a_network_with_bits_below_its_prefix_is_refused() {
        for good in [
            "10.1.0.0/16",
            "127.0.0.1/32",
            "0.0.0.0/0",
            "fd00:1::/32",
            "::/0",
        ] {
            assert!(parse_network(good).is_some(), "{good}");
        }
        for bad in [
            "10.1.0.1/16",
            "10.0.0.0/33",
            "10.0.0.0",
            "fd00::1/64",
            "a/8",
            "::/129",
            "/8",
        ] {
            assert!(parse_network(bad).is_none(), "{bad}");
        }
    }

    static LOOK_UPS: AtomicUsize = AtomicUsize::new(0);

    /// An attacker's name server: the first look-up gets a harmless address, later ones get
    /// another.
    fn rebinding(_: &str) -> io::Result<Vec<SocketAddr>> {
        let address = match LOOK_UPS.fetch_add(1, Ordering::SeqCst) {
            0 => [127, 0, 0, 1],
            _ => [127, 0, 0, 2],
        };
        Ok(vec![(address, 0).into()])
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_and_the_connection_uses_the_checked_address() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        });
        let reach = Reach {
            networks: [parse_network("127.0.0.1/32").expect("a network")].into(),
            look_up: rebinding,
        };
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let client = client
            .dns_resolver(Arc::new(reach))
            .build()
            .expect("a client");
        let url = format!("http://rebinding.example:{port}/");
        let answer = client.get(&url).send().await.expect("an answer");
        assert_eq!(answer.status(), 204);
        served.join().expect("it served");
        assert_eq!(LOOK_UPS.load(Ordering::SeqCst), 1);
        // The next connection is checked again.
        let refused = client
            .get(&url)
            .send()
            .await
            .expect_err("it leads elsewhere now");
        assert!(refused.is_connect(), "{refused:?}");
        assert_eq!(LOOK_UPS.load(Ordering::SeqCst), 2);
    }
}
