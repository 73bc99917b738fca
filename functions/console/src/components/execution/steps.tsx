// The steps, approvals and waits of an execution in order, with every attempt, its error, and the
// answer of its target.
import type { Attempt, Execution, OutlineNode, Step, TargetAnswer } from '../../api/types';
import { sentenceIn } from '../../lib/answer';
import { counted, lasted } from '../../lib/format';
import { type Entry, progressOf } from '../../lib/progress';
import { decidersOf } from '../../lib/question';
import { statesOf } from '../../lib/states';
import type { Word } from '../../lib/words';
import { Mark, StepStatus } from '../status';
import { Time } from '../time';
import { outcomeWord } from '../timeline';
import { Payload } from './payloads';

// The steps that are shown before the reader asks for all.
const FIRST = 100;

interface Props {
  execution: Execution;
  // The states of its workflow; empty if the reader may not see them, or of another version.
  outline: readonly OutlineNode[];
}

export function Steps({ execution, outline }: Props) {
  const progress = progressOf(execution, outline);
  if (progress.length === 0) return <p class="soft">No step has begun.</p>;
  const states = statesOf(execution);
  const row = (entry: Entry, n: number) => <Row key={n} entry={entry} states={states} />;
  return (
    <>
      {progress.slice(0, FIRST).map(row)}
      {progress.length > FIRST && (
        <details class="fold">
          <summary>{counted(progress.length - FIRST, 'more step')}</summary>
          {progress.slice(FIRST).map((entry, n) => row(entry, n + FIRST))}
        </details>
      )}
    </>
  );
}

const NOT_REACHED: Word = { text: 'not reached', tone: 'none' };
const NOT_RUN: Word = { text: 'not run', tone: 'none' };
// A wait leaves no record: what follows shows that it is over, or that the branch may not have run.
const NO_RECORD: Word = { text: 'no record', tone: 'none' };
const PASSED: Word = { text: 'no record: over, or of a branch that was not taken', tone: 'none' };
const OVER: Word = { text: 'over', tone: 'good' };
const KINDS: Readonly<Record<string, string>> = { approval: 'approval', wait: 'wait' };

function Row({ entry, states }: { entry: Entry; states: ReadonlyMap<string, Word> }) {
  if (entry.is === 'step') return <OneStep step={entry.step} />;
  if (entry.is === 'approval') {
    const { question } = entry;
    const word = states.get(question.step) ?? NOT_REACHED;
    return (
      <State
        name={question.step}
        word={word}
        note={`approval of ${decidersOf(question.by, question.count)}`}
      />
    );
  }
  const { node } = entry;
  const note = KINDS[node.kind] ?? node.action ?? node.kind;
  return <State name={node.name} word={wordFor(entry)} note={note} />;
}

function wordFor({ node, over, passed }: Extract<Entry, { is: 'state' }>): Word {
  if (over) return OVER;
  if (node.kind === 'wait') return passed ? PASSED : NO_RECORD;
  return passed ? NOT_RUN : NOT_REACHED;
}

function State({ name, word, note }: { name: string; word: Word; note: string }) {
  return (
    <div class="entry step">
      <h3>{name}</h3>
      <Mark word={word} />
      <span class="soft">{note}</span>
    </div>
  );
}

function OneStep({ step }: { step: Step }) {
  return (
    <div class="entry">
      <div class="step">
        <h3>
          {step.name}
          {step.item && <span class="soft"> [{step.item}]</span>}
        </h3>
        <StepStatus status={step.status} attempts={step.attempts.length} />
        <span class="soft">
          {step.action}, {counted(step.attempts.length, 'attempt')}
        </span>
      </div>
      <Attempts step={step} />
      {(step.input || step.output) && (
        <details class="fold">
          <summary>Input and output</summary>
          <p class="soft">
            Idempotency key <code>{step.idempotency_key}</code>
          </p>
          {step.input && <Payload view={step.input} />}
          {step.output && <Payload view={step.output} />}
        </details>
      )}
    </div>
  );
}

function Attempts({ step }: { step: Step }) {
  const all = [
    ...step.attempts.map((attempt, n) => ({ attempt, name: `Attempt ${n + 1}` })),
    ...step.undo_attempts.map((attempt, n) => ({ attempt, name: `Undo ${n + 1}` })),
  ];
  return (
    <table class="attempts">
      <caption class="unseen">Attempts at {step.name}</caption>
      <thead class="unseen">
        <tr>
          <th scope="col">Attempt</th>
          <th scope="col">Outcome</th>
          <th scope="col">Began</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {all.map(({ attempt, name }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <Outcome attempt={attempt} />
            </td>
            <td>
              <Time at={attempt.started_at} />
            </td>
            <td class="number">{tookOf(attempt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function tookOf(attempt: Attempt): string {
  if (!attempt.ended_at) return '';
  return lasted(Date.parse(attempt.ended_at) - Date.parse(attempt.started_at));
}

function Outcome({ attempt }: { attempt: Attempt }) {
  const { answer } = attempt;
  return (
    <>
      {outcomeWord(attempt.outcome)}
      {attempt.error && <div class="soft">{attempt.error}</div>}
      {answer && <TargetSaid answer={answer} />}
    </>
  );
}

// The sentence of a target's answer in front of the whole answer.
export function TargetSaid({ answer }: { answer: TargetAnswer }) {
  const sentence = sentenceIn(answer.body);
  return (
    <>
      {sentence && <p class="reason">The target says: {sentence}</p>}
      <details class="fold">
        <summary>Answer of the target</summary>
        <p class="soft">
          <code>{answer.path}</code>
        </p>
        <pre class="code" tabIndex={0}>
          {answer.body}
          {answer.cut && ' …'}
        </pre>
      </details>
    </>
  );
}
