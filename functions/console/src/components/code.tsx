// Texts of machines: JSON, digests, and the command that does what a page does.
import { useState } from 'preact/hooks';
import { digitGroups } from '../lib/json';

export function Json({ value }: { value: unknown }) {
  return (
    <pre class="code" tabIndex={0}>
      <code>{digitGroups(JSON.stringify(value, null, 2) ?? '').map(grouped)}</code>
    </pre>
  );
}

// A long number in groups of three digits. A copy of the text has no separators.
function grouped(part: string | string[]) {
  if (typeof part === 'string') return part;
  return part.map((digits, n) => (n === 0 ? digits : <span class="digits">{digits}</span>));
}

export function Copy({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('copied');
    } catch {
      setSaid('mark the text and copy it');
    }
    setTimeout(() => setSaid(''), 4000);
  };
  return (
    <>
      <button type="button" class="plain" onClick={copy} aria-label={`Copy ${what}`}>
        copy
      </button>
      <span role="status">{said && ` ${said}`}</span>
    </>
  );
}

// The command that does the same, folded away until a reader asks for it.
export function ShowCommand({ text }: { text: string }) {
  return (
    <details class="command">
      <summary>Show the command</summary>
      <pre class="code" tabIndex={0}>
        <code>{text}</code>
      </pre>
      <Copy text={text} what="the command" />
    </details>
  );
}
