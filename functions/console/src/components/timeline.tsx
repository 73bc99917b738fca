// An execution's timeline, drawn to scale as on the receipt: every attempt, every attempt to undo,
// every decision. An attempt that has not ended lasts until now.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Attempt, Execution, Step } from '../api/types';
import { counted, lasted } from '../lib/format';
import { labelsOf, type Scale, type Span, scaleOf } from '../lib/scale';
import { isOpen } from '../lib/states';
import { Name } from './name';

// The most lanes; the table of steps has every step.
const MOST_LANES = 40;

const WORDS: Readonly<Record<string, string>> = {
  succeeded: 'succeeded',
  transient: 'failed, can be retried',
  permanent: 'failed for good',
  unknown: 'unknown: may have been applied',
  lost: 'lost: reported no outcome',
  halted: 'did nothing: the execution had moved on',
};

export const outcomeWord = (outcome: string | null): string =>
  outcome === null ? 'at work' : (WORDS[outcome] ?? outcome);

function classOf(outcome: string | null): string {
  if (outcome === null) return 'running';
  return outcome === 'lost' ? 'unknown' : outcome;
}

const labelOf = (step: Step) => (step.item ? `${step.name} [${step.item}]` : step.name);
const percent = (share: number) => `${share.toFixed(2)}%`;

export function Timeline({ execution, now }: { execution: Execution; now: number }) {
  const ended = execution.ended_at ? Date.parse(execution.ended_at) : undefined;
  const end = ended ?? now;
  const spanOf = (attempt: Attempt): Span => {
    const from = Date.parse(attempt.started_at);
    return { from, to: Math.max(from, attempt.ended_at ? Date.parse(attempt.ended_at) : end) };
  };
  const attempts = execution.steps.flatMap((step) => [...step.attempts, ...step.undo_attempts]);
  if (attempts.length === 0) return <p class="soft">No step has begun.</p>;
  const decided = execution.questions.flatMap((question) =>
    question.decision ? [Date.parse(question.decision.at)] : [],
  );
  const busy = [...attempts.map(spanOf), ...decided.map((at) => ({ from: at, to: at }))];
  const whole = busy.reduce(
    (all, each) => ({ from: Math.min(all.from, each.from), to: Math.max(all.to, each.to) }),
    { from: Date.parse(execution.started_at), to: end },
  );
  const scale = scaleOf(whole, busy);
  const reached = execution.steps.filter((step) => step.attempts.length > 0);
  const shown = reached.slice(0, MOST_LANES);
  return (
    <figure class="timeline">
      <div role="img" aria-label={inWords(reached, whole)}>
        {shown.map((step) => (
          <div class="lane" key={step.idempotency_key}>
            <span class="label">
              <Name text={labelOf(step)} />
            </span>
            <Lane step={step} scale={scale} spanOf={spanOf} />
          </div>
        ))}
        {decided.length > 0 && (
          <div class="lane">
            <span class="label">decisions</span>
            <svg aria-hidden="true">
              <Ground scale={scale} />
              {decided.map((at) => (
                <circle key={at} class="decision" cx={percent(scale.at(at))} cy="12" r="5" />
              ))}
            </svg>
          </div>
        )}
        <div class="lane axis">
          <span class="label">since the start</span>
          <Axis scale={scale} />
        </div>
      </div>
      <figcaption>
        <Legend attempts={attempts} execution={execution} />
        <p>
          Drawn to scale{scale.cuts.length > 0 && '; idle stretches are hatched and shortened'}.
          {reached.length > shown.length &&
            ` ${counted(reached.length - shown.length, 'more step')} in the table.`}
          {isOpen(execution.status) && ' It ends at the present.'}
        </p>
      </figcaption>
    </figure>
  );
}

interface LaneProps {
  step: Step;
  scale: Scale;
  spanOf: (attempt: Attempt) => Span;
}

