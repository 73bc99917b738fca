// One incident: its cause, the executions that met it, and what people can do about it.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import type { Incident as Changed, IncidentInFull, LinkedExecution, Question } from '../api/types';
import { Bulk, type Operation } from '../components/bulk';
import { Confirm } from '../components/confirm';
import { Page } from '../components/page';
import { Answer } from '../components/states';
import { Mark, Status } from '../components/status';
import { type Column, Table } from '../components/table';
import { Time } from '../components/time';
import { command } from '../lib/command';
import { counted } from '../lib/format';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';
import { address } from '../router';

const EVERY_MS = 10_000;
type Handling = 'acknowledge' | 'resolve';

export function Incident({ route, person }: PageProps) {
  const [, id = ''] = route.path;
  const [handling, setHandling] = useState<Handling>();
  const [bulk, setBulk] = useState<Operation>();
  const live = useLive<IncidentInFull>(
    `incident ${id} ${route.tenant ?? ''}`,
    (signal) => apiFor(route.tenant).get(path('incidents', id), {}, signal),
    EVERY_MS,
  );
  return (
    <Page title="Incident" kind={live.data?.workflow_id}>
      <Answer live={live} what="the incident">
        {(incident) => (
          <>
            <Cause incident={incident} />
            {may(person.role, 'acknowledge and resolve incidents') && (
              <Handle incident={incident} onChoose={setHandling} />
            )}
            {!bulk && may(person.role, 'decide what an execution waits for') && (
              <All
                incident={incident}
                redrives={may(person.role, 'redrive an execution')}
                onChoose={setBulk}
              />
            )}
            {bulk && (
              <Bulk
                incident={incident.incident_id}
                operation={bulk}
                tenant={route.tenant ?? incident.tenant}
                onClose={() => {
                  setBulk(undefined);
                  live.reload();
                }}
              />
            )}
            <Executions incident={incident} tenant={route.tenant ?? incident.tenant} />
            {handling && (
              <HandleDialog
                incident={incident}
                handling={handling}
                tenant={route.tenant ?? incident.tenant}
                onClose={() => {
                  setHandling(undefined);
                  live.reload();
                }}
              />
            )}
          </>
        )}
      </Answer>
    </Page>
  );
}

