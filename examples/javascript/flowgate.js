// Durable flows in plain JavaScript. A flow is a generator: it yields what it wants done and goes on with the result.
//
//     export const workflow = flow({ id: "review", pins: [...], *run(ctx, input) {
//       const answer = yield ctx.ask("Publish?", { choices: ["yes", "no"] });
//       return { published: answer === "yes" };
//     } });
//
// Nothing of the generator is stored. When a run goes on, the host starts the flow anew and tells it again what it was told before, so
// everything that the flow does between two yields must depend on nothing but that. Here it does: Date shows the time that was
// recorded, Math.random the randomness, and there is no other way to the outside.

// The node at which every flow begins.
const START = "start";

/** A request whose outcome was a failure; thrown where the flow yields it. */
export class EffectFailed extends Error {}

/** Makes the component's export `workflow` of a flow: its id, its parameters, its generator function. */
export function flow({ id, pins = [], run }) {
  // One instance is one run.
  let generator;
  // The request whose outcome the flow waits for, with what makes a value of its result.
  let open;
  let nextId = 1n;
  const ordinals = new Map();
  let node = START;

  function advance(resume) {
    let step;
    try {
      step = resume();
    } catch (error) {
      open = undefined;
      const message = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error);
      return { tag: "failed", val: { node, code: "node_error", message: message.trim(), steps: 1 } };
    }
    open = undefined;
    if (step.done) {
      return { tag: "completed", val: { node, output: JSON.stringify(step.value ?? {}), by: "plan", steps: 1 } };
    }
    const { kind, payload, value } = step.value;
    const ordinal = ordinals.get(kind) ?? 0n;
    ordinals.set(kind, ordinal + 1n);
    node = `${kind}#${ordinal + 1n}`;
    open = { id: nextId++, value };
    const effect = { id: open.id, node, kind, payload: JSON.stringify(payload), ordinal: 0n };
    return { tag: "blocked", val: { effects: [effect], abandoned: [], steps: 1 } };
  }

  function told(event, around) {
    switch (event.tag) {
      case "start":
        generator = run(context(around), JSON.parse(event.val.input));
        return advance(() => generator.next());
      case "resolved":
        for (const { id, outcome } of event.val) {
          if (id !== open?.id) continue;
          const { value } = open;
          if (outcome.tag === "failed") return advance(() => generator.throw(new EffectFailed(outcome.val)));
          const result = outcome.tag === "completed" ? JSON.parse(outcome.val) : null;
          return advance(() => generator.next(value ? value(result) : result));
        }
    }
    return { tag: "blocked", val: { effects: [], abandoned: [], steps: 0 } };
  }

  return {
    describe: () => ({
      flowId: id,
      runtime: "",
      entries: [{ node: START, kind: "main" }],
      startPins: JSON.stringify(pins),
      nodeIndex: JSON.stringify({ [START]: { type: "on_flow_start", label: "Start" } }),
    }),
    tick: (around, event) => ({ progress: told(event, around), log: [] }),
    snapshot: () => undefined,
    restore: () => {
      throw "this flow keeps no state: it is replayed";
    },
  };
}

// What a flow can ask for. Each gives a request to be yielded.
function context(around) {
  return {
    runId: around.runId,
    /** Tells the user something. */
    say: (message, level = "message") => ({ kind: "answer_user", payload: { message, level } }),
    /** Asks the user; gives the answer as text. */
    ask: (prompt, { choices, freeText = !choices } = {}) => ({
      kind: "ask_user",
      payload: { prompt, choices, allow_free_text: freeText },
      value: (result) => result.response,
    }),
    /** Waits for a number of seconds. */
    sleep: (seconds) => ({
      kind: "wait_until",
      payload: { until: new Date(Date.now() + seconds * 1000).toISOString() },
    }),
    /** Waits for an event of the session; gives what came with it. */
    event: (name) => ({ kind: "wait_event", payload: { name } }),
    /** Emits an event to the session. */
    emit: (name, payload) => ({ kind: "emit_event", payload: { name, payload } }),
    /** Runs another flow of the same bundle and gives its output. */
    child: (flowId, vars) => ({
      kind: "start_subworkflow",
      payload: { workflow_id: `${around.workflowId.split(":")[0]}:${flowId}`, vars, wait: true },
      value: (result) => result.output,
    }),
    /** Anything else that the host can do, by its name in the ledger. */
    effect: (kind, payload) => ({ kind, payload }),
  };
}
