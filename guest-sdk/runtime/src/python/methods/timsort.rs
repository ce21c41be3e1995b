//! CPython's merge sort (`listobject.c` of 3.11): stable, quick on runs that are there already, and with the same result for an
//! order that is none (NaN, a class whose `<` contradicts itself), because it asks the same questions.
//!
//! An error of a comparison stops it; the slice is then some permutation of what it was.

use std::mem::{swap, take};

use crate::python::error::Py;

/// A run of galloping starts when one side wins this often in a row.
const MIN_GALLOP: usize = 7;

pub fn sort<T: Default>(items: &mut [T], less: impl FnMut(&T, &T) -> Py<bool>) -> Py<()> {
    if items.len() < 2 {
        return Ok(());
    }
    let mut sorter = Sorter {
        less,
        min_gallop: MIN_GALLOP,
        spare: Vec::new(),
        runs: Vec::new(),
    };
    sorter.sort(items)
}

/// A sorted part of the slice, waiting to be merged.
struct Run {
    start: usize,
    len: usize,
    /// How deep the border to the next run lies in a perfectly balanced tree of merges.
    power: u32,
}

struct Sorter<T, F> {
    less: F,
    min_gallop: usize,
    /// Where the smaller of two runs stays during their merge.
    spare: Vec<T>,
    runs: Vec<Run>,
}

impl<T: Default, F: FnMut(&T, &T) -> Py<bool>> Sorter<T, F> {
    fn sort(&mut self, items: &mut [T]) -> Py<()> {
        let len = items.len();
        let shortest = min_run(len);
        let mut start = 0;
        while start < len {
            let mut run = self.count_run(&mut items[start..])?;
            if run < shortest {
                let forced = shortest.min(len - start);
                self.insert(&mut items[start..start + forced], run)?;
                run = forced;
            }
            self.found_run(items, run, len)?;
            self.runs.push(Run {
                start,
                len: run,
                power: 0,
            });
            start += run;
        }
        while self.runs.len() > 1 {
            let mut at = self.runs.len() - 2;
            if at > 0 && self.runs[at - 1].len < self.runs[at + 1].len {
                at -= 1;
            }
            self.merge_at(items, at)?;
        }
        Ok(())
    }

    /// The length of the run at the start; a strictly falling one is turned round.
    fn count_run(&mut self, items: &mut [T]) -> Py<usize> {
        if items.len() < 2 {
            return Ok(items.len());
        }
        let falling = (self.less)(&items[1], &items[0])?;
        let mut len = 2;
        while len < items.len() && (self.less)(&items[len], &items[len - 1])? == falling {
            len += 1;
        }
        if falling {
            items[..len].reverse();
        }
        Ok(len)
    }

    /// Insertion sort by bisection; the first `sorted` are in order.
    fn insert(&mut self, items: &mut [T], sorted: usize) -> Py<()> {
        for at in sorted..items.len() {
            let (mut left, mut right) = (0, at);
            while left < right {
                let middle = left + (right - left) / 2;
                if (self.less)(&items[at], &items[middle])? {
                    right = middle;
                } else {
                    left = middle + 1;
                }
            }
            items[left..=at].rotate_right(1);
        }
        Ok(())
    }

    /// Merges earlier runs as the powers of their borders demand, before a run of `next` items is pushed.
    fn found_run(&mut self, items: &mut [T], next: usize, len: usize) -> Py<()> {
        let Some(last) = self.runs.last() else {
            return Ok(());
        };
        let power = power(last.start, last.len, next, len);
        while let [.., before, _] = self.runs.as_slice() {
            if before.power <= power {
                break;
            }
            self.merge_at(items, self.runs.len() - 2)?;
        }
        if let Some(last) = self.runs.last_mut() {
            last.power = power;
        }
        Ok(())
    }

    /// Merges runs `at` and `at + 1`.
    fn merge_at(&mut self, items: &mut [T], at: usize) -> Py<()> {
        let second = self.runs.remove(at + 1);
        let first = &mut self.runs[at];
        let (start, middle, end) = (first.start, second.start, second.start + second.len);
        first.len += second.len;
        first.power = second.power;
        // What is below the second run's first item, and above the first run's last, is in place.
        let skipped = self.gallop_right(&items[middle], &items[start..middle], 0)?;
        let start = start + skipped;
        if start == middle {
            return Ok(());
        }
        let kept = self.gallop_left(&items[middle - 1], &items[middle..end], end - middle - 1)?;
        if kept == 0 {
            return Ok(());
        }
        let part = &mut items[start..middle + kept];
        let first = middle - start;
        let mut spare = take(&mut self.spare);
        let done = if first <= kept {
            self.merge_low(part, first, &mut spare)
        } else {
            self.merge_high(part, first, &mut spare)
        };
        self.spare = spare;
        done
    }

