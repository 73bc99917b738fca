// Replaces what QuickJS runs natively without an end in sight, and what depends on the machine.

(function () {
    "use strict";

    // Most comparisons of one native search, which no interrupt can end. It takes milliseconds.
    const MOST_COMPARISONS = 4e6;
    // Characters of a part by which the places are found where the rest is compared.
    const BEGIN = 64;
    const { indexOf, split, startsWith } = String.prototype;

    function isShort(text, part) {
        return text.length * part.length <= MOST_COMPARISONS;
    }

    // Finds a long part of a long text. An interrupt can end it between two places.
    function find(text, part, from) {
        const begin = part.slice(0, BEGIN);
        for (let at = from; at + part.length <= text.length; at++) {
            at = indexOf.call(text, begin, at);
            if (at < 0 || startsWith.call(text, part, at)) {
                return at;
            }
        }
        return -1;
    }

    String.prototype.indexOf = function (part, from) {
        if (typeof part !== "string" || isShort(this, part)) {
            return indexOf.call(this, part, from);
        }
        return find(this, part, Math.max(from || 0, 0));
    };

    String.prototype.split = function (separator, limit) {
        if (typeof separator !== "string" || isShort(this, separator)) {
            return split.call(this, separator, limit);
        }
        const most = limit === undefined ? Infinity : limit >>> 0;
        const parts = [];
        for (let at = 0; parts.length < most; ) {
            const next = find(this, separator, at);
            parts.push(this.slice(at, next < 0 ? undefined : next));
            if (next < 0) break;
            at = next + separator.length;
        }
        return parts;
    };

    // A time without an offset is one of UTC. JavaScript reads it in the machine's time zone. What V8
    // refuses has no value: month or day zero, and an offset without a time.
    const parse = Date.parse;
    Date.parse = function (text) {
        const offset = /[+-]\d\d:?\d\d$/.test(text);
        if (/^\d{4}(-\d\d)?-00/.test(text) || (offset && !/T/.test(text))) {
            return NaN;
        }
        return parse(/T/.test(text) && !offset && !/Z$/.test(text) ? text + "Z" : text);
    };
})();