function Cause({ incident }: { incident: IncidentInFull }) {
  return (
    <section class="box">
      <h2>
        {incident.state}: {incident.error}
      </h2>
      <p>
        <Mark
          word={{
            text: incident.status.toLowerCase(),
            tone: incident.status === 'OPEN' ? 'bad' : 'none',
          }}
        />{' '}
        {incident.standing && <Mark word={{ text: 'an effect remains', tone: 'part' }} />}
      </p>
      {incident.message && <p class="reason">{incident.message}</p>}
      <dl class="facts">
        <div>
          <dt>Executions</dt>
          <dd>{counted(incident.executions_total, 'execution')}</dd>
        </div>
        <div>
          <dt>Tenant</dt>
          <dd>{incident.tenant}</dd>
        </div>
        <div>
          <dt>Open since</dt>
          <dd>
            <Time at={incident.opened_at} />
          </dd>
        </div>
      </dl>
      {incident.handled.length > 0 && (
        <ol class="votes">
          {incident.handled.map((one) => (
            <li key={one.at}>
              <strong>{one.by}</strong>: {one.status.toLowerCase()}, <Time at={one.at} />
              {one.reason && <p class="reason">{one.reason}</p>}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Handle(props: { incident: IncidentInFull; onChoose: (handling: Handling) => void }) {
  const { status } = props.incident;
  return (
    <div class="buttons">
      {status === 'OPEN' && (
        <button type="button" onClick={() => props.onChoose('acknowledge')}>
          Acknowledge …
        </button>
      )}
      {status !== 'RESOLVED' && (
        <button type="button" onClick={() => props.onChoose('resolve')}>
          Resolve …
        </button>
      )}
    </div>
  );
}

interface DialogProps {
  incident: IncidentInFull;
  handling: Handling;
  tenant: string;
  onClose: () => void;
}

const EFFECTS: Readonly<Record<Handling, string>> = {
  acknowledge:
    'The list of open incidents no longer shows it. No execution changes. It opens again when another execution has this cause.',
  resolve:
    'The incident is closed. No execution changes: what waits for a decision still waits. It opens again when another execution has this cause.',
};

function HandleDialog({ incident, handling, tenant, onClose }: DialogProps) {
  const verb = handling === 'acknowledge' ? 'Acknowledge' : 'Resolve';
  return (
    <Confirm
      title={`${verb} the incident`}
      verb={verb}
      command={(reason) =>
        command(['incidents', handling, incident.incident_id], { reason, tenant })
      }
      act={async (reason) => {
        await apiFor(tenant).send<Changed>(
          'POST',
          path('incidents', incident.incident_id, handling),
          {
            body: { reason },
          },
        );
        return undefined;
      }}
      onClose={onClose}
    >
      <p>{EFFECTS[handling]}</p>
    </Confirm>
  );
}

// What can be done with all executions of the cause at once.
function All(props: {
  incident: IncidentInFull;
  redrives: boolean;
  onChoose: (operation: Operation) => void;
}) {
  const { executions } = props.incident;
  const open = executions.map(openQuestion).filter((question) => question !== undefined);
  const decisions = [...new Set(open.flatMap((question) => question.decisions))];
  const ended = executions.some((one) => !openQuestion(one) && one.status !== 'EXECUTED');
  if (decisions.length === 0 && !(ended && props.redrives)) return null;
  return (
    <section class="box">
      <h2>All executions of this cause</h2>
      <p class="soft">Each choice first shows the executions, and what would be refused.</p>
      <div class="buttons">
        {decisions.map((decision) => (
          <button
            key={decision}
            type="button"
            onClick={() => props.onChoose({ operation: 'decide', decision })}
          >
            Decide all: {decision} …
          </button>
        ))}
        {ended && props.redrives && (
          <>
            <button type="button" onClick={() => props.onChoose({ operation: 'redrive' })}>
              Redrive all …
            </button>
            <button type="button" onClick={() => props.onChoose({ operation: 'rollback' })}>
              Roll back all …
            </button>
          </>
        )}
      </div>
    </section>
  );
}

function openQuestion(execution: LinkedExecution): Question | undefined {
  const question = execution.question as Question | undefined;
  return question?.status === 'OPEN' ? question : undefined;
}

function Executions({ incident, tenant }: { incident: IncidentInFull; tenant: string }) {
  const columns: Array<Column<LinkedExecution>> = [
    {
      title: 'Execution',
      heads: true,
      cell: (row) => (
        <a href={address(['executions', row.execution_id], { tenant })}>
          {row.subject || `${row.execution_id.slice(0, 10)}…`}
        </a>
      ),
    },
    { title: 'Status', cell: (row) => <Status status={row.status} /> },
    { title: 'At', cell: (row) => <Time at={row.at} /> },
    {
      title: 'Reason',
      cell: (row) => (
        <>
          {row.reason}
          {row.stands && row.stands.length > 0 && <div>remains: {row.stands.join(', ')}</div>}
        </>
      ),
    },
    {
      title: 'Decide',
      cell: (row) => {
        const question = openQuestion(row);
        if (!question) return <span class="soft">nothing waits</span>;
        return (
          <a href={address(['inbox', row.execution_id, question.step], { tenant })}>
            {question.step}
          </a>
        );
      },
    },
  ];
  return (
    <section class="box">
      <h2>Executions</h2>
      <Table
        caption="Executions that met this incident, newest first"
        columns={columns}
        rows={incident.executions}
        keyOf={(row) => `${row.execution_id} ${row.generation} ${row.at}`}
      />
    </section>
  );
}
