// The controls: what is paused, by whom and why; pause and resume.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import type {
  Control,
  ControlChange,
  ControlOutlook,
  ControlRequest,
  Controls as Listed,
} from '../api/types';
import { Boundary } from '../components/boundary';
import { Choice } from '../components/choice';
import { ShowCommand } from '../components/code';
import { Confirm } from '../components/confirm';
import { Page } from '../components/page';
import { PauseOutlook, UNCHECKED } from '../components/pause-outlook';
import { Answer, Empty } from '../components/states';
import { Mark } from '../components/status';
import { type Column, Table } from '../components/table';
import { Time } from '../components/time';
import { command } from '../lib/command';
import { counted, openExecutions } from '../lib/format';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';

const EVERY_MS = 10_000;
const KINDS = ['workflow', 'tenant', 'platform'] as const;
type Behavior = 'wait' | 'rollback';

interface Change {
  scope: string;
  pause: boolean;
}

export function Controls({ person }: PageProps) {
  const [change, setChange] = useState<Change>();
  const [note, setNote] = useState<string>();
  const sets = may(person.role, 'pause and resume');
  const live = useLive<Listed>(
    'controls',
    (signal) => apiFor(undefined).get('controls', {}, signal),
    EVERY_MS,
  );
  const close = (said?: string) => {
    setChange(undefined);
    if (said) setNote(said);
    live.reload();
  };
  return (
    <Page title="Controls">
      {note && (
        <p class="status good" role="status">
          {note}
        </p>
      )}
      <section class="box" aria-label="Controls">
        <Answer live={live} what="the controls">
          {({ controls }) => <List controls={controls} onChange={sets ? setChange : undefined} />}
        </Answer>
        <ShowCommand text={command(['controls'])} />
      </section>
      {sets && <PauseForm onChoose={(scope) => setChange({ scope, pause: true })} />}
      {change && (
        <Boundary key={change.scope} what="what it would touch">
          <Dialog change={change} onClose={close} />
        </Boundary>
      )}
    </Page>
  );
}

interface ListProps {
  controls: readonly Control[];
  // Absent for a person who may not pause.
  onChange: ((change: Change) => void) | undefined;
}

function List({ controls, onChange }: ListProps) {
  const paused = controls.filter((control) => control.state === 'paused');
  const running = controls.filter((control) => control.state !== 'paused');
  if (controls.length === 0) {
    return (
      <Empty>
        <p>Nothing is paused, and no control was ever set.</p>
      </Empty>
    );
  }
  return (
    <>
      <p>
        {paused.length === 0
          ? 'Nothing is paused.'
          : `${counted(paused.length, 'scope is', 'scopes are')} paused.`}
      </p>
      <Table
        caption="Controls that were ever set"
        columns={columnsFor(onChange)}
        rows={[...paused, ...running]}
        keyOf={(row) => row.scope}
      />
    </>
  );
}

function columnsFor(onChange: ListProps['onChange']): ReadonlyArray<Column<Control> | false> {
  return [
    { title: 'Scope', heads: true, cell: (row) => row.scope },
    { title: 'State', cell: (row) => <State control={row} /> },
    { title: 'Reason', cell: (row) => row.reason ?? '' },
    { title: 'By', cell: (row) => row.by ?? '' },
    { title: 'Since', cell: (row) => (row.at ? <Time at={row.at} /> : '') },
    onChange !== undefined && {
      title: 'Change',
      cell: ({ scope, state }) => {
        const paused = state === 'paused';
        return (
          <button type="button" onClick={() => onChange({ scope, pause: !paused })}>
            {paused ? 'Resume' : 'Pause'} …<span class="unseen"> {scope}</span>
          </button>
        );
      },
    },
  ];
}

