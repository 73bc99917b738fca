// Records what jsonata of npm, in Node.js, yields for the corpus of shared/expression.
//
// `node infra/local/expressions.mjs` compares, as the gate does; with `--write` it records. The
// corpus is JSONata's own test suite (suite.json, of its repository at v2.0.6) and our own cases.

import fs from "node:fs";
import path from "node:path";
import vm from "node:vm";
import { fileURLToPath } from "node:url";

// The evaluator reads a time without an offset as one of UTC.
process.env.TZ = "UTC";

const here = path.dirname(fileURLToPath(import.meta.url));
const crate = path.join(here, "../../shared/expression");
const read = (...parts) => fs.readFileSync(path.join(crate, ...parts), "utf8");

// The files that our evaluator carries are compared, and of them only host.js is run.
const npm = path.join(here, "node_modules/jsonata");
const { version } = JSON.parse(fs.readFileSync(path.join(npm, "package.json"), "utf8"));
const carried = fs.readFileSync(path.join(npm, "jsonata.min.js"), "utf8") === read("src/jsonata/jsonata.min.js");
if (version !== "2.0.6" || !carried) {
    console.error(`error: shared/expression carries another JSONata than npm's ${version}; it needs 2.0.6`);
    process.exit(1);
}
const { default: jsonata } = await import(path.join(npm, "jsonata.js"));
const host = vm.runInThisContext(read("src/jsonata/host.js"))(jsonata);

async function outcome(expression, input, variables) {
    const root = input === undefined ? undefined : JSON.stringify(input);
    const found = host.evaluate(expression, root, JSON.stringify(variables), {});
    while (!found.done) await new Promise((resume) => setImmediate(resume));
    if (found.error !== undefined) return { error: found.code };
    return found.value === undefined ? {} : { value: JSON.parse(found.value) };
}

async function record() {
    const suite = JSON.parse(read("corpus/suite.json"));
    const own = JSON.parse(read("corpus/own.json"));
    const lines = [];
    for (const { expression, dataset, data, variables } of suite.cases) {
        const input = dataset === undefined ? data : suite.datasets[dataset];
        lines.push(await outcome(expression, input, variables ?? {}));
    }
    for (const { expressions, values } of own)
        for (const expression of expressions)
            for (const v of values) lines.push(await outcome(expression, undefined, { v }));
    return `[\n${lines.map((line) => JSON.stringify(line)).join(",\n")}\n]\n`;
}

const recorded = await record();
if (process.argv.includes("--write")) {
    fs.writeFileSync(path.join(crate, "corpus/recorded.json"), recorded);
} else if (recorded !== read("corpus/recorded.json")) {
    console.error("error: corpus/recorded.json is stale; run node infra/local/expressions.mjs --write");
    process.exit(1);
}
