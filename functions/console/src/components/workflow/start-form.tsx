// The start of a workflow: a form from the input's JSON Schema, the API's check, and the start.
import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { apiFor, path } from '../../api/client';
import { asProblem, Problem } from '../../api/problem';
import type { Definition, StartCheck, StartResult } from '../../api/types';
import { command } from '../../lib/command';
import { known } from '../../lib/known';
import {
  type Draft,
  emptyDraft,
  type FieldProblem,
  isObject,
  problemsIn,
  type Reading,
  read,
} from '../../lib/schema';
import { address, open } from '../../router';
import { Json, ShowCommand } from '../code';
import { ProblemView } from '../states';
import { SchemaField } from './schema-field';

interface Props {
  workflow: string;
  tenant: string | undefined;
  definition: Definition;
}

// What the API said about an input.
interface Verdict {
  // The text of the input that was checked.
  input: string;
  check: StartCheck;
}

export function StartForm({ workflow, tenant, definition }: Props) {
  const schema = isObject(definition.input) ? definition.input : {};
  const [draft, setDraft] = useState<Draft>(() => emptyDraft(schema, schema));
  const [key, setKey] = useState(newKey);
  const [approval, setApproval] = useState('');
  const needsApproval = 'approval' in definition.demands;
  const reading = read(schema, schema, draft);
  const state = useStart({
    workflow,
    tenant,
    reading,
    key,
    approval: needsApproval ? approval : undefined,
  });
  const input = JSON.stringify(reading.value ?? {});
  return (
    <section class="box" id="start">
      <h2>Start it</h2>
      <form ref={state.form} noValidate onSubmit={state.start}>
        <SchemaField
          root={schema}
          schema={schema}
          draft={draft}
          onChange={setDraft}
          problems={state.found}
          pointer=""
          name=""
          required
          depth={0}
        />
        {needsApproval && <Approval value={approval} onInput={setApproval} />}
        <Key value={key} onInput={setKey} />
        <Said state={state} input={input} />
        <div class="buttons">
          <button type="button" disabled={state.busy} onClick={state.check}>
            Check without starting
          </button>
          <button type="submit" class="main" disabled={state.busy || key === ''}>
            {state.busy ? 'At work …' : 'Check and start'}
          </button>
        </div>
      </form>
      <ShowCommand text={command(['start', workflow], { input, key, tenant })} />
    </section>
  );
}

interface StartDraft {
  workflow: string;
  tenant: string | undefined;
  reading: Reading;
  key: string;
  // The text of the approval, if the workflow demands one.
  approval: string | undefined;
}

interface StartState {
  form: RefObject<HTMLFormElement | null>;
  busy: boolean;
  found: readonly FieldProblem[];
  verdict: Verdict | undefined;
  problem: Problem | undefined;
  // True after the start itself was requested: a check changes nothing.
  sent: boolean;
  check: (event: Event) => Promise<void>;
  start: (event: Event) => Promise<void>;
}

// The check and the start of what is typed, and what came of them.
function useStart({ workflow, tenant, reading, key, approval }: StartDraft): StartState {
  const form = useRef<HTMLFormElement>(null);
  const [found, setFound] = useState<FieldProblem[]>([]);
  const [verdict, setVerdict] = useState<Verdict>();
  const [problem, setProblem] = useState<Problem>();
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const api = apiFor(tenant);

  const show = (problems: FieldProblem[]) => {
    setFound(problems);
    // The first field with a problem takes the focus once it is marked.
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(),
    );
  };

  // Checks here and at the API. Returns the input if both find nothing.
  const check = async (): Promise<unknown> => {
    setProblem(undefined);
    setSent(false);
    setVerdict(undefined);
    const { value, problems } = reading;
    show(problems);
    if (problems.length > 0) return undefined;
    const answer = await api.send<StartCheck>('POST', path('workflows', workflow, 'check'), {
      body: { input: value },
    });
    setVerdict({ input: JSON.stringify(value), check: answer });
    show(fieldProblems(answer));
    return answer.admissible ? value : undefined;
  };

  const start = async () => {
    const value = await check();
    if (value === undefined) return;
    const body =
      approval === undefined ? { input: value } : { input: value, approval: parsed(approval) };
    setSent(true);
    const answer = await api.send<StartResult>('POST', path('workflows', workflow, 'executions'), {
      body,
      headers: { 'idempotency-key': key },
    });
    const started = path('executions', answer.execution_id);
    await known(() => api.get(started, { workflow_id: workflow }));
    open(address(['executions', answer.execution_id], { tenant, workflow }));
  };

  const run = (work: () => Promise<unknown>) => async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await work();
    } catch (error) {
      const failed = asProblem(error);
      setProblem(failed);
      if (failed.errors.length > 0) show(problemsIn(failed.errors));
    }
    setBusy(false);
  };
  return { form, busy, found, verdict, problem, sent, check: run(check), start: run(start) };
}

// What came of the last check or start. A verdict is of the input that was checked alone.
function Said({ state, input }: { state: StartState; input: string }) {
  const { problem, sent, verdict, found } = state;
  return (
    <>
      {problem && <ProblemView problem={problem} sent={sent} />}
      {verdict?.input === input && <Outcome check={verdict.check} input={JSON.parse(input)} />}
      {found.length > 0 && (
        <p class="wrong" role="alert">
          {found.length === 1 ? 'One field is wrong.' : `${found.length} fields are wrong.`}
        </p>
      )}
    </>
  );
}

// A key of 128 random bits.
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

// The problems of the API's check that belong to a field.
function fieldProblems(check: StartCheck): FieldProblem[] {
  return check.problems.flatMap(({ pointer, message }) =>
    pointer ? [{ pointer: pointer.replace(/^\/input/, ''), message }] : [],
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(
      'refused',
      'Unreadable approval',
      'The approval must be JSON, such as {"jws": "…"}.',
    );
  }
}

// What the API says about a start, and what only the start itself can decide.
function Outcome({ check, input }: { check: StartCheck; input: unknown }) {
  const others = check.problems.filter((problem) => !problem.pointer);
  if (!check.admissible) {
    return (
      <div class="problem bad" role="alert">
        <strong>A start would be refused now.</strong>
        <ul>
          {others.map((problem) => (
            <li key={problem.guardrail + problem.message}>
              {problem.guardrail}: {problem.message}
            </li>
          ))}
        </ul>
      </div>
    );
  }
  return (
    <div class="problem good" role="status">
      <strong>A start would be admitted now.</strong>
      {check.decided_at_start.length > 0 && (
        <p>The start itself decides on: {check.decided_at_start.join(', ')}.</p>
      )}
      <details class="fold">
        <summary>The input that would be sent</summary>
        <Json value={input} />
      </details>
    </div>
  );
}

interface TextProps {
  value: string;
  onInput: (value: string) => void;
}

function Approval({ value, onInput }: TextProps) {
  return (
    <label class="field">
      <span>Approval (required)</span>
      <textarea rows={3} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
      <small>JSON of the system of approvals, such as {'{"jws": "…"}'}.</small>
    </label>
  );
}

function Key({ value, onInput }: TextProps) {
  return (
    <label class="field">
      <span>Idempotency key</span>
      <input
        value={value}
        maxLength={255}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <small>
        The same key and input never start twice, so that a repeat after a lost answer is safe.
      </small>
    </label>
  );
}
