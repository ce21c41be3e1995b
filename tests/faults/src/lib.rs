//! Faults of the disk and the clock for a real process, and deaths at exact places. Preloaded (`LD_PRELOAD`) into the binary under test,
//! it stands in front of the functions by which that process writes: a released binary needs no switch to be tested, and has none.
//!
//! `FAULTS_CONTROL` names a control file. Its first [`RULE`] bytes are one rule, which a test changes at any time:
//!
//! ```text
//! <number> <operation> <place> <fault> <skip> <number>
//! 7        sync        -wal$   die-after  3   7
//! ```
//!
//! * operation: `write`, `sync`, `truncate`, `rename`, `lock` (SQLite's lock for writing), `store` (`write` or `truncate`), `clock`;
//! * place: what the file's path contains, or with `$` at its end, ends with; `-` for the clock;
//! * fault: `full` (no space left), `broken` (I/O error), `busy`; `slow:<ms>`; `die-before`, `die-after`, `torn` (half of the write, then
//!   death): SIGKILL by its own hand; for the clock the seconds by which it is wrong;
//! * skip: how many such operations pass before the first that is hit; all after it are hit, too;
//! * number: another one makes it another rule. It stands at both ends, so that a rule that is half written is not obeyed.
//!
//! An empty file is no rule. Behind the rule the process notes `<number> <hits>`, so that a test knows whether its fault has happened.
//!
//! # Why the unsafe code here is sound
//!
//! Each exported function has the signature of the function of the C library that it hides, and passes its arguments on as it got them to
//! that function, found by `dlsym(RTLD_NEXT)`: what its caller owes to the one it owes to the other. Beside that it reads the control file
//! and a link of `/proc` into buffers of its own, whose lengths it passes, and looks at memory of its caller in two places: the lock that
//! `fcntl(F_SETLK)` is given, and the time that `clock_gettime` has just filled in. Nothing here allocates, so it may be called from wherever
//! the C library may.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Bytes of the control file that are the rule.
const RULE: usize = 128;
/// Bytes of the note behind it.
const NOTE: usize = 32;

const EIO: c_int = 5;
const EAGAIN: c_int = 11;
const ENOSPC: c_int = 28;
const O_RDWR_CLOEXEC: c_int = 0o2_000_002;
const SIGKILL: c_int = 9;
const CLOCK_REALTIME: c_int = 0;
/// `fcntl`: take a lock without waiting; 64-bit Linux has one number for it.
const F_SETLK: c_int = 6;
const F_WRLCK: i16 = 1;
/// The byte of the shared memory file that SQLite locks to write (its `WAL_WRITE_LOCK`).
const WRITE_LOCK: i64 = 120;

/// `struct flock` of 64-bit Linux.
#[repr(C)]
struct Flock {
    kind: i16,
    whence: i16,
    start: i64,
    len: i64,
    pid: c_int,
}

/// `struct timespec` of 64-bit Linux.
#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanos: i64,
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
    fn getenv(name: *const c_char) -> *const c_char;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn pread(fd: c_int, to: *mut c_void, count: usize, at: i64) -> isize;
    fn readlink(path: *const c_char, to: *mut c_char, size: usize) -> isize;
    fn usleep(micros: c_uint) -> c_int;
    fn getpid() -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
}

/// The function of the C library that one of ours hides.
struct Hidden {
    name: &'static CStr,
    found: AtomicUsize,
}

impl Hidden {
    const fn new(name: &'static CStr) -> Self {
        Hidden {
            name,
            found: AtomicUsize::new(0),
        }
    }

    fn address(&self) -> usize {
        match self.found.load(Ordering::Relaxed) {
            0 => {
                const RTLD_NEXT: *mut c_void = -1_isize as *mut c_void;
                // SAFETY: the name is a C string; the C library has a function of that name, because ours is called in its place.
                let found = unsafe { dlsym(RTLD_NEXT, self.name.as_ptr()) } as usize;
                self.found.store(found, Ordering::Relaxed);
                found
            }
            found => found,
        }
    }
}

/// Calls the function that this one hides.
macro_rules! hidden {
    ($name:literal, fn($($kind:ty),*) -> $answer:ty, $($argument:expr),*) => {{
        static HIDDEN: Hidden = Hidden::new($name);
        // SAFETY: the address is that of the function of this name, whose signature this is.
        let function: unsafe extern "C" fn($($kind),*) -> $answer = unsafe { std::mem::transmute(HIDDEN.address()) };
        // SAFETY: the arguments are the caller's, who owes the hidden function what it owes this one.
        unsafe { function($($argument),*) }
    }};
}

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Write,
    Sync,
    Truncate,
    Rename,
    Lock,
    Clock,
}