    /// Merges from the left; the first run, the shorter, waits in `spare`.
    fn merge_low(&mut self, items: &mut [T], first: usize, spare: &mut Vec<T>) -> Py<()> {
        spare.clear();
        spare.extend(items[..first].iter_mut().map(take));
        let mut merge = Merge { a: 0, b: first, dest: 0 };
        let done = self.merge_low_steps(items, spare, &mut merge);
        // The gap between what is merged and the rest of the second run is just as long as what is left of the first. After an
        // error the order does not matter.
        if done.as_ref().is_ok_and(|second_first| *second_first) {
            for at in merge.b..items.len() {
                items.swap(merge.dest, at);
                merge.dest += 1;
            }
        }
        for (dest, item) in items[merge.dest..].iter_mut().zip(&mut spare[merge.a..]) {
            swap(dest, item);
        }
        done.map(|_| ())
    }

    /// True when what is left of the second run goes before what is left of the first (one item).
    fn merge_low_steps(&mut self, items: &mut [T], spare: &mut [T], m: &mut Merge) -> Py<bool> {
        let mut min_gallop = self.min_gallop;
        items.swap(m.dest, m.b);
        m.dest += 1;
        m.b += 1;
        if m.b == items.len() {
            return Ok(false);
        }
        if spare.len() - m.a == 1 {
            return Ok(true);
        }
        loop {
            let (mut wins_a, mut wins_b) = (0, 0);
            loop {
                if (self.less)(&items[m.b], &spare[m.a])? {
                    items.swap(m.dest, m.b);
                    m.dest += 1;
                    m.b += 1;
                    (wins_a, wins_b) = (0, wins_b + 1);
                    if m.b == items.len() {
                        return Ok(false);
                    }
                    if wins_b >= min_gallop {
                        break;
                    }
                } else {
                    swap(&mut items[m.dest], &mut spare[m.a]);
                    m.dest += 1;
                    m.a += 1;
                    (wins_a, wins_b) = (wins_a + 1, 0);
                    if spare.len() - m.a == 1 {
                        return Ok(true);
                    }
                    if wins_a >= min_gallop {
                        break;
                    }
                }
            }
            min_gallop += 1;
            loop {
                if min_gallop > 1 {
                    min_gallop -= 1;
                }
                self.min_gallop = min_gallop;
                wins_a = self.gallop_right(&items[m.b], &spare[m.a..], 0)?;
                for _ in 0..wins_a {
                    swap(&mut items[m.dest], &mut spare[m.a]);
                    m.dest += 1;
                    m.a += 1;
                }
                if wins_a > 0 && spare.len() - m.a == 1 {
                    return Ok(true);
                }
                // Only with an order that is none.
                if m.a == spare.len() {
                    return Ok(false);
                }
                items.swap(m.dest, m.b);
                m.dest += 1;
                m.b += 1;
                if m.b == items.len() {
                    return Ok(false);
                }
                wins_b = self.gallop_left(&spare[m.a], &items[m.b..], 0)?;
                for _ in 0..wins_b {
                    items.swap(m.dest, m.b);
                    m.dest += 1;
                    m.b += 1;
                }
                if m.b == items.len() {
                    return Ok(false);
                }
                swap(&mut items[m.dest], &mut spare[m.a]);
                m.dest += 1;
                m.a += 1;
                if spare.len() - m.a == 1 {
                    return Ok(true);
                }
                if wins_a < MIN_GALLOP && wins_b < MIN_GALLOP {
                    break;
                }
            }
            min_gallop += 1;
            self.min_gallop = min_gallop;
        }
    }

    /// Merges from the right; the second run, the shorter, waits in `spare`.
    fn merge_high(&mut self, items: &mut [T], first: usize, spare: &mut Vec<T>) -> Py<()> {
        spare.clear();
        spare.extend(items[first..].iter_mut().map(take));
        // All three count what is left: of the first run, of the second, and of the places.
        let mut merge = Merge {
            a: first,
            b: spare.len(),
            dest: items.len(),
        };
        let done = self.merge_high_steps(items, spare, &mut merge);
        if done.as_ref().is_ok_and(|first_last| *first_last) {
            while merge.a > 0 {
                merge.a -= 1;
                merge.dest -= 1;
                items.swap(merge.a, merge.dest);
            }
        }
        for at in (0..merge.b).rev() {
            merge.dest -= 1;
            swap(&mut items[merge.dest], &mut spare[at]);
        }
        done.map(|_| ())
    }

