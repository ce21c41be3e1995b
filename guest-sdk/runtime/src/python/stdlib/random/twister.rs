//! The Mersenne Twister (MT19937) as CPython seeds and reads it, so that a seed gives the numbers that CPython gives.

use num_bigint::BigUint;

const N: usize = 624;
const M: usize = 397;

#[derive(Clone)]
pub(super) struct Twister {
    state: [u32; N],
    /// The next word; `N`: all are used.
    at: usize,
}

impl Twister {
    fn of_word(seed: u32) -> Self {
        let mut state = [0; N];
        let mut last = seed;
        for (i, word) in state.iter_mut().enumerate() {
            if i > 0 {
                last = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
            }
            *word = last;
        }
        Twister { state, at: N }
    }

    /// `init_by_array`; the key is never empty.
    pub(super) fn of_key(key: &[u32]) -> Self {
        let mut twister = Twister::of_word(19_650_218);
        let state = &mut twister.state;
        let (mut i, mut j) = (1, 0);
        let mut last = state[0];
        for _ in 0..N.max(key.len()) {
            let mixed = (last ^ (last >> 30)).wrapping_mul(1_664_525);
            let word = (state[i] ^ mixed)
                .wrapping_add(key.get(j).copied().unwrap_or(0))
                .wrapping_add(j as u32);
            state[i] = word;
            last = word;
            i += 1;
            j += 1;
            if i >= N {
                state[0] = last;
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..N - 1 {
            let mixed = (last ^ (last >> 30)).wrapping_mul(1_566_083_941);
            let word = (state[i] ^ mixed).wrapping_sub(i as u32);
            state[i] = word;
            last = word;
            i += 1;
            if i >= N {
                state[0] = last;
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        twister
    }

    /// The words of the state and the place of the next, as `getstate` shows them.
    pub(super) fn words(&self) -> (&[u32; N], usize) {
        (&self.state, self.at)
    }

    pub(super) fn of_words(words: &[u32], at: usize) -> Option<Self> {
        let state = words.try_into().ok()?;
        (at <= N).then_some(Twister { state, at })
    }

    fn refill(&mut self) {
        let twist = |high: u32, low: u32| {
            let y = (high & 0x8000_0000) | (low & 0x7fff_ffff);
            (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 }
        };
        let state = &mut self.state;
        for i in 0..N {
            state[i] = state[(i + M) % N] ^ twist(state[i], state[(i + 1) % N]);
        }
        self.at = 0;
    }

    pub(super) fn word(&mut self) -> u32 {
        if self.at >= N {
            self.refill();
        }
        let mut y = self.state.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// `random()`: 53 bits in [0, 1).
    pub(super) fn float(&mut self) -> f64 {
        let (high, low) = (f64::from(self.word() >> 5), f64::from(self.word() >> 6));
        (high * 67_108_864.0 + low) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `getrandbits(bits)` for up to 64 of them.
    pub(super) fn bits(&mut self, bits: u32) -> u64 {
        match bits {
            0 => 0,
            1..=32 => u64::from(self.word() >> (32 - bits)),
            _ => {
                let low = u64::from(self.word());
                low | u64::from(self.word() >> (64 - bits.min(64))) << 32
            }
        }
    }

    /// `getrandbits(bits)` for any number of them.
    pub(super) fn big_bits(&mut self, bits: u64) -> BigUint {
        let mut words = Vec::with_capacity(bits.div_ceil(32) as usize);
        let mut left = bits;
        while left > 0 {
            let word = self.word();
            words.push(if left < 32 { word >> (32 - left) } else { word });
            left = left.saturating_sub(32);
        }
        BigUint::new(words)
    }

    /// A number below `n`, each as likely; 0 when there is none.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        let bits = 64 - n.leading_zeros();
        if n == 0 {
            return 0;
        }
        loop {
            let number = self.bits(bits);
            if number < n {
                return number;
            }
        }
    }

    pub(super) fn big_below(&mut self, n: &BigUint) -> BigUint {
        if n.bits() == 0 {
            return BigUint::ZERO;
        }
        loop {
            let number = self.big_bits(n.bits());
            if number < *n {
                return number;
            }
        }
    }
}
