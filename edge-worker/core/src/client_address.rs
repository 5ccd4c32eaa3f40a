//! Where a delivery comes from: the client's address, and the networks that may deliver.
//!
//! On Cloudflare the address stands in `CF-Connecting-IP`, which the platform writes itself, over
//! whatever a client has sent.

use core::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::request::Request;

/// The header that holds the client's address.
pub(crate) const HEADER: &str = "cf-connecting-ip";

/// How much of an IPv6 address stands for one client: who has one, has all the rest of a /64.
const CLIENT_PREFIX_V6: u32 = 64;

/// Bits of an IPv6 address before the IPv4 address that it may hold (`::ffff:0:0/96`).
const MAPPED_PREFIX: u8 = 96;

/// The address in the header. An IPv4 address that is written as an IPv6 one is an IPv4 address.
pub(crate) fn parse(header: &str) -> Option<IpAddr> {
    header.trim().parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// The client that a request comes from, as it is counted; none if that is not known.
pub(crate) fn of(request: &Request) -> Option<IpAddr> {
    request.header(HEADER).and_then(parse).map(client)
}

/// What stands for a client when its deliveries are counted: the address itself, or its /64.
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = u128::BITS.saturating_sub(CLIENT_PREFIX_V6);
            let network = address.to_bits() & u128::MAX.checked_shl(bits).unwrap_or(0);
            Ipv6Addr::from_bits(network).into()
        }
    }
}

/// Whether deliveries are accepted from an address. Without a list they are from anywhere; with one,
/// an address that is not known is in no network.
pub(crate) fn is_accepted(networks: Option<&[Network]>, address: Option<IpAddr>) -> bool {
    let Some(networks) = networks else { return true };
    address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
}

/// An address, or a prefix that many addresses share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network(IpNet);

impl Network {
    /// Reads an address or a CIDR prefix. Bits beyond the prefix must be zero: an address with a
    /// slip in its prefix would otherwise let in far more than was meant.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().ok()?,
        };
        // A part of the IPv4 addresses, written as IPv6 ones, is a network of IPv4 addresses. A
        // wider network, such as `::/0`, is one of IPv6 addresses only.
        let mapped = match (network.addr().to_canonical(), network.prefix_len()) {
            (IpAddr::V4(address), prefix) if network.addr().is_ipv6() => {
                let prefix = prefix.checked_sub(MAPPED_PREFIX);
                prefix.and_then(|prefix| Ipv4Net::new(address, prefix).ok()).map(IpNet::from)
            }
            _ => None,
        };
        let network = mapped.unwrap_or(network);
        (network.trunc() == network).then_some(Self(network))
    }

    fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn contains(text: &str, address: &str) -> bool {
        network(text).contains(parse(address).unwrap())
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(!contains("192.0.2.7", "192.0.2.6"));
        assert!(contains("2001:db8::1", "2001:DB8:0:0::1"));
        assert!(!contains("2001:db8::1", "2001:db8::2"));
    }

    #[test]
    fn a_prefix_holds_its_addresses_and_no_other() {
        for (network, first, last, outside) in [
            ("198.51.100.0/24", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("198.51.100.128/25", "198.51.100.128", "198.51.100.255", "198.51.100.127"),
            ("0.0.0.0/1", "0.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("2001:db8::/32", "2001:db8::", "2001:db8:ffff::ffff", "2001:db9::"),
            ("2001:db8::8/125", "2001:db8::8", "2001:db8::f", "2001:db8::7"),
        ] {
            assert!(contains(network, first) && contains(network, last), "{network}");
            assert!(!contains(network, outside), "{network}");
        }
    }

    #[test]
    fn the_two_kinds_of_addresses_do_not_meet() {
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(!contains("::/0", "192.0.2.7"));
        assert!(!contains("::/0", "::ffff:192.0.2.7"));
        assert!(!contains("::c000:207", "192.0.2.7"));
    }

    #[test]
    fn ipv4_written_as_ipv6_is_ipv4_on_either_side() {
        assert!(contains("192.0.2.0/24", "::ffff:192.0.2.7"));
        assert!(contains("::ffff:192.0.2.7", "192.0.2.7"));
        assert!(contains("::ffff:192.0.2.0/120", "192.0.2.7"));
        assert!(!contains("::ffff:192.0.2.0/120", "192.0.3.7"));
        assert!(contains("::ffff:0:0/96", "192.0.2.7"));
        assert!(!contains("::ffff:0:0/96", "2001:db8::1"));
    }

    #[test]
    fn anything_else_is_no_network() {
        for text in [
            "",
            "/",
            "/24",
            "192.0.2.7/",
            "192.0.2.7/33",
            "192.0.2.7/+8",
            "192.0.2.0/-1",
            "192.0.2.0/24/24",
            "192.0.2.0/99999999999",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.07",
            "0xc0000207",
            "2001:db8::/129",
            "[2001:db8::1]",
            "fe80::1%eth0",
            "example.com",
            "any",
            // Bits beyond the prefix.
            "192.0.2.7/24",
            "192.0.2.7/0",
            "2001:db8::1/64",
            "::ffff:192.0.2.7/120",
        ] {
            assert_eq!(Network::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_header_that_holds_no_address_names_nobody() {
        assert_eq!(parse(" 192.0.2.7 "), parse("192.0.2.7"));
        assert_eq!(parse("::ffff:192.0.2.7"), parse("192.0.2.7"));
        for header in ["", "192.0.2.7, 192.0.2.8", "192.0.2.7:80", "unknown"] {
            assert_eq!(parse(header), None, "{header:?}");
        }
    }

    #[test]
    fn without_a_list_everybody_may_deliver_and_with_one_nobody_unknown() {
        let address = parse("192.0.2.7");
        assert!(is_accepted(None, None) && is_accepted(None, address));
        let networks = [network("198.51.100.0/24"), network("192.0.2.7")];
        assert!(is_accepted(Some(&networks), address));
        assert!(!is_accepted(Some(&networks), parse("192.0.2.8")));
        assert!(!is_accepted(Some(&networks), None));
        assert!(!is_accepted(Some(&[]), address));
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_a_64() {
        let client = |text| client(parse(text).unwrap()).to_string();
        assert_eq!(client("192.0.2.7"), "192.0.2.7");
        assert_eq!(client("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(client("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(client("2001:db8:1:2:ffff::"), "2001:db8:1:2::");
        assert_ne!(client("2001:db8:1:3::"), "2001:db8:1:2::");
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in "[0-9a-f.:/+ ]{0,50}") {
            let _ = (parse(&text), Network::parse(&text));
        }

        /// A naive model: compare the first bits of both addresses as text.
        #[test]
        fn a_network_holds_what_starts_with_its_bits(
            base: u32, other: u32, is_near: bool, prefix in 0_usize..=32,
        ) {
            let other = if is_near { base ^ (other >> prefix.min(31)) } else { other };
            let digits = |number: u32| format!("{number:032b}");
            let start = format!("{:0<32}", &digits(base)[..prefix]);
            let start = core::net::Ipv4Addr::from(u32::from_str_radix(&start, 2).unwrap());
            let address = IpAddr::from(core::net::Ipv4Addr::from(other));
            let expected = digits(other)[..prefix] == digits(base)[..prefix];
            prop_assert_eq!(network(&format!("{start}/{prefix}")).contains(address), expected);
            let mapped = format!("{}/{}", start.to_ipv6_mapped(), prefix.saturating_add(96));
            prop_assert_eq!(network(&mapped).contains(address), expected);
        }
    }
}
