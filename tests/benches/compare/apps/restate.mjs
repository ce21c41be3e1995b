// The three-step run and the waiting run as handlers of Restate: a service of its own process behind Restate's ingress.
//
// PORT: where Restate reaches it; NOTE: the file that the effects read.

import { readFile } from "node:fs/promises";
import * as restate from "@restatedev/restate-sdk";

// The SDK needs it from its 1.15 on, and Node.js has it from 22 on.
Promise.withResolvers ??= function () {
  const all = {};
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }));
  return all;
};

const note = async () => JSON.parse(await readFile(process.env.NOTE, "utf8"));

const steps = restate.service({
  name: "steps",
  handlers: {
    say: async (ctx, { name }) => {
      const greeting = await ctx.run("greet", () => `Hello, ${name}`);
      await ctx.run("explain", () => "Every step of this run is in its ledger.");
      await ctx.run("farewell", () => "Goodbye.");
      return { greeting };
    },
    read: async (ctx) => {
      await ctx.run("read1", note);
      await ctx.run("read2", note);
      return { content: await ctx.run("read3", note) };
    },
  },
});

const { shared } = restate.handlers.workflow;
const asks = restate.workflow({
  name: "asks",
  handlers: {
    run: async (ctx) => {
      ctx.set("asked", true);
      return { answer: await ctx.promise("answer") };
    },
    asked: shared(async (ctx) => (await ctx.get("asked")) === true),
    answer: shared(async (ctx, answer) => ctx.promise("answer").resolve(answer)),
  },
});

restate.serve({ services: [steps, asks], port: Number(process.env.PORT) });
