// Adds to JSONata what QuickJS lacks, and gives each evaluation's outcome as texts.
//
// infra/local/expressions.mjs runs this file in Node.js too, so that what it records differs from
// our evaluator in nothing but the engine.

(function (jsonata) {
    "use strict";

    // JSONata groups and merges into plain objects. With these members, a key of an input such as
    // __proto__ would vanish there instead of becoming a member.
    for (const name of ["__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"]) {
        delete Object.prototype[name];
    }

    // JSONata's $lookup also finds inherited members, so that a key of an input such as
    // "constructor" would exist in every object.
    function lookup(input, key) {
        if (!Array.isArray(input)) {
            const found = input !== null && typeof input === "object" && Object.prototype.hasOwnProperty.call(input, key);
            return found ? input[key] : undefined;
        }
        const found = input.map((item) => lookup(item, key)).filter((value) => value !== undefined);
        // As JSONata marks a list that is one value if it has one.
        return Object.defineProperty(found.flat(), "sequence", { enumerable: false, value: true });
    }

    // Most evaluations that may be open at once. The library that runs JSONata for others ends them by
    // these two calls, and Step Functions ended them at 99 to 101 (github.com/floci-io/floci/issues/2737).
    const MOST_OPEN = 90;
    let open = 0;

    function enter() {
        open += 1;
        if (open > MOST_OPEN) {
            throw { code: "U1001", message: `it calls itself to a depth of more than ${MOST_OPEN}` };
        }
    }

    function leave() {
        open -= 1;
    }

    // A function with a name can call itself. The depth of every other expression lies in its form.
    function calls(expression) {
        return /:=\s*(function|λ)/.test(expression);
    }

    const parsed = new Map();
    // Definitions hold few expressions. The limit keeps a process small that serves many of them.
    const MOST_PARSED = 1000;

    function parse(expression) {
        let known = parsed.get(expression);
        if (known === undefined) {
            known = jsonata(expression);
            // Step Functions leaves it out.
            known.assign("eval", undefined);
            known.registerFunction("lookup", lookup, "<x-s:x>");
            if (calls(expression)) {
                known.assign(Symbol.for("jsonata.__evaluate_entry"), enter);
                known.assign(Symbol.for("jsonata.__evaluate_exit"), leave);
            }
            if (parsed.size >= MOST_PARSED) {
                parsed.clear();
            }
            parsed.set(expression, known);
        }
        return known;
    }

    // Throws at what JSON cannot carry. JSON.stringify would write null, or leave it out.
    function checked(_, value) {
        if (typeof value === "number" && !Number.isFinite(value)) {
            throw new Error("it yields a number that is not finite");
        }
        if (typeof value === "function" || (value && (value._jsonata_lambda || value._jsonata_function))) {
            throw new Error("it yields a function, which is not a value");
        }
        if (typeof value === "string" && !value.isWellFormed()) {
            throw new Error("it yields half a character, which no JSON reader takes");
        }
        return value;
    }

    // Largest result and message, in characters. Step Functions carries 256 KiB.
    // Source: docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
    const MOST_RESULT = 256 * 1024;
    const MOST_MESSAGE = 1000;

    function bounded(result) {
        if (result !== undefined && result.length > MOST_RESULT) {
            throw new Error("it yields more than Step Functions can carry, which is 256 KiB");
        }
        return result;
    }

    function failed(outcome, error) {
        outcome.error = String((error && error.message) || error).slice(0, MOST_MESSAGE);
        outcome.code = String((error && error.code) || "");
    }

    return {
        // The syntax tree of an expression.
        tree(expression) {
            return parse(expression).ast();
        },

        // The reason why a text is not an expression; undefined if it is one.
        fault(expression) {
            try {
                parse(expression);
            } catch (error) {
                return error.message || String(error);
            }
            return undefined;
        },

        // Begins an evaluation. The outcome gets `done`, and `value` (JSON) or `error` and `code`.
        // The outcome has neither if the expression yields nothing. `ended` is called at the end.
        evaluate(expression, input, variables, functions, ended) {
            const outcome = { done: false };
            open = 0;
            const begun = async () => {
                const bindings = Object.assign(JSON.parse(variables), functions);
                const root = input === undefined ? undefined : JSON.parse(input);
                const value = await parse(expression).evaluate(root, bindings);
                outcome.value = bounded(JSON.stringify(value, checked));
            };
            begun()
                .catch((error) => failed(outcome, error))
                .then(() => {
                    outcome.done = true;
                    if (ended) ended();
                });
            return outcome;
        },
    };
});