    /// True when what is left of the first run goes behind what is left of the second (one item).
    fn merge_high_steps(&mut self, items: &mut [T], spare: &mut [T], m: &mut Merge) -> Py<bool> {
        let mut min_gallop = self.min_gallop;
        m.take_first(items);
        if m.a == 0 {
            return Ok(false);
        }
        if m.b == 1 {
            return Ok(true);
        }
        loop {
            let (mut wins_a, mut wins_b) = (0, 0);
            loop {
                if (self.less)(&spare[m.b - 1], &items[m.a - 1])? {
                    m.take_first(items);
                    (wins_a, wins_b) = (wins_a + 1, 0);
                    if m.a == 0 {
                        return Ok(false);
                    }
                    if wins_a >= min_gallop {
                        break;
                    }
                } else {
                    m.take_second(items, spare);
                    (wins_a, wins_b) = (0, wins_b + 1);
                    if m.b == 1 {
                        return Ok(true);
                    }
                    if wins_b >= min_gallop {
                        break;
                    }
                }
            }
            min_gallop += 1;
            loop {
                if min_gallop > 1 {
                    min_gallop -= 1;
                }
                self.min_gallop = min_gallop;
                wins_a = m.a - self.gallop_right(&spare[m.b - 1], &items[..m.a], m.a - 1)?;
                for _ in 0..wins_a {
                    m.take_first(items);
                }
                if m.a == 0 {
                    return Ok(false);
                }
                m.take_second(items, spare);
                if m.b == 1 {
                    return Ok(true);
                }
                wins_b = m.b - self.gallop_left(&items[m.a - 1], &spare[..m.b], m.b - 1)?;
                for _ in 0..wins_b {
                    m.take_second(items, spare);
                }
                if wins_b > 0 && m.b == 1 {
                    return Ok(true);
                }
                // Only with an order that is none.
                if m.b == 0 {
                    return Ok(false);
                }
                m.take_first(items);
                if m.a == 0 {
                    return Ok(false);
                }
                if wins_a < MIN_GALLOP && wins_b < MIN_GALLOP {
                    break;
                }
            }
            min_gallop += 1;
            self.min_gallop = min_gallop;
        }
    }

    /// Where `key` belongs in sorted `items`, before its equals. The search starts at `hint` and doubles its steps.
    fn gallop_left(&mut self, key: &T, items: &[T], hint: usize) -> Py<usize> {
        let less = &mut self.less;
        gallop(items.len(), hint, |at| less(&items[at], key))
    }

    /// Where `key` belongs in sorted `items`, behind its equals.
    fn gallop_right(&mut self, key: &T, items: &[T], hint: usize) -> Py<usize> {
        let less = &mut self.less;
        gallop(items.len(), hint, |at| Ok(!less(key, &items[at])?))
    }
}

/// Where a merge stands.
struct Merge {
    a: usize,
    b: usize,
    dest: usize,
}

impl Merge {
    /// From the right: the last of the first run.
    fn take_first<T>(&mut self, items: &mut [T]) {
        self.a -= 1;
        self.dest -= 1;
        items.swap(self.a, self.dest);
    }
    fn take_second<T>(&mut self, items: &mut [T], spare: &mut [T]) {
        self.b -= 1;
        self.dest -= 1;
        swap(&mut items[self.dest], &mut spare[self.b]);
    }
}

/// The first place that does not go before the key, where those that do come first.
fn gallop(len: usize, hint: usize, mut before: impl FnMut(usize) -> Py<bool>) -> Py<usize> {
    let (mut last, mut offset) = (0, 1);
    // Everything below `low` goes before the key; `high` does not.
    let (mut low, mut high);
    if before(hint)? {
        let most = len - hint;
        while offset < most && before(hint + offset)? {
            last = offset;
            offset = 2 * offset + 1;
        }
        (low, high) = (hint + last + 1, hint + offset.min(most));
    } else {
        let most = hint + 1;
        while offset < most && !before(hint - offset)? {
            last = offset;
            offset = 2 * offset + 1;
        }
        let offset = offset.min(most);
        (low, high) = (hint + 1 - offset, hint - last);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The shortest run worth a merge: such that the number of runs is a power of two or just below.
fn min_run(mut len: usize) -> usize {
    let mut odd = 0;
    while len >= 64 {
        odd |= len & 1;
        len >>= 1;
    }
    len + odd
}

/// The power of the border between a run and the next one (`powerloop`).
fn power(start: usize, first: usize, second: usize, len: usize) -> u32 {
    let mut a = 2 * start + first;
    let mut b = a + first + second;
    let mut power = 0;
    loop {
        power += 1;
        if a >= len {
            a -= len;
            b -= len;
        } else if b >= len {
            return power;
        }
        a <<= 1;
        b <<= 1;
    }
}
