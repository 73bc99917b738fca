// Judges the form of an expression by JSONata's own syntax tree: how deep its evaluations nest, and
// which number in it may not be finite.

(function (host) {
    "use strict";

    // Functions that yield texts, a boolean or a length of every number, finite or not, or an error.
    // `match` is none of them: the index of a match is what a matching function says.
    const SETTLE = new Set(
        (
            "boolean contains exists formatBase formatInteger formatNumber fromMillis join length lowercase not pad " +
            "replace split string substring substringAfter substringBefore trim type uppercase"
        ).split(" "),
    );
    // Functions that yield no number for a text that they cannot read.
    const READ = new Set(["parseInteger", "toMillis"]);

    function parts(node) {
        return node !== null && typeof node === "object" ? Object.values(node) : [];
    }

    // Most evaluations of `node` that are open at once. A function counts where it is written.
    function depth(node) {
        const inner = parts(node).reduce((deepest, part) => Math.max(deepest, depth(part)), 0);
        return inner + (node !== null && typeof node === "object" && typeof node.type === "string" ? 1 : 0);
    }

    // The name of the function that a call names; undefined if it calls what an expression yields.
    function called(node) {
        return node.procedure.type === "variable" ? node.procedure.value : undefined;
    }

    // The first operator or function in `node` whose number may not be finite and may be the result.
    // `settled` is true where such a number is an error, or becomes a text or a boolean.
    function loose(node, settled) {
        const first = (...found) => found.find((one) => one !== undefined);
        const all = (nodes, settled) => first(...(nodes || []).map((one) => loose(one, settled)));
        const pairs = (pairs) => first(...pairs.map(([key, value]) => first(loose(key, true), loose(value, settled))));
        if (node === null || typeof node !== "object") return undefined;
        const filters = first(
            ...[...(node.predicate || []), ...(node.stages || [])].map((stage) => loose(stage.expr, true)),
            node.group && pairs(node.group.lhs),
        );
        if (filters !== undefined) return filters;
        switch (node.type) {
            case "binary": {
                const divides = node.value === "/" || node.value === "%";
                const known = node.rhs.type === "number" && node.rhs.value !== 0;
                if (divides && !known && !settled) return node.value;
                return all([node.lhs, node.rhs], true);
            }
            case "unary":
                if (node.value === "{") return pairs(node.lhs);
                if (node.value === "[") return all(node.expressions, settled);
                return loose(node.expression, true);
            case "condition":
                return first(loose(node.condition, true), loose(node.then, settled), loose(node.else, settled));
            case "block":
                return first(all(node.expressions.slice(0, -1), true), all(node.expressions.slice(-1), settled));
            case "bind":
                return loose(node.rhs, false);
            case "variable":
                // A function, since no value has this name.
                return READ.has(node.value) && !settled ? `$${node.value}` : undefined;
            case "function":
                return first(
                    loose(node.procedure, settled),
                    all(node.arguments, settled || SETTLE.has(called(node))),
                );
            case "sort":
                return all(
                    node.terms.map((term) => term.expression),
                    true,
                );
            case "path":
                return all(node.steps, settled);
            case "apply":
                return first(loose(node.lhs, false), loose(node.rhs, settled));
            default: {
                const { predicate, stages, group, ...own } = node;
                return all(Object.values(own).flat(), false);
            }
        }
    }

    return {
        depth: (expression) => depth(host.tree(expression)),
        loose: (expression) => loose(host.tree(expression), false),
    };
});
