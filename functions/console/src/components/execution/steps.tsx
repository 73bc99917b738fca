// The steps of an execution with every attempt, its error, and the answer of its target.
import type { Attempt, Execution, Step } from '../../api/types';
import { counted, lasted } from '../../lib/format';
import { StepStatus } from '../status';
import { Time } from '../time';
import { outcomeWord } from '../timeline';
import { Payload } from './payloads';

// The steps that are shown before the reader asks for all.
const FIRST = 100;

export function Steps({ execution }: { execution: Execution }) {
  const { steps } = execution;
  if (steps.length === 0) return <p class="soft">No step has begun.</p>;
  return (
    <>
      {steps.slice(0, FIRST).map((step) => (
        <OneStep key={step.idempotency_key} step={step} />
      ))}
      {steps.length > FIRST && (
        <details class="fold">
          <summary>{counted(steps.length - FIRST, 'more step')}</summary>
          {steps.slice(FIRST).map((step) => (
            <OneStep key={step.idempotency_key} step={step} />
          ))}
        </details>
      )}
    </>
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
        <StepStatus status={step.status} />
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
      {answer && (
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
      )}
    </>
  );
}
