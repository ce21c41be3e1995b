//! Asks several suppliers at once and takes the best offer of those that come in time.
//!
//! Every supplier is a child run of the graph `quote` in the same bundle, which asks a person for a price. The flow waits for all of them and
//! for the deadline together; whoever has not answered by then is no longer waited for.

use std::collections::BTreeMap;
use std::pin::pin;

use flowgate_guest::prelude::*;
use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};

#[flowgate_guest::flow(
    id = "tender",
    inputs(
        /// What is to be bought.
        article: String,
        suppliers: Vec<String>,
        /// How long offers are waited for.
        minutes: i64 = 60
    )
)]
async fn tender(ctx: Ctx, input: Input) -> Result<Decision, Error> {
    // What must hold: a panic fails the run with the message and this place.
    assert!(input.minutes > 0, "offers need time");
    let offers = collect(&ctx, &input).await?;
    ctx.answer_user(&format!(
        "{} of {} suppliers made an offer",
        offers.len(),
        input.suppliers.len()
    ))
    .await?;
    // The lowest price, and of equal ones the first by name.
    let best = offers.iter().min_by(|a, b| a.1.total_cmp(b.1));
    Ok(Decision {
        success: best.is_some(),
        supplier: best.map(|(name, _)| name.clone()),
        offers,
    })
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Decision {
    success: bool,
    supplier: Option<String>,
    /// Prices by supplier, of those who made an offer.
    offers: BTreeMap<String, f64>,
}

/// What the graph `quote` gives.
#[derive(Deserialize)]
struct Quote {
    price: Price,
}

/// A person types a number as text; a program sends one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Price {
    Number(f64),
    Text(String),
}

async fn collect(ctx: &Ctx, input: &Input) -> Result<BTreeMap<String, f64>, Error> {
    let mut open: FuturesUnordered<_> = input.suppliers.iter().map(|name| quote(ctx, &input.article, name)).collect();
    let mut deadline = pin!(ctx.sleep(Duration::minutes(input.minutes)));
    let mut offers = BTreeMap::new();
    // The first poll of the stream asks all suppliers.
    while let Either::Left((Some((name, price)), _)) = select(open.next(), deadline.as_mut()).await {
        match price {
            Ok(price) => drop(offers.insert(name, price)),
            Err(error) => ctx.log(format!("{name} makes no offer: {error}")),
        }
    }
    Ok(offers)
}

async fn quote(ctx: &Ctx, article: &str, name: &str) -> (String, Result<f64, Error>) {
    let asked = ctx
        .child::<Quote>("quote", &json!({"article": article, "supplier": name}))
        .await;
    let price = asked.and_then(|quote| match quote.price {
        Price::Number(price) => Ok(price),
        Price::Text(text) => text.trim().parse().map_err(|_| Error::new(format!("'{text}' is no price"))),
    });
    (name.to_owned(), price)
}

#[cfg(test)]
mod tests {
    use flowgate_guest::serde_json::Value;
    use flowgate_guest::testing::{Reply, Script};

    use super::*;

    fn offer(price: Value) -> Value {
        json!({"sub_run_id": "c", "output": {"success": true, "price": price}})
    }

    fn input(suppliers: &[&str]) -> Value {
        json!({"article": "chairs", "suppliers": suppliers})
    }

    #[test]
    fn the_best_of_the_offers_that_come_in_time_is_taken() {
        let script = Script::new()
            .on_after("child#1", Duration::minutes(10), offer(json!(12.5)))
            .on_after("child#2", Duration::minutes(59), offer(json!(" 11 ")))
            .on_after("child#3", Duration::minutes(61), offer(json!(1)));
        let run = script.run::<tender>(input(&["Ann", "Bob", "Cy"])).check().unwrap();
        assert_eq!(
            run.json(),
            json!({"success": true, "supplier": "Bob", "offers": {"Ann": 12.5, "Bob": 11.0}})
        );
        assert_eq!(run.nodes(), ["child#1", "child#2", "child#3", "sleep#1", "answer_user#1"]);
        assert_eq!(run.abandoned(), ["child#3"]);
    }

    #[test]
    fn without_time_there_is_no_tender() {
        let run = Script::new()
            .run::<tender>(json!({"article": "chairs", "suppliers": [], "minutes": 0}))
            .check()
            .unwrap();
        let failed = run.failure().unwrap();
        assert!(failed.message.starts_with("offers need time, at "), "{failed}");
    }

    #[test]
    fn when_all_have_answered_nobody_waits_for_the_deadline() {
        let script = Script::new().with("start_subworkflow", |asked| {
            match asked.payload()["vars"]["supplier"].as_str() {
                Some("Ann") => Reply::Failed("Ann is away".to_owned()),
                _ => Reply::Completed(offer(json!("many"))),
            }
        });
        let run = script.run::<tender>(input(&["Ann", "Bob"])).check().unwrap();
        assert_eq!(run.abandoned(), ["sleep#1"]);
        assert_eq!(
            run.log(),
            ["Ann makes no offer: Ann is away", "Bob makes no offer: 'many' is no price"]
        );
        assert_eq!(run.json()["supplier"], json!(null));
        assert_eq!(
            run.requests().last().unwrap().payload()["message"],
            "0 of 2 suppliers made an offer"
        );
    }
}