function Lane({ step, scale, spanOf }: LaneProps) {
  const bar = (attempt: Attempt, n: number, undo: boolean) => {
    const span = spanOf(attempt);
    const [from, to] = [scale.at(span.from), scale.at(span.to)];
    return (
      <rect
        key={`${undo}${n}`}
        class={`bar${undo ? ' undo' : ''} ${classOf(attempt.outcome)}`}
        x={percent(from)}
        y={undo ? 17 : 4}
        width={percent(to - from)}
        height={undo ? 5 : 10}
        rx="1"
      >
        <title>
          {`${undo ? 'undo' : 'attempt'} ${n + 1}: ${outcomeWord(attempt.outcome)}, ${lasted(span.to - span.from)}`}
        </title>
      </rect>
    );
  };
  return (
    <svg aria-hidden="true">
      <Ground scale={scale} />
      {step.attempts.map((attempt, n) => bar(attempt, n, false))}
      {step.undo_attempts.map((attempt, n) => bar(attempt, n, true))}
    </svg>
  );
}

// The lines of the axis and the stretches that are cut out.
function Ground({ scale }: { scale: Scale }) {
  return (
    <>
      <rect class="track" width="100%" height="100%" />
      {scale.marks.map((mark) => (
        <line
          key={mark.at}
          class="grid"
          x1={percent(mark.at)}
          x2={percent(mark.at)}
          y1="0"
          y2="100%"
        />
      ))}
      {scale.cuts.map((cut) => (
        <rect
          key={cut.at}
          class="cut"
          x={percent(cut.at)}
          width={percent(cut.width)}
          height="100%"
        />
      ))}
    </>
  );
}

// The width of the axis until it is measured.
const WIDTH = 480;
const ROW_HEIGHT = 15;

function Axis({ scale }: { scale: Scale }) {
  const place = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(WIDTH);
  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const labels = labelsOf(scale, width);
  const rows = Math.max(0, ...labels.map((label) => label.row)) + 1;
  return (
    <svg ref={place} aria-hidden="true" height={rows * ROW_HEIGHT + 5}>
      {labels.map(({ text, x, row, cut }) => (
        <text key={`${x} ${row}`} class={cut ? 'gap' : undefined} x={x} y={(row + 1) * ROW_HEIGHT}>
          {text}
        </text>
      ))}
    </svg>
  );
}

function Legend({ attempts, execution }: { attempts: readonly Attempt[]; execution: Execution }) {
  const outcomes = [...new Set(attempts.map((attempt) => attempt.outcome))];
  return (
    <ul class="legend">
      {outcomes.map((outcome) => (
        <li key={outcome}>
          <svg class="swatch" aria-hidden="true">
            <rect class={`bar ${classOf(outcome)}`} x="1" y="2" width="12" height="10" rx="1" />
          </svg>
          {outcomeWord(outcome)}
        </li>
      ))}
      {execution.steps.some((step) => step.undo_attempts.length > 0) && (
        <li>thin: an undo attempt</li>
      )}
      {execution.questions.some((question) => question.decision) && (
        <li>
          <svg class="swatch" aria-hidden="true">
            <circle class="decision" cx="7" cy="7" r="5" />
          </svg>
          a person’s decision
        </li>
      )}
    </ul>
  );
}

// The patterns of bars and cuts, once in the document.
export function Patterns() {
  return (
    <svg class="defs" width="0" height="0" aria-hidden="true">
      <defs>
        <pattern
          id="hatch"
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect class="hatch-ground" width="5" height="5" />
          <rect class="hatch-line" width="2" height="5" />
        </pattern>
        <pattern
          id="gap"
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect class="gap-line" width="1.5" height="6" />
        </pattern>
      </defs>
    </svg>
  );
}

function inWords(steps: readonly Step[], whole: Span): string {
  const each = steps.slice(0, 12).map((step) => {
    const undo = step.undo_attempts.length;
    const undone = undo > 0 ? `, then ${counted(undo, 'attempt')} to undo it` : '';
    return `${labelOf(step)}: ${counted(step.attempts.length, 'attempt')}${undone}`;
  });
  return `Timeline over ${lasted(whole.to - whole.from)}. ${each.join('; ')}. The table of steps lists every attempt.`;
}