#[derive(Clone, Copy)]
enum Fault {
    Fails(c_int),
    Slow(u32),
    DieBefore,
    DieAfter,
    Torn,
    /// Seconds that the clock is ahead.
    Off(i64),
}

/// The rule that counts, and what has come of it.
struct State {
    number: u64,
    seen: u64,
    hits: u64,
}

static STATE: Mutex<State> = Mutex::new(State {
    number: 0,
    seen: 0,
    hits: 0,
});

/// The control file; none: no faults.
fn control() -> Option<c_int> {
    static CONTROL: OnceLock<Option<c_int>> = OnceLock::new();
    *CONTROL.get_or_init(|| {
        // SAFETY: both are C strings; the environment is not changed by the processes that this is made for.
        let path = unsafe { getenv(c"FAULTS_CONTROL".as_ptr()) };
        if path.is_null() {
            return None;
        }
        // SAFETY: a C string of the environment.
        let file = unsafe { open(path, O_RDWR_CLOEXEC) };
        (file >= 0).then_some(file)
    })
}

/// What is to happen to this operation on the file whose path `path` gives.
fn fault(operation: Operation, path: impl FnOnce(&mut [u8; 512]) -> usize) -> Option<Fault> {
    let control = control()?;
    let mut text = [0_u8; RULE];
    // SAFETY: the buffer is ours and as long as said.
    let length = unsafe { pread(control, text.as_mut_ptr().cast(), RULE, 0) };
    let text = std::str::from_utf8(text.get(..usize::try_from(length).ok()?)?).ok()?;
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?;
    let (wanted, place, fault, skip) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next()? != number {
        return None;
    }
    let (number, skip): (u64, u64) = (number.parse().ok()?, skip.parse().ok()?);
    let concerned = match wanted {
        "write" => operation == Operation::Write,
        "sync" => operation == Operation::Sync,
        "truncate" => operation == Operation::Truncate,
        "store" => matches!(operation, Operation::Write | Operation::Truncate),
        "rename" => operation == Operation::Rename,
        "lock" => operation == Operation::Lock,
        "clock" => operation == Operation::Clock,
        _ => false,
    };
    if !concerned {
        return None;
    }
    if operation != Operation::Clock {
        let mut buffer = [0; 512];
        let length = path(&mut buffer);
        let path = buffer.get(..length)?;
        let there = match place.strip_suffix('$') {
            Some(end) => path.ends_with(end.as_bytes()),
            None => path.windows(place.len()).any(|part| part == place.as_bytes()),
        };
        if !there {
            return None;
        }
    }
    let fault = match fault.split_once(':').unwrap_or((fault, "")) {
        ("full", _) => Fault::Fails(ENOSPC),
        ("broken", _) => Fault::Fails(EIO),
        ("busy", _) => Fault::Fails(EAGAIN),
        ("slow", ms) => Fault::Slow(ms.parse().ok()?),
        ("die-before", _) => Fault::DieBefore,
        ("die-after", _) => Fault::DieAfter,
        ("torn", _) => Fault::Torn,
        (seconds, _) => Fault::Off(seconds.parse().ok()?),
    };
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if state.number != number {
        *state = State {
            number,
            seen: 0,
            hits: 0,
        };
    }
    state.seen += 1;
    if state.seen <= skip {
        return None;
    }
    state.hits += 1;
    if operation != Operation::Clock || state.hits == 1 {
        note(control, number, state.hits);
    }
    Some(fault)
}

/// Tells the test how often its rule was obeyed.
fn note(control: c_int, number: u64, hits: u64) {
    use std::io::Write as _;
    let mut text = [b' '; NOTE];
    let mut left = text.as_mut_slice();
    // 32 bytes hold what two numbers of a test need.
    let _fits = write!(left, "{number} {hits} ");
    hidden!(
        c"pwrite64",
        fn(c_int, *const c_void, usize, i64) -> isize,
        control,
        text.as_ptr().cast(),
        NOTE,
        RULE as i64
    );
}

/// Where an open file lies: the bytes of its path in `to`, and how many.
fn place_of(fd: c_int, to: &mut [u8; 512]) -> usize {
    use std::io::Write as _;
    let mut link = [0_u8; 32];
    let mut left = link.as_mut_slice();
    if write!(left, "/proc/self/fd/{fd}").is_err() {
        return 0;
    }
    // SAFETY: the link is a C string: what `write!` has left of it is zero. The buffer is ours and as long as said.
    let length = unsafe { readlink(link.as_ptr().cast(), to.as_mut_ptr().cast(), to.len()) };
    usize::try_from(length).unwrap_or(0)
}

fn fails(error: c_int) {
    // SAFETY: the thread's own error number.
    unsafe { *__errno_location() = error };
}

