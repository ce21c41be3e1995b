//! Collects votes until somebody closes the ballot, and says who won.
//!
//! It may live for years and hear a vote a minute, so it keeps its state itself and is never replayed: the host restores its snapshot.

use std::collections::BTreeMap;

use flowgate_guest::prelude::*;

#[flowgate_guest::flow(
    id = "ballot",
    snapshot,
    inputs(question: String, choices: Vec<String>),
    outputs(winner: Option<String>, votes: BTreeMap<String, u64>)
)]
#[derive(Serialize, Deserialize)]
pub struct Ballot {
    question: String,
    votes: BTreeMap<String, u64>,
}

impl Machine for Ballot {
    type Input = Input;
    type Output = Output;

    fn start(_: &Ctx, input: Input) -> Result<Self, Error> {
        if input.choices.is_empty() {
            return Err(Error::new("a ballot needs choices"));
        }
        Ok(Ballot {
            question: input.question,
            votes: input.choices.into_iter().map(|choice| (choice, 0)).collect(),
        })
    }

    fn step(&mut self, ctx: &Ctx, heard: Option<Heard>) -> Result<Next<Output>, Error> {
        if let Some(heard) = heard {
            let answer: Answer = heard.result()?;
            match self.votes.get_mut(&answer.response) {
                Some(votes) => *votes += 1,
                None if answer.response == "close" => return Ok(Next::Done(self.result())),
                None => ctx.log(format!("'{}' is no choice", answer.response)),
            }
        }
        let choices = self.votes.keys().map(String::as_str).chain(["close"]);
        Ok(Next::ask([ctx
            .ask_user(&self.question)
            .choices(choices)
            .free_text(false)
            .node("vote")
            .request()]))
    }
}

impl Ballot {
    /// The choice with the most votes; none when two have as many.
    fn result(&self) -> Output {
        let most = self.votes.values().max();
        let mut first = self.votes.iter().filter(|(_, votes)| Some(*votes) == most);
        let winner = first.next().filter(|_| first.next().is_none());
        Output {
            winner: winner.map(|(choice, _)| choice.clone()),
            votes: self.votes.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    response: String,
}

#[cfg(test)]
mod tests {
    use flowgate_guest::testing::Script;

    use super::*;

    #[test]
    fn votes_are_counted_across_any_number_of_restarts() {
        let votes = ["red", "blue", "green", "red", "close"];
        let script = votes
            .iter()
            .fold(Script::new(), |script, vote| script.on("vote", json!({"response": vote})));
        let run = script
            .run::<Ballot>(json!({"question": "Colour?", "choices": ["red", "blue"]}))
            .check()
            .unwrap();
        assert_eq!(run.json(), json!({"winner": "red", "votes": {"red": 2, "blue": 1}}));
        assert_eq!(run.log(), ["'green' is no choice"]);
        assert_eq!(run.requests()[4].ordinal, 4);
    }

    #[test]
    fn a_tie_has_no_winner_and_a_ballot_needs_choices() {
        let run = Script::new()
            .on("vote", json!({"response": "close"}))
            .run::<Ballot>(json!({"question": "?", "choices": ["a", "b"]}));
        assert_eq!(run.check().unwrap().json()["winner"], json!(null));
        let run = Script::new().run::<Ballot>(json!({"question": "?", "choices": []}));
        assert_eq!(run.failure().unwrap().message, "a ballot needs choices");
    }
}
