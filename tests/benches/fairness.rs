//! What endless loops do to others: the time of a three-step run, from before its start is sent until its stream has said `done`, while
//! nothing else happens and while other runs compute without end. The two are measured in turns, so that the machine's moods touch both.
//!
//! `cargo bench -p flowgate-tests --bench fairness -- [--loops N] [--runs N] [--rounds N]`

use std::time::{Duration, Instant};

use flowgate_tests::{Bundle, Flow, Gateway, Options, example};
use serde_json::json;

struct Plan {
    /// Runs that compute without end.
    loops: usize,
    /// Three-step runs measured in each half of a round.
    runs: usize,
    rounds: usize,
}

impl Plan {
    fn from_args() -> Self {
        let mut plan = Plan {
            loops: 16,
            runs: 100,
            rounds: 4,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut number = || {
                let text = args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
                text.parse().unwrap_or_else(|_| panic!("{text} is not a number"))
            };
            match arg.as_str() {
                "--loops" => plan.loops = number(),
                "--runs" => plan.runs = number(),
                "--rounds" => plan.rounds = number(),
                // Cargo says these to every benchmark.
                "--bench" | "--test" => {}
                other => panic!("unknown option {other}"),
            }
        }
        plan
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let plan = Plan::from_args();
    let server = Options::new()
        .env("FLOWGATE_LOG_LEVEL", "warn")
        .env("FLOWGATE_TICK_FUEL", u64::MAX / 4)
        .env("FLOWGATE_ACTIVATION_FUEL", u64::MAX / 4)
        .env("FLOWGATE_ACTIVATION_MAX_STEPS", u64::MAX / 4)
        .env("FLOWGATE_TICK_TIMEOUT", "1h")
        .start()
        .await;
    let gateway = server.gateway();
    gateway
        .upload_file(&flowgate_tests::bundle::pack(&example("hello")), &[])
        .await
        .ok();
    gateway.install(&endless()).await;
    one(&gateway).await;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores, {} endless loops", plan.loops);

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        measure(&gateway, plan.runs, &mut alone).await;
        let mut loops = Vec::new();
        for _ in 0..plan.loops {
            loops.push(gateway.start("endless", json!({})).await);
        }
        // They have used up what a short run may before it takes turns.
        tokio::time::sleep(Duration::from_millis(500)).await;
        measure(&gateway, plan.runs, &mut beside).await;
        for run in loops {
            assert_eq!(gateway.run(&run).await["status"], "running");
            gateway.command("cancel", &run, json!({})).await.ok();
            gateway.until_status(&run, "cancelled").await;
        }
    }
    for (what, at) in [("median", 500), ("p90", 900), ("p99", 990)] {
        let (alone, beside) = (permille(&mut alone, at), permille(&mut beside, at));
        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        println!("{what:<7} alone {alone:>10.2?}   beside loops {beside:>10.2?}   ratio {ratio:.2}");
    }
}

/// A code node that never ends.
fn endless() -> Bundle {
    let exec = |id: &str| json!({"id": id, "type": "execution"});
    let code = json!({
        "inputs": [exec("exec-in")], "outputs": [exec("exec-out")], "functionName": "transform",
        "code": "def transform(_input):\n    while True:\n        pass\n",
    });
    let flow = Flow::new("endless")
        .start(&[])
        .node("code", "code", &[], &[], code)
        .exec("start -> code");
    Bundle::new("endless", "1.0.0").flow(flow)
}

async fn measure(gateway: &Gateway, runs: usize, times: &mut Vec<Duration>) {
    for _ in 0..runs {
        times.push(one(gateway).await);
    }
}

async fn one(gateway: &Gateway) -> Duration {
    let began = Instant::now();
    let run = gateway.start("hello", json!({"name": "Ada"})).await;
    let stream = gateway.stream(&run, "", None).await.expect("a stream");
    stream.to_end().await;
    began.elapsed()
}

fn permille(times: &mut [Duration], at: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * at / 1000]
}