fn die() -> ! {
    // SAFETY: no memory is involved.
    unsafe { kill(getpid(), SIGKILL) };
    loop {
        std::hint::spin_loop();
    }
}

/// Does an operation under the rule. `half`: the first half of it.
fn under(operation: Operation, fault: Option<Fault>, whole: impl FnOnce() -> isize, half: impl FnOnce() -> isize) -> isize {
    match fault {
        None | Some(Fault::Off(_)) => whole(),
        Some(Fault::Fails(error)) => {
            fails(error);
            -1
        }
        Some(Fault::Slow(ms)) => {
            // SAFETY: no memory is involved.
            unsafe { usleep(ms.saturating_mul(1000)) };
            whole()
        }
        Some(Fault::DieBefore) => die(),
        Some(Fault::DieAfter) => {
            whole();
            die()
        }
        Some(Fault::Torn) => {
            if operation == Operation::Write {
                half();
            }
            die()
        }
    }
}

fn of_file(operation: Operation, fd: c_int) -> Option<Fault> {
    fault(operation, |to| place_of(fd, to))
}

/// # Safety
/// As `write`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, from: *const c_void, count: usize) -> isize {
    let real = |count| hidden!(c"write", fn(c_int, *const c_void, usize) -> isize, fd, from, count);
    under(
        Operation::Write,
        of_file(Operation::Write, fd),
        || real(count),
        || real(count / 2),
    )
}

/// # Safety
/// As `pwrite`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(fd: c_int, from: *const c_void, count: usize, at: i64) -> isize {
    let real = |count| {
        hidden!(
            c"pwrite64",
            fn(c_int, *const c_void, usize, i64) -> isize,
            fd,
            from,
            count,
            at
        )
    };
    under(
        Operation::Write,
        of_file(Operation::Write, fd),
        || real(count),
        || real(count / 2),
    )
}

/// # Safety
/// As `pwrite`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(fd: c_int, from: *const c_void, count: usize, at: i64) -> isize {
    // SAFETY: the same function by another name.
    unsafe { pwrite64(fd, from, count, at) }
}

#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    let real = || hidden!(c"fsync", fn(c_int) -> c_int, fd) as isize;
    under(Operation::Sync, of_file(Operation::Sync, fd), real, || 0) as c_int
}

#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    let real = || hidden!(c"fdatasync", fn(c_int) -> c_int, fd) as isize;
    under(Operation::Sync, of_file(Operation::Sync, fd), real, || 0) as c_int
}

#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(fd: c_int, length: i64) -> c_int {
    let real = || hidden!(c"ftruncate64", fn(c_int, i64) -> c_int, fd, length) as isize;
    under(Operation::Truncate, of_file(Operation::Truncate, fd), real, || 0) as c_int
}

#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(fd: c_int, length: i64) -> c_int {
    ftruncate64(fd, length)
}

/// # Safety
/// As `rename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let real = || hidden!(c"rename", fn(*const c_char, *const c_char) -> c_int, from, to) as isize;
    let place = |buffer: &mut [u8; 512]| {
        // SAFETY: a C string, which the caller owes.
        let path = unsafe { CStr::from_ptr(to) }.to_bytes();
        let length = path.len().min(buffer.len());
        buffer[..length].copy_from_slice(&path[..length]);
        length
    };
    let fault = fault(Operation::Rename, place);
    under(Operation::Rename, fault, real, || 0) as c_int
}

/// # Safety
/// As `fcntl`. Its third argument, where there is one, is a number or a pointer: it is passed on as the register that it came in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int {
    let real = || hidden!(c"fcntl64", fn(c_int, c_int, usize) -> c_int, fd, command, argument) as isize;
    let writes = command == F_SETLK && {
        // SAFETY: with this command the argument points to a lock.
        let lock = unsafe { &*(argument as *const Flock) };
        lock.kind == F_WRLCK && lock.start == WRITE_LOCK
    };
    let fault = if writes { of_file(Operation::Lock, fd) } else { None };
    under(Operation::Lock, fault, real, || 0) as c_int
}

/// # Safety
/// As [`fcntl64`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    // SAFETY: the same function by another name.
    unsafe { fcntl64(fd, command, argument) }
}

/// # Safety
/// As `clock_gettime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, to: *mut Timespec) -> c_int {
    let answer = hidden!(c"clock_gettime", fn(c_int, *mut Timespec) -> c_int, clock, to);
    if clock == CLOCK_REALTIME
        && answer == 0
        && let Some(Fault::Off(seconds)) = fault(Operation::Clock, |_| 0)
    {
        // SAFETY: the hidden function has just written to it.
        unsafe { (*to).seconds += seconds };
    }
    answer
}
