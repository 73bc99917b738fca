// Gives JSONata the one part of Node.js that it uses, the base64 of `Buffer`.

(function () {
    "use strict";

    const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    function encoded(text) {
        let base64 = "";
        for (let at = 0; at < text.length; at += 3) {
            const bytes = [0, 1, 2].map((next) => text.charCodeAt(at + next) & 0xff);
            const bits = (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
            const left = text.length - at;
            base64 += ALPHABET[bits >> 18] + ALPHABET[(bits >> 12) & 63];
            base64 += left > 1 ? ALPHABET[(bits >> 6) & 63] : "=";
            base64 += left > 2 ? ALPHABET[bits & 63] : "=";
        }
        return base64;
    }

    // Like Node.js, ends at `=`, skips what is not of the alphabet, and knows that of URLs.
    function decoded(base64) {
        let text = "";
        let bits = 0;
        let count = 0;
        for (const character of base64.split("=", 1)[0].replace(/-/g, "+").replace(/_/g, "/")) {
            const digit = ALPHABET.indexOf(character);
            if (digit >= 0) {
                bits = ((bits << 6) | digit) & 0xffffff;
                count += 6;
                if (count >= 8) {
                    count -= 8;
                    text += String.fromCharCode((bits >> count) & 0xff);
                }
            }
        }
        return text;
    }

    globalThis.global = globalThis;
    globalThis.Buffer = {
        from: function (text, from) {
            return { toString: () => (from === "base64" ? decoded(text) : encoded(text)) };
        },
    };
})();