function State({ control }: { control: Control }) {
  if (control.state !== 'paused') return <Mark word={{ text: 'running', tone: 'good' }} />;
  const rolls = control.running_executions === 'rollback';
  return (
    <>
      <Mark word={{ text: 'paused', tone: 'waiting' }} />
      <div class="soft">{rolls ? 'running ones are rolled back' : 'running ones wait'}</div>
    </>
  );
}

// Pauses a scope that has no control yet.
function PauseForm({ onChoose }: { onChoose: (scope: string) => void }) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>('workflow');
  const [name, setName] = useState('');
  return (
    <section class="box">
      <h2>Pause something</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onChoose(kind === 'platform' ? kind : `${kind}/${name.trim()}`);
        }}
      >
        <Choice name="Scope" all={KINDS} value={kind} onChange={setKind} />
        {kind !== 'platform' && (
          <label class="field">
            <span>{kind === 'workflow' ? 'Workflow, such as WF-PAY-VENDOR' : 'Tenant'}</span>
            <input required value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
        )}
        <div class="buttons">
          <button type="submit">Pause …</button>
        </div>
      </form>
    </section>
  );
}

function Dialog({ change, onClose }: { change: Change; onClose: (said?: string) => void }) {
  const { scope, pause } = change;
  const [behavior, setBehavior] = useState<Behavior>('wait');
  const [said, setSaid] = useState<string>();
  const outlook = useLive<ControlOutlook | null>(
    `outlook ${scope} ${pause}`,
    async (signal) =>
      pause
        ? apiFor(undefined).get<ControlOutlook>(path('controls', ...scope.split('/')), {}, signal)
        : null,
    null,
  );
  const act = async (reason: string) => {
    const body: ControlRequest = { state: pause ? 'paused' : 'running', reason };
    if (pause) body.running_executions = behavior;
    const answer = await apiFor(undefined).send<ControlChange>(
      'PUT',
      path('controls', ...scope.split('/')),
      { body },
    );
    setSaid(changed(answer));
    onClose(changed(answer));
    return undefined;
  };
  return (
    <Confirm
      title={`${pause ? 'Pause' : 'Resume'} ${scope}`}
      verb={pause ? 'Pause' : 'Resume'}
      // The API refuses a name that it does not know.
      allowed={outlook.data?.scope_check !== 'new'}
      command={(reason) =>
        command([pause ? 'pause' : 'resume', scope], {
          running: pause ? behavior : undefined,
          reason,
        })
      }
      act={act}
      onClose={() => onClose(said)}
    >
      {pause ? (
        <>
          <PauseOutlook live={outlook} />
          <PauseEffect behavior={behavior} onChange={setBehavior} />
        </>
      ) : (
        <p>New starts are accepted again. Executions that wait continue with their next step.</p>
      )}
    </Confirm>
  );
}

interface EffectProps {
  behavior: Behavior;
  onChange: (behavior: Behavior) => void;
}

// What a pause does, and the choice of what running executions do.
function PauseEffect({ behavior, onChange }: EffectProps) {
  return (
    <>
      <p>
        New starts are refused until it is resumed. Attempts that are at work end first. Undos,
        cancellations and ends continue; so do the clocks of time limits.
      </p>
      <Choice
        name="Executions that run"
        all={['wait', 'rollback'] as const}
        value={behavior}
        onChange={onChange}
      />
      <p class="soft">
        {behavior === 'wait'
          ? 'They wait before their next step.'
          : 'They are rolled back instead of their next step. A resume does not bring them back.'}
      </p>
    </>
  );
}

function changed(answer: ControlChange): string {
  const state = answer.state === 'paused' ? 'is paused' : 'is running';
  const open = answer.open_executions;
  const covers =
    typeof open === 'number'
      ? ` It covers ${openExecutions(open, answer.open_executions_more)}.`
      : '';
  const check = answer.scope_check === 'unavailable' ? ` ${UNCHECKED}` : '';
  return `${answer.scope} ${state}${answer.replayed ? ', as before' : ''}.${covers}${check}`;
}
