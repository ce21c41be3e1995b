// Asks whether a text may be published, waits a moment, and has a graph of the same bundle tell everybody.
import { flow } from "./flowgate.js";

export const workflow = flow({
  id: "review",
  pins: [
    { id: "title", type: "string", label: "Title", default: "Road map" },
    { id: "delay", type: "number", label: "Seconds until it is published", default: 1 },
  ],
  *run(ctx, { title = "Road map", delay = 1 }) {
    const begun = new Date();
    console.log(`reviewing ${title}`);
    yield ctx.say(`${title} is waiting for a review`);
    const answer = yield ctx.ask(`Publish ${title}?`, { choices: ["yes", "no"] });
    if (answer !== "yes") {
      return { published: false, title };
    }
    yield ctx.sleep(delay);
    const told = yield ctx.child("notify", { recipient: "everyone", message: `${title} is out` });
    return {
      published: true,
      title,
      edition: Math.floor(Math.random() * 1000),
      waited: new Date() - begun >= delay * 1000,
      told: told.result,
    };
  },
});
