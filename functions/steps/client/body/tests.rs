//! Tests of bodies in each coding and charset, and of what is not what its headers say.

use std::io::Write;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use proptest::prelude::*;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{super::BODY_LIMIT, BodyError, decompressed, text};

/// `{"id":"ä"}` by Node.js's zlib.brotliCompressSync.
const BROTLI: [u8; 15] = [
    0x0b, 0x05, 0x80, 0x7b, 0x22, 0x69, 0x64, 0x22, 0x3a, 0x22, 0xc3, 0xa4, 0x22, 0x7d, 0x03,
];
/// 2 MiB of `0`, so too.
const BROTLI_BOMB: [u8; 14] = [
    0x9b, 0xff, 0xff, 0x1f, 0xf8, 0x25, 0x60, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x03,
];
/// 1 MiB of `0` with a window of a gigabyte, which RFC 7932 does not have.
const LARGE_WINDOW: [u8; 15] = [
    0x11, 0x5e, 0xfd, 0xff, 0x3f, 0x7e, 0x09, 0x98, 0x78, 0x2c, 0x10, 0x90, 0x7b, 0xff, 0x00,
];

fn headers(coding: &str, content_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).expect("a header");
    if !coding.is_empty() {
        headers.insert(CONTENT_ENCODING, value(coding));
    }
    if !content_type.is_empty() {
        headers.insert(CONTENT_TYPE, value(content_type));
    }
    headers
}

fn read(coding: &str, content_type: &str, body: &[u8]) -> Result<String, BodyError> {
    let headers = headers(coding, content_type);
    text(&headers, &decompressed(&headers, body.to_vec())?)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::default());
    to.write_all(body).expect("memory");
    to.finish().expect("memory")
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut to = ZlibEncoder::new(Vec::new(), Compression::default());
    to.write_all(body).expect("memory");
    to.finish().expect("memory")
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut to = DeflateEncoder::new(Vec::new(), Compression::default());
    to.write_all(body).expect("memory");
    to.finish().expect("memory")
}

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn a_body_is_read_by_its_mark_else_by_its_charset_else_as_utf_8() {
    let json = r#"{"id":"ä"}"#;
    let big = utf_16(json, u16::to_be_bytes);
    let little = utf_16(json, u16::to_le_bytes);
    let latin = b"{\"id\":\"\xe4\"}".to_vec();
    let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
    for (content_type, body) in [
        ("", json.as_bytes().to_vec()),
        ("application/json", json.as_bytes().to_vec()),
        ("", marked(&[0xef, 0xbb, 0xbf], json.as_bytes())),
        (
            "text/plain; charset=latin1",
            marked(&[0xef, 0xbb, 0xbf], json.as_bytes()),
        ),
        ("", marked(&[0xfe, 0xff], &big)),
        ("", marked(&[0xff, 0xfe], &little)),
        (
            "application/json; charset=utf-16",
            marked(&[0xff, 0xfe], &little),
        ),
        ("application/json; charset=utf-16", big.clone()),
        ("application/json; charset=utf-16", little.clone()),
        ("application/json; charset=utf-16be", big),
        ("application/json; charset=utf-16le", little),
        ("application/json;charset=ISO-8859-1", latin.clone()),
        (
            "text/json; q=\"1\"; Charset=\"windows-1252\"",
            latin.clone(),
        ),
        ("text/json; charset=latin1", latin),
        ("text/json; charset=\"UTF8\"", json.as_bytes().to_vec()),
        ("text/json; charset=", json.as_bytes().to_vec()),
    ] {
        assert_eq!(
            read("", content_type, &body).as_deref(),
            Ok(json),
            "{content_type} {body:?}"
        );
    }
}

