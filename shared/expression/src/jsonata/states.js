// Gives JSONata what a state of Step Functions adds: its own functions, and a time and a chance that
// the caller decides.
//
// Source: docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html.

(function (host, hash) {
    "use strict";

    const RealDate = Date;
    const realRandom = Math.random;

    // Numbers from 0 to 1 by a seed (mulberry32, which is in the public domain).
    function numbers(seed) {
        let state = seed >>> 0;
        return () => {
            state = (state + 0x6d2b79f5) >>> 0;
            let mixed = Math.imul(state ^ (state >>> 15), state | 1);
            mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
            return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
        };
    }

    function dateAt(now) {
        return class extends RealDate {
            constructor(...parts) {
                super(...(parts.length === 0 ? [now] : parts));
            }
            static now() {
                return now;
            }
        };
    }

    function whole(name, value) {
        if (!Number.isInteger(value)) throw new Error(`$${name} takes whole numbers`);
        return value;
    }

    const functions = {
        parse: function (text) {
            if (text === undefined) return undefined;
            if (typeof text !== "string") throw new Error("$parse takes JSON in a text");
            return JSON.parse(text);
        },
        hash: function (data, algorithm) {
            if (data === undefined) return undefined;
            const text = typeof data === "string" ? data : JSON.stringify(data);
            return hash(text, String(algorithm));
        },
        range: function (first, last, step) {
            [first, last, step].forEach((number) => whole("range", number));
            const count = step === 0 ? Infinity : Math.floor((last - first) / step) + 1;
            if (!(count <= 1000)) throw new Error("$range yields 1 to 1000 numbers");
            return Array.from({ length: Math.max(count, 0) }, (_, n) => first + n * step);
        },
        partition: function (list, size) {
            if (list === undefined) return undefined;
            if (!Array.isArray(list) || !(whole("partition", size) > 0)) {
                throw new Error("$partition takes a list and a size");
            }
            const parts = [];
            for (let at = 0; at < list.length; at += size) parts.push(list.slice(at, at + size));
            return parts;
        },
        uuid: function () {
            const digit = (mark) => Math.floor(mark === "x" ? Math.random() * 16 : 8 + Math.random() * 4);
            return "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (mark) => digit(mark).toString(16));
        },
        random: function (seed) {
            return seed === undefined ? Math.random() : numbers(whole("random", seed))();
        },
    };

    // Evaluates at the time `now`, in milliseconds. `seed` decides what chance yields.
    return function (expression, variables, now, seed) {
        globalThis.Date = dateAt(now);
        Math.random = numbers(seed);
        return host.evaluate(expression, undefined, variables, functions, () => {
            globalThis.Date = RealDate;
            Math.random = realRandom;
        });
    };
});
