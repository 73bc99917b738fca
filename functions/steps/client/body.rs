//! Reads the body of an answer as its headers say: content codings, then the charset. What cannot
//! be read is an error, and no byte is replaced.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::{Decompress, FlushDecompress, Status, read::MultiGzDecoder};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName};

use super::BODY_LIMIT;

/// Most content codings of one answer. An ordinary answer has one.
const MOST_CODINGS: usize = 4;

/// The reason why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// A body larger than [`BODY_LIMIT`], as it was sent, decompressed or as UTF-8.
    #[error("it has more than {BODY_LIMIT} bytes")]
    TooLarge,
    /// A content coding that is not known.
    #[error("its content-encoding is none of gzip, deflate and br")]
    UnknownCoding,
    /// Bytes that are not of the content coding that the headers name.
    #[error("it is not valid {0}, which its content-encoding says")]
    WrongCoding(&'static str),
    /// A charset that is not known.
    #[error("its charset is not known")]
    UnknownCharset,
    /// Bytes that are not of the charset.
    #[error("it is not valid {0}")]
    WrongCharset(&'static str),
}

/// Undoes the content codings of a body, the last one first (RFC 9110 §8.4). Each result is
/// limited.
pub(super) fn decompressed(headers: &HeaderMap, body: Vec<u8>) -> Result<Vec<u8>, BodyError> {
    let lines = headers.get_all(CONTENT_ENCODING).iter();
    let lines: Result<Vec<&str>, _> = lines.map(|line| line.to_str()).collect();
    let lines = lines.map_err(|_| BodyError::UnknownCoding)?;
    let codings = lines.iter().flat_map(|line| line.split(','));
    let codings = codings.map(|coding| coding.trim().to_ascii_lowercase());
    let codings: Vec<String> = codings
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    // A 204 may name the coding that a body would have.
    if body.is_empty() {
        return Ok(body);
    }
    if codings.len() > MOST_CODINGS {
        return Err(BodyError::UnknownCoding);
    }
    codings
        .iter()
        .rev()
        .try_fold(body, |body, coding| decoded(coding, &body))
}

fn decoded(coding: &str, body: &[u8]) -> Result<Vec<u8>, BodyError> {
    match coding {
        "gzip" | "x-gzip" => all("gzip", MultiGzDecoder::new(body)),
        // RFC 9110 §8.4.1.2: some targets send deflate without the format zlib around it.
        "deflate" => inflated(body, is_zlib(body)),
        // RFC 7932 §9.1 reserves these bits; others use them for windows of up to a gigabyte.
        "br" if body.first().is_some_and(|first| first & 0x7f == 0x11) => {
            Err(BodyError::WrongCoding("br"))
        }
        "br" => all("br", Decompressor::new(body, 4096)),
        _ => Err(BodyError::UnknownCoding),
    }
}

fn all(coding: &'static str, from: impl Read) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    let limit = BODY_LIMIT as u64 + 1;
    let read: io::Result<usize> = from.take(limit).read_to_end(&mut bytes);
    match read {
        _ if bytes.len() > BODY_LIMIT => Err(BodyError::TooLarge),
        Ok(_) => Ok(bytes),
        Err(_) => Err(BodyError::WrongCoding(coding)),
    }
}

/// The bytes of a deflate stream. Its end must be there: a reader of flate2 would take a cut one.
fn inflated(body: &[u8], zlib: bool) -> Result<Vec<u8>, BodyError> {
    let wrong = BodyError::WrongCoding("deflate");
    let mut stream = Decompress::new(zlib);
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(1 << 16);
        let (read, written) = (stream.total_in(), stream.total_out());
        let rest = body.get(read as usize..).unwrap_or_default();
        match stream.decompress_vec(rest, &mut bytes, FlushDecompress::None) {
            _ if bytes.len() > BODY_LIMIT => return Err(BodyError::TooLarge),
            Ok(Status::StreamEnd) => return Ok(bytes),
            Err(_) => return Err(wrong),
            Ok(_) if (stream.total_in(), stream.total_out()) == (read, written) => {
                return Err(wrong);
            }
            Ok(_) => {}
        }
    }
}

/// True if bytes begin as the format zlib does (RFC 1950 §2.2).
fn is_zlib(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

/// The text of a decompressed body, by its byte order mark, else by the charset of its
/// content-type, else as UTF-8 (RFC 8259 §8.1).
pub(super) fn text(headers: &HeaderMap, body: &[u8]) -> Result<String, BodyError> {
    let (encoding, mark) = match Encoding::for_bom(body) {
        // The mark of UTF-32 begins with that of UTF-16.
        Some(_) if body.starts_with(&[0xff, 0xfe, 0, 0]) => {
            return Err(BodyError::UnknownCharset);
        }
        Some(found) => found,
        None => (charset(headers, body)?, 0),
    };
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(&body[mark..])
        .ok_or(BodyError::WrongCharset(encoding.name()))?;
    match text.len() > BODY_LIMIT {
        true => Err(BodyError::TooLarge),
        false => Ok(text.into_owned()),
    }
}

/// The beginning of a body that is UTF-8. A body that was cut ends within a character.
pub(super) fn utf8_beginning(body: &[u8]) -> String {
    let valid = body.utf8_chunks().next().map(|chunk| chunk.valid());
    valid.unwrap_or_default().to_owned()
}

/// The charset that the content-type names.
fn charset(headers: &HeaderMap, body: &[u8]) -> Result<&'static Encoding, BodyError> {
    let Some(label) = parameter(headers, CONTENT_TYPE, "charset") else {
        return Ok(UTF_8);
    };
    let known = Encoding::for_label_no_replacement(label.as_bytes());
    match known.ok_or(BodyError::UnknownCharset)? {
        // The label utf-16 leaves the order of bytes open, and texts begin with ASCII.
        encoding if encoding == UTF_16LE && body.first() == Some(&0) => {
            let says = label.to_ascii_lowercase().ends_with("le");
            Ok(if says { UTF_16LE } else { UTF_16BE })
        }
        encoding => Ok(encoding),
    }
}

/// A parameter of a header, without its quotes.
fn parameter(headers: &HeaderMap, header: HeaderName, name: &str) -> Option<String> {
    let value = headers.get(header)?.to_str().ok()?;
    let mut parameters = value.split(';').skip(1);
    parameters.find_map(|parameter| {
        let (found, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let is_it = found.trim().eq_ignore_ascii_case(name) && !value.is_empty();
        is_it.then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests;