#[test]
fn a_body_that_is_not_what_its_headers_say_is_an_error_and_no_byte_is_replaced() {
    let wrong = BodyError::WrongCharset;
    for (content_type, body, error) in [
        ("", b"a\xffb".as_slice(), wrong("UTF-8")),
        ("application/json", b"{\"id\":\"\xe4\"}", wrong("UTF-8")),
        ("text/plain; charset=utf-8", b"\xed\xa0\x80", wrong("UTF-8")),
        ("text/plain; charset=utf-16le", b"abc", wrong("UTF-16LE")),
        (
            "text/plain; charset=utf-16le",
            b"\x00\xd8",
            wrong("UTF-16LE"),
        ),
        ("text/plain; charset=shift_jis", b"\x81", wrong("Shift_JIS")),
        (
            "text/plain; charset=klingon",
            b"a",
            BodyError::UnknownCharset,
        ),
        ("text/plain; charset=utf-7", b"a", BodyError::UnknownCharset),
        (
            "text/plain; charset=utf-32",
            b"a\0\0\0",
            BodyError::UnknownCharset,
        ),
        ("", b"\xff\xfe\0\0a\0\0\0", BodyError::UnknownCharset),
    ] {
        assert_eq!(
            read("", content_type, body),
            Err(error),
            "{content_type} {body:?}"
        );
    }
}

#[test]
fn a_body_is_decompressed_as_its_content_encoding_says() {
    let json = r#"{"id":"ä"}"#;
    let plain = json.as_bytes();
    for (coding, body) in [
        ("", plain.to_vec()),
        ("identity", plain.to_vec()),
        ("gzip", gzip(plain)),
        ("GZIP", gzip(plain)),
        ("x-gzip", gzip(plain)),
        (
            "gzip",
            [gzip(b"{\"id\":"), gzip("\"ä\"}".as_bytes())].concat(),
        ),
        ("deflate", zlib(plain)),
        ("deflate", deflate(plain)),
        ("br", BROTLI.to_vec()),
        ("deflate, gzip", gzip(&zlib(plain))),
        ("identity, gzip,", gzip(plain)),
    ] {
        assert_eq!(read(coding, "", &body).as_deref(), Ok(json), "{coding}");
        assert_eq!(
            read(coding, "", b""),
            Ok(String::new()),
            "{coding}: no body"
        );
    }
}

#[test]
fn a_body_that_is_not_of_its_coding_or_is_cut_is_an_error() {
    let plain = b"{\"id\":\"a body that is a little longer, longer, longer\"}";
    for (coding, name, body) in [
        ("gzip", "gzip", gzip(plain)),
        ("deflate", "deflate", zlib(plain)),
        ("deflate", "deflate", deflate(plain)),
        ("br", "br", BROTLI.to_vec()),
    ] {
        let wrong = Err(BodyError::WrongCoding(name));
        for length in 1..body.len() {
            assert_eq!(
                read(coding, "", &body[..length]),
                wrong,
                "{coding} {length}"
            );
        }
        assert_eq!(
            read(coding, "", b"\xff not compressed at all"),
            wrong,
            "{coding}"
        );
    }
    let mut damaged = gzip(plain);
    let checksum = damaged.len() - 5;
    damaged[checksum] ^= 1;
    assert_eq!(
        read("gzip", "", &damaged),
        Err(BodyError::WrongCoding("gzip"))
    );
    for unknown in [
        "zstd",
        "compress",
        "gzip, zstd",
        "gzip, gzip, gzip, gzip, gzip",
    ] {
        assert_eq!(
            read(unknown, "", b"x"),
            Err(BodyError::UnknownCoding),
            "{unknown}"
        );
    }
}

/// Compresses a body.
type Compress = fn(&[u8]) -> Vec<u8>;
/// Writes a code unit of UTF-16 in one order of bytes.
type UnitBytes = fn(u16) -> [u8; 2];

