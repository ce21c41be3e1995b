//! A model drafts a text, a person says whether it may be published, and an hour later the world is told.
//!
//! The same flow is drawn in `flows/approve-graph.json`. Here the nodes and their successors have the names that they have there, so both
//! leave the same ledger.

use flowgate_guest::prelude::*;

#[flowgate_guest::flow(
    id = "approve",
    inputs(
        /// What the draft is to be about.
        prompt: String
    ),
    outputs(draft: String, answer: String, success: bool)
)]
async fn approve(ctx: Ctx, input: Input) -> Result<Output, Error> {
    let draft = ctx.llm_call(&input.prompt).node("draft").next("ask").await?;
    let answer = ctx
        .ask_user("Publish?")
        .choices(["yes", "no"])
        .node("ask")
        .next("is_yes")
        .await?;
    if answer == "yes" {
        ctx.sleep(Duration::hours(1)).node("wait").next("publish").await?;
        ctx.emit_event("published", &draft).node("publish").next("end").await?;
    }
    Ok(Output {
        draft,
        answer,
        success: true,
    })
}

#[cfg(test)]
mod tests {
    use flowgate_guest::testing::Script;

    use super::*;

    fn script(answer: &str) -> Script {
        Script::new()
            .on("draft", json!({"content": "Dear all"}))
            .on("ask", json!({"response": answer}))
    }

    #[test]
    fn what_is_approved_is_published_an_hour_later() {
        let run = script("yes")
            .run::<approve>(json!({"prompt": "Invite everybody"}))
            .check()
            .unwrap();
        assert_eq!(run.nodes(), ["draft", "ask", "wait", "publish"]);
        let payload = run.requests()[3].payload();
        assert_eq!(payload["payload"], json!({"value": "Dear all"}));
        assert!(run.requests()[2].payload().to_string().contains("2026-01-08T01:00:00"));
    }

    #[test]
    fn what_is_not_is_kept() {
        let run = script("no")
            .run::<approve>(json!({"prompt": "Invite everybody"}))
            .check()
            .unwrap();
        assert_eq!(run.nodes(), ["draft", "ask"]);
        assert_eq!(run.output::<Output>().unwrap().answer, "no");
    }

    #[test]
    fn a_model_that_cannot_be_reached_fails_the_run_with_its_own_words() {
        let run = Script::new()
            .fails("draft", "no such model")
            .run::<approve>(json!({"prompt": "x"}))
            .check()
            .unwrap();
        assert_eq!(run.failure().unwrap().to_string(), "effect_failed at 'draft': no such model");
    }
}
