//! Randomness of a tick: a stream of bytes that its seed decides. Who sees a part of it cannot tell the rest, or the seed.

use sha2::{Digest as _, Sha256};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::Wasi;

/// Bytes that one call may ask for; as much work as fits between two of the sandbox's looks at the clock.
const MAX_BYTES: u64 = 64 << 10;

/// SHA-256 over the seed and a counter, block by block.
pub(super) struct Generator {
    seed: u64,
    /// Number of the next block.
    next: u64,
    block: [u8; 32],
    /// Bytes of the block that have been given out.
    used: usize,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Generator {
            seed,
            next: 0,
            block: [0; 32],
            used: 32,
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.used == self.block.len() {
                let mut hash = Sha256::new_with_prefix(b"flowgate wasi random");
                hash.update(self.seed.to_le_bytes());
                hash.update(self.next.to_le_bytes());
                self.block = hash.finalize().into();
                self.next += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }

    fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MAX_BYTES {
            return Err(wasmtime::format_err!(
                "the flow asks for {len} random bytes in one call; at most {MAX_BYTES} are given"
            ));
        }
        let mut bytes = vec![0; len as usize];
        self.fill(&mut bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl random::Host for Wasi {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure::Host for Wasi {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure_seed::Host for Wasi {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random.number(), self.random.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream_however_it_is_read() {
        let mut whole = Generator::new(7);
        let mut parts = Generator::new(7);
        let whole = whole.bytes(100).unwrap();
        let mut read = parts.number().to_le_bytes().to_vec();
        read.extend(parts.bytes(92).unwrap());
        assert_eq!(whole, read);
        assert_ne!(whole, Generator::new(8).bytes(100).unwrap());
        assert!(Generator::new(7).bytes(MAX_BYTES + 1).is_err());
    }
}
