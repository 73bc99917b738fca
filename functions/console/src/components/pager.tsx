// A list of pages, of which one is held. The cursors of the pages before it lead back.
import { useEffect, useState } from 'preact/hooks';
import { type Live, useLive } from '../live';

export interface Paged<T> {
  live: Live<T>;
  // The number of the page, from 1.
  number: number;
  older: (() => void) | undefined;
  newer: (() => void) | undefined;
}

// Follows one page of a list. The first page is loaded again every `every` milliseconds, since new
// entries appear there; another list (`key`) begins at its first page.
export function usePages<T extends { next: string | null }>(
  key: string,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<T>,
  every: number,
): Paged<T> {
  const [place, setPlace] = useState<{ key: string; cursors: readonly string[] }>({
    key,
    cursors: [],
  });
  useEffect(() => setPlace({ key, cursors: [] }), [key]);
  const cursors = place.key === key ? place.cursors : [];
  const cursor = cursors.at(-1);
  const live = useLive<T>(
    `${key}\n${cursor ?? ''}`,
    (signal) => load(cursor, signal),
    cursor === undefined ? every : null,
  );
  const next = live.data?.next;
  return {
    live,
    number: cursors.length + 1,
    older: next ? () => setPlace({ key, cursors: [...cursors, next] }) : undefined,
    newer: cursors.length > 0 ? () => setPlace({ key, cursors: cursors.slice(0, -1) }) : undefined,
  };
}

interface Props<T> {
  paged: Paged<T>;
  // The words on the buttons, for lists that do not show the newest first.
  words?: readonly [string, string];
}

export function Pager<T>({ paged, words = ['Newer', 'Older'] }: Props<T>) {
  const { newer, older, number } = paged;
  if (!newer && !older) return null;
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button type="button" disabled={!newer} onClick={newer}>
        ← {words[0]}
      </button>
      <span role="status">Page {number}</span>
      <button type="button" disabled={!older} onClick={older}>
        {words[1]} →
      </button>
    </nav>
  );
}
