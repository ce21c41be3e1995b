//! `math`, `json`, `re`, `random` and the modules of text and bytes answer as CPython 3.11 does: `cases.txt` has programs and CPython's
//! answers, written anew by `python3 cases.py < cases.txt`.

#[path = "../python_eval/mod.rs"]
mod eval;

#[test]
fn modules_answer_as_cpython() {
    let more = std::env::var("FLOWGATE_MODULE_CASES").ok();
    let more = more.map_or_else(String::new, |file| std::fs::read_to_string(file).unwrap_or_default());
    eval::check(&(include_str!("cases.txt").to_owned() + "\n" + &more), 300);
}

#[test]
fn what_a_linear_time_matcher_lacks_is_known_before_a_program_runs() {
    for (pattern, what) in [
        ("(?=a)b", "lookahead (?=…)"),
        ("(?!a)b", "negative lookahead (?!…)"),
        ("(?<=a)b", "lookbehind (?<=…)"),
        ("(?<!a)b", "negative lookbehind (?<!…)"),
        (r"(a)\1", "a backreference"),
        ("(?P<x>a)(?P=x)", "a backreference"),
        ("(a)?(?(1)b|c)", "a conditional group"),
        ("(?>a)", "an atomic group"),
        ("a*+", "possessive repetition"),
    ] {
        let text = flow_rt::python::stdlib::re::unsupported(pattern).unwrap_or_default();
        assert!(text.starts_with(what), "{pattern}: {text:?}");
    }
    // A mistake is not the compiler's business: a program may catch it.
    for pattern in ["(a", "[", "*", r"\1", "(?P<x>a)b+?c{2,}[^x]$"] {
        assert_eq!(flow_rt::python::stdlib::re::unsupported(pattern), None, "{pattern}");
    }
}
