// Answers that are followed: loaded again while the page is visible, less often after failures.
import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from './api/problem';

// The longest pause between two attempts, in milliseconds.
const LONGEST_PAUSE = 60_000;
// The number of equal answers in a row after which the pause doubles.
const EQUAL_ANSWERS = 30;

export interface Live<T> {
  data: T | undefined;
  // The problem of the last attempt.
  problem: Problem | undefined;
  // The time of the last answer, if the last attempt failed or is overdue.
  behindSince: Date | undefined;
  reload: () => void;
}

interface State<T> {
  key: string;
  data?: T;
  problem?: Problem;
  answeredAt?: Date;
}

// Loads what `load` returns, again every `every` milliseconds, or once if it is null. `key` names
// the answer: another key forgets it.
export function useLive<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  every: number | null | ((data: T) => number | null),
): Live<T> {
  const [state, setState] = useState<State<T>>({ key });
  const [turn, setTurn] = useState(0);
  const latest = useRef({ load, every });
  latest.current = { load, every };

  useEffect(() => follow(key, latest, setState), [key, turn]);

  const own = state.key === key ? state : { key };
  return {
    data: own.data,
    problem: own.problem,
    behindSince: own.problem ? own.answeredAt : undefined,
    reload: () => setTurn((before) => before + 1),
  };
}

interface Latest<T> {
  current: {
    load: (signal: AbortSignal) => Promise<T>;
    every: number | null | ((data: T) => number | null);
  };
}

// Loads until the returned function is called.
function follow<T>(
  key: string,
  latest: Latest<T>,
  setState: (change: (before: State<T>) => State<T>) => void,
): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let busy = false;
  let again: number | null = 0;
  let before = '';
  let equal = 0;

  const run = async () => {
    if (busy || stop.signal.aborted) return;
    busy = true;
    clearTimeout(timer);
    try {
      const data = await latest.current.load(stop.signal);
      if (stop.signal.aborted) return;
      const { every } = latest.current;
      failures = 0;
      const text = JSON.stringify(data);
      equal = text === before ? equal + 1 : 0;
      before = text;
      again = slowed(typeof every === 'function' ? every(data) : every, equal);
      const same = equal > 0;
      // An equal answer is the same object, so that a part that cannot show it fails once.
      setState((last) => ({
        key,
        data: same && last.key === key ? (last.data ?? data) : data,
        answeredAt: new Date(),
      }));
    } catch (error) {
      if (stop.signal.aborted) return;
      const problem = asProblem(error);
      failures += 1;
      again = problem.passes ? pauseAfter(failures) : null;
      setState((before) => ({ ...(before.key === key ? before : { key }), problem }));
    } finally {
      busy = false;
    }
    plan();
  };
  const plan = () => {
    clearTimeout(timer);
    if (again !== null && !document.hidden) timer = setTimeout(run, again);
  };
  // A page that becomes visible, or a connection that returns, asks at once.
  const wake = () => {
    equal = 0;
    if (!document.hidden && again !== null) void run();
    else plan();
  };
  document.addEventListener('visibilitychange', wake);
  addEventListener('online', wake);
  void run();
  return () => {
    stop.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', wake);
    removeEventListener('online', wake);
  };
}

// The pause of an answer that has been equal for a while: a page that is left open asks less often.
export function slowed(every: number | null, equal: number): number | null {
  if (every === null || every >= LONGEST_PAUSE) return every;
  return Math.min(LONGEST_PAUSE, every * 2 ** Math.min(10, Math.floor(equal / EQUAL_ANSWERS)));
}

// The pause after some failures in a row, in milliseconds.
export function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE, 1000 * 2 ** Math.min(failures, 10));
}
