//! Counting what lists of runs show, row by row as the rows are committed.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::types::Metrics;
use crate::record::{StepRecord, StepStatus};

impl Metrics {
    /// What one row adds.
    pub(crate) fn of(row: &StepRecord) -> Self {
        if row.status != StepStatus::Completed {
            return Metrics::default();
        }
        let mut metrics = Metrics {
            steps: 1,
            ..Metrics::default()
        };
        match &row.effect {
            Some(effect) if effect.kind == "llm_call" => {
                metrics.llm_calls = 1;
                if let Some(answer) = &row.result {
                    metrics.add_tokens(answer);
                }
            }
            Some(effect) if effect.kind == "tool_calls" => metrics.tool_calls = calls(&effect.payload),
            _ => {}
        }
        metrics
    }

    /// The tokens of a model's answer: its `usage`, whose total is `total_tokens`, else input and output together. None where it does not
    /// say.
    fn add_tokens(&mut self, answer: &RawValue) {
        #[derive(Deserialize)]
        struct Answer {
            usage: Usage,
        }
        #[derive(Deserialize)]
        struct Usage {
            total_tokens: Option<u64>,
            #[serde(alias = "prompt_tokens")]
            input_tokens: Option<u64>,
            #[serde(alias = "completion_tokens")]
            output_tokens: Option<u64>,
        }
        let Ok(Answer { usage }) = serde_json::from_str(answer.get()) else {
            return;
        };
        self.tokens_in = usage.input_tokens.unwrap_or(0);
        self.tokens_out = usage.output_tokens.unwrap_or(0);
        self.tokens = usage.total_tokens.unwrap_or(self.tokens_in.saturating_add(self.tokens_out));
    }
}

impl std::ops::AddAssign for Metrics {
    fn add_assign(&mut self, more: Self) {
        self.steps += more.steps;
        self.llm_calls += more.llm_calls;
        self.tool_calls += more.tool_calls;
        self.tokens_in = self.tokens_in.saturating_add(more.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(more.tokens_out);
        self.tokens = self.tokens.saturating_add(more.tokens);
    }
}

impl std::iter::Sum for Metrics {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Metrics::default(), |mut sum, more| {
            sum += more;
            sum
        })
    }
}

fn calls(payload: &RawValue) -> u64 {
    #[derive(Deserialize)]
    struct Payload<'a> {
        #[serde(borrow)]
        tool_calls: Vec<&'a RawValue>,
    }
    serde_json::from_str::<Payload<'_>>(payload.get()).map_or(0, |payload| payload.tool_calls.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Micros;
    use crate::journal::tests::{raw, step};

    #[test]
    fn completed_rows_count_and_their_calls_and_tokens() {
        let row = |kind: &str, payload: &str, result: &str, status| {
            let mut row = step("r", "n", Micros(0));
            let effect = row.effect.as_mut().unwrap();
            effect.kind = kind.to_owned();
            effect.payload = raw(payload);
            row.result = Some(raw(result));
            row.status = status;
            row
        };
        let done = StepStatus::Completed;
        let rows = [
            row("llm_call", "{}", r#"{"usage":{"total_tokens":7,"input_tokens":3}}"#, done),
            row(
                "llm_call",
                "{}",
                r#"{"usage":{"prompt_tokens":2,"completion_tokens":3}}"#,
                done,
            ),
            row("llm_call", "{}", r#"{"usage":{"total_tokens":1e99}}"#, done),
            row("llm_call", "{}", r#"{"usage":{"total_tokens":100}}"#, StepStatus::Failed),
            row("tool_calls", r#"{"tool_calls":[{},{}]}"#, "{}", done),
            row("tool_calls", r#"{"tool_calls":7}"#, "null", done),
            row("answer_user", "{}", "{}", done),
            row("answer_user", "{}", "{}", StepStatus::Started),
        ];
        let expected = Metrics {
            steps: 6,
            llm_calls: 3,
            tool_calls: 2,
            tokens_in: 5,
            tokens_out: 3,
            tokens: 12,
        };
        assert_eq!(rows.iter().map(Metrics::of).sum::<Metrics>(), expected);
    }
}
