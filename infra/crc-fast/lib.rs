//! The part of the crate `crc-fast` that the SDK uses: three checksums of S3, each by one table.
//!
//! The SDK sends CRC-32 with each object that it writes. S3 verifies the checksum, so a wrong one
//! is a refused write.

/// The checksums of
/// [S3](https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html),
/// by the names of `crc-fast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-32, as in zip and PNG.
    Crc32IsoHdlc,
    /// CRC-32C.
    Crc32Iscsi,
    /// CRC-64/NVME.
    Crc64Nvme,
}

/// The state of a checksum, whose initial value and final XOR both have all bits of its width set.
#[derive(Debug, Clone)]
pub struct Digest {
    table: &'static [u64; 256],
    ones: u64,
    state: u64,
}

/// The remainders of one byte each under a polynomial whose lowest coefficient is the highest bit.
const fn table(reflected: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut remainder, mut bit) = (byte as u64, 0);
        while bit < 8 {
            let subtrahend = if remainder & 1 == 1 { reflected } else { 0 };
            remainder = (remainder >> 1) ^ subtrahend;
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
}

// The polynomials of https://reveng.sourceforge.io/crc-catalogue/all.htm, reflected.
static CRC32: [u64; 256] = table(0xedb8_8320);
static CRC32C: [u64; 256] = table(0x82f6_3b78);
static CRC64_NVME: [u64; 256] = table(0x9a6c_9329_ac4b_c9b5);

impl Digest {
    /// The checksum of no bytes.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        let (table, ones) = match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => (&CRC32, u32::MAX.into()),
            CrcAlgorithm::Crc32Iscsi => (&CRC32C, u32::MAX.into()),
            CrcAlgorithm::Crc64Nvme => (&CRC64_NVME, u64::MAX),
        };
        Self {
            table,
            ones,
            state: ones,
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state = bytes.iter().fold(self.state, |state, byte| {
            let [low, ..] = state.to_le_bytes();
            self.table[usize::from(low ^ byte)] ^ (state >> 8)
        });
    }

    /// The checksum of the bytes so far.
    pub fn finalize(&self) -> u64 {
        self.state ^ self.ones
    }
}

/// The checksum of some bytes.
pub fn checksum(algorithm: CrcAlgorithm, bytes: &[u8]) -> u64 {
    let mut digest = Digest::new(algorithm);
    digest.update(bytes);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of <https://reveng.sourceforge.io/crc-catalogue/all.htm>.
    const CHECKS: [(CrcAlgorithm, u64); 3] = [
        (CrcAlgorithm::Crc32IsoHdlc, 0xcbf4_3926),
        (CrcAlgorithm::Crc32Iscsi, 0xe306_9283),
        (CrcAlgorithm::Crc64Nvme, 0xae8b_1486_0a79_9888),
    ];

    #[test]
    fn each_checksum_has_the_check_value_of_the_catalogue() {
        for (algorithm, check) in CHECKS {
            assert_eq!(checksum(algorithm, b"123456789"), check, "{algorithm:?}");
            assert_eq!(checksum(algorithm, b""), 0, "{algorithm:?}");
        }
    }

    #[test]
    fn a_checksum_is_the_same_for_any_division_of_its_bytes() {
        for (algorithm, check) in CHECKS {
            for at in 0..=9 {
                let (first, rest) = b"123456789".split_at(at);
                let mut digest = Digest::new(algorithm);
                digest.update(first);
                digest.update(rest);
                assert_eq!(digest.finalize(), check, "{algorithm:?} at {at}");
            }
        }
    }
}
