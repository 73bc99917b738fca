// The states of an answer: loading, empty, failed, behind, offline.
import type { ComponentChildren } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Problem } from '../api/problem';
import type { Live } from '../live';
import { signIn } from '../session';
import { Boundary, type Shown, ShownAnswer } from './boundary';
import { Time } from './time';

export function Loading({ what }: { what: string }) {
  return (
    <p class="state" role="status">
      Loading {what} …
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="state">{children}</div>;
}

interface ProblemProps {
  problem: Problem;
  retry?: () => void;
  // True of a request that changes something, which the console does not repeat.
  sent?: boolean;
}

// The API may have taken a request whose answer was lost.
const SENT = 'It may have taken effect. Repeat it: a repeat takes effect once.';

export function ProblemView({ problem, retry, sent = false }: ProblemProps) {
  return (
    <div class="problem bad" role="alert">
      <strong>{problem.title}</strong>
      <p>{problem.detail}</p>
      {problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((error) => (
            <li key={error}>{error}</li>
          ))}
        </ul>
      )}
      <p class="soft">
        {sent && (problem.passes || problem.kind === 'failed') ? SENT : problem.advice}
      </p>
      {problem.kind === 'expired' && (
        <button type="button" class="main" onClick={signIn}>
          Sign in
        </button>
      )}
      {retry && problem.kind !== 'expired' && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface AnswerProps<T> {
  live: Live<T>;
  what: string;
  // False in a dialog, which must not offer what it fails to show: the boundary around it fails.
  bounded?: boolean;
  children: (data: T) => ComponentChildren;
}

// Shows an answer in its state. Data that is behind stays, under a line that says so.
export function Answer<T>({ live, what, bounded = true, children }: AnswerProps<T>) {
  const outer = useContext(ShownAnswer);
  if (live.data === undefined) {
    return live.problem ? (
      <ProblemView problem={live.problem} retry={live.reload} />
    ) : (
      <Loading what={what} />
    );
  }
  return (
    <>
      <Behind live={live} />
      {bounded ? (
        <ShownAnswer.Provider value={within(outer, live)}>
          <Boundary what={what}>
            <Data data={live.data} show={children} />
          </Boundary>
        </ShownAnswer.Provider>
      ) : (
        children(live.data)
      )}
    </>
  );
}

// The answer inside those around it: a part can fail because of each of them.
const within = <T,>(outer: Shown | undefined, live: Live<T>): Shown => ({
  data: [...(outer?.data ?? []), live.data],
  reload: () => {
    outer?.reload();
    live.reload();
  },
});

// Calls `show` inside the boundary.
function Data<T>({ data, show }: { data: T; show: AnswerProps<T>['children'] }) {
  return <>{show(data)}</>;
}

// Says since when the shown data is behind, and why.
export function Behind<T>({ live }: { live: Live<T> }) {
  if (!live.problem || live.data === undefined) return null;
  return (
    <div class="behind part" role="status">
      <strong>Behind</strong> since{' '}
      {live.behindSince ? <Time at={live.behindSince} /> : 'the start'}: {live.problem.detail}{' '}
      {live.problem.advice}{' '}
      <button type="button" class="plain" onClick={live.reload}>
        Try now
      </button>
    </div>
  );
}

// Says that the browser has no connection.
export function Offline() {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const changed = () => setOnline(navigator.onLine);
    addEventListener('online', changed);
    addEventListener('offline', changed);
    return () => {
      removeEventListener('online', changed);
      removeEventListener('offline', changed);
    };
  }, []);
  if (online) return null;
  return (
    <p class="offline part" role="status">
      <strong>Offline.</strong> What you see may be behind. The console continues when the
      connection returns.
    </p>
  );
}