#[test]
fn a_compressed_body_ends_at_the_limit() {
    let zeros = |count| vec![b'0'; count];
    let codings: [(&str, Compress); 3] = [("gzip", gzip), ("deflate", zlib), ("deflate", deflate)];
    for (coding, compressed) in codings {
        let most = read(coding, "", &compressed(&zeros(BODY_LIMIT)));
        assert_eq!(most.map(|text| text.len()), Ok(BODY_LIMIT), "{coding}");
        for bomb in [BODY_LIMIT + 1, 1 << 26] {
            let body = compressed(&zeros(bomb));
            assert_eq!(
                read(coding, "", &body),
                Err(BodyError::TooLarge),
                "{coding} {bomb}"
            );
        }
    }
    let twice = gzip(&gzip(&zeros(1 << 26)));
    assert_eq!(read("gzip, gzip", "", &twice), Err(BodyError::TooLarge));
    assert_eq!(read("br", "", &BROTLI_BOMB), Err(BodyError::TooLarge));
    let large = Err(BodyError::WrongCoding("br"));
    assert_eq!(read("br", "", &LARGE_WINDOW), large);
    // Latin-1 has one byte for what UTF-8 writes with two.
    let latin = read("", "text/plain; charset=latin1", &vec![0xe4; BODY_LIMIT]);
    assert_eq!(latin, Err(BodyError::TooLarge));
}

/// Charsets that a header can name, and texts that are none.
const CHARSETS: [&str; 12] = [
    "",
    "utf-8",
    "latin1",
    "windows-1252",
    "utf-16",
    "utf-16be",
    "utf-16le",
    "gb18030",
    "euc-jp",
    "iso-2022-jp",
    "big5",
    "no-such",
];
const CODINGS: [&str; 8] = [
    "",
    "gzip",
    "deflate",
    "br",
    "gzip, deflate",
    "br, br",
    "zstd",
    ",, identity",
];

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400),
        any::<String>().prop_map(String::into_bytes),
        any::<String>().prop_map(|text| utf_16(&text, u16::to_le_bytes)),
        any::<String>().prop_map(|text| gzip(text.as_bytes())),
        any::<String>().prop_map(|text| zlib(text.as_bytes())),
        (any::<String>(), any::<(u8, u16)>()).prop_map(|(text, (byte, place))| {
            let mut body = gzip(text.as_bytes());
            let place = place as usize % body.len();
            body[place] = byte;
            body
        }),
        (any::<u8>(), any::<u8>()).prop_map(|(byte, place)| {
            let mut body = BROTLI.to_vec();
            body[place as usize % BROTLI.len()] = byte;
            body
        }),
        (0_usize..1 << 24).prop_map(|count| gzip(&vec![b'x'; count])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_body_is_read_within_the_limit_or_is_an_error_and_nothing_panics(
        body in bodies(),
        coding in prop::sample::select(&CODINGS[..]),
        charset in prop::sample::select(&CHARSETS[..]),
    ) {
        let content_type = format!("application/json; charset={charset}");
        if let Ok(text) = read(coding, &content_type, &body) {
            prop_assert!(text.len() <= BODY_LIMIT);
            let replaced = text.contains(char::REPLACEMENT_CHARACTER);
            let plain = String::from_utf8_lossy(&body).contains(char::REPLACEMENT_CHARACTER);
            prop_assert!(!replaced || plain || !coding.is_empty() || !charset.is_empty());
        }
    }

    #[test]
    fn a_text_survives_every_charset_that_has_its_characters(body in "[a-zäß€]{0,40}") {
        for (label, encoding) in [
            ("utf-8", encoding_rs::UTF_8),
            ("windows-1252", encoding_rs::WINDOWS_1252),
            ("gb18030", encoding_rs::GB18030),
        ] {
            let (bytes, _, lost) = encoding.encode(&body);
            prop_assume!(!lost);
            let found = read("gzip", &format!("text/plain; charset={label}"), &gzip(&bytes));
            prop_assert_eq!(found, Ok(body.clone()));
        }
        let orders: [(&Encoding, UnitBytes); 2] =
            [(UTF_16LE, u16::to_le_bytes), (UTF_16BE, u16::to_be_bytes)];
        for (encoding, bytes) in orders {
            let label = format!("text/plain; charset={}", encoding.name());
            prop_assert_eq!(read("", &label, &utf_16(&body, bytes)), Ok(body.clone()));
        }
    }
}
