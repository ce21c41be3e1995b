"""Adds up an invoice with decimals, asks whether to send it, and waits for the payment."""

import random
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal

import flowgate


class Workflow(flowgate.Flow):
    flow_id = "invoice"
    pins = [
        {"id": "customer", "type": "string", "label": "Customer", "default": "Ann"},
        {"id": "prices", "type": "array", "label": "Prices, as text", "default": ["19.99", "5.01", "0.105"]},
    ]

    def run(self, ctx, input):
        customer = input.get("customer", "Ann")
        prices = [Decimal(price) for price in input.get("prices", ["19.99", "5.01", "0.105"])]
        total = sum(prices, Decimal(0)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        number = f"{datetime.now(timezone.utc):%Y}-{random.randrange(10_000):04}"
        print(f"invoice {number} for {customer}: {total}")
        answer = yield ctx.ask(f"Send {customer} an invoice of {total}?", choices=["yes", "no"])
        if answer != "yes":
            return {"sent": False, "total": str(total)}
        yield ctx.say(f"Invoice {number}: {total}")
        paid = yield ctx.event("paid")
        return {"sent": True, "total": str(total), "number": number, "paid": paid}
