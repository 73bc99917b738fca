// One incident: its cause, the executions that met it, and what people can do about it.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import type { Incident as Changed, IncidentInFull, LinkedExecution, Question } from '../api/types';
import { Boundary } from '../components/boundary';
import { Bulk, type Operation, Report } from '../components/bulk';
import { ShowCommand } from '../components/code';
import { Confirm } from '../components/confirm';
import { setFilter } from '../components/filters';
import { SubjectLink } from '../components/links';
import { Page } from '../components/page';
import { Answer } from '../components/states';
import { Mark, Status } from '../components/status';
import { type Column, Table } from '../components/table';
import { Time } from '../components/time';
import { command } from '../lib/command';
import { counted } from '../lib/format';
import { latestOf } from '../lib/incident';
import { errorWord } from '../lib/words';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';
import { address } from '../router';

const EVERY_MS = 10_000;
type Handling = 'acknowledge' | 'resolve';

export function Incident({ route, person }: PageProps) {
  const [, id = ''] = route.path;
  const [handling, setHandling] = useState<Handling>();
  const live = useLive<IncidentInFull>(
    `incident ${id} ${route.tenant ?? ''}`,
    (signal) => apiFor(route.tenant).get(path('incidents', id), {}, signal),
    EVERY_MS,
  );
  const handles = may(person.role, 'acknowledge and resolve incidents');
  return (
    <Page
      title={live.data ? causeOf(live.data) : 'Incident'}
      kind={live.data ? `Incident of ${live.data.workflow_id}` : undefined}
      aside={live.data && handles && <Handle incident={live.data} onChoose={setHandling} />}
    >
      <Answer live={live} what="the incident">
        {(incident) => {
          const tenant = route.tenant ?? incident.tenant;
          return (
            <>
              <Boundary what="the cause">
                <Cause incident={incident} />
              </Boundary>
              <Boundary what="what can be done with all executions">
                <Together incident={incident} route={route} person={person} onDone={live.reload} />
              </Boundary>
              <Boundary what="executions">
                <Executions incident={incident} tenant={tenant} role={person.role} />
              </Boundary>
              {handling && (
                <HandleDialog
                  incident={incident}
                  handling={handling}
                  tenant={tenant}
                  onClose={() => {
                    setHandling(undefined);
                    live.reload();
                  }}
                />
              )}
            </>
          );
        }}
      </Answer>
      <ShowCommand text={command(['incidents', 'show', id], { tenant: route.tenant })} />
    </Page>
  );
}

interface TogetherProps extends PageProps {
  incident: IncidentInFull;
  onDone: () => void;
}

// The executions of the cause together: the choice, what it would do, and the report of the bulk
// that the address names.
function Together({ incident, route, person, onDone }: TogetherProps) {
  const [chosen, setChosen] = useState<Operation>();
  const tenant = route.tenant ?? incident.tenant;
  const show = (bulk: string) => {
    setChosen(undefined);
    setFilter(route, 'bulk', bulk);
    onDone();
  };
  const { bulk } = route.query;
  if (bulk) return <Report id={bulk} tenant={tenant} person={person} onClose={() => show('')} />;
  if (!may(person.role, 'decide what an execution waits for')) return null;
  if (!chosen) {
    const redrives = may(person.role, 'redrive an execution');
    return <All incident={incident} redrives={redrives} onChoose={setChosen} />;
  }
  return (
    <Bulk
      incident={incident.incident_id}
      operation={chosen}
      tenant={tenant}
      onRun={show}
      onClose={() => setChosen(undefined)}
    />
  );
}

const causeOf = ({ state, error }: IncidentInFull) => `${state} ${errorWord(error)}`.trim();

function Cause({ incident }: { incident: IncidentInFull }) {
  return (
    <section class="box">
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
          <dt>Error</dt>
          <dd>
            <code>{incident.error}</code>
          </dd>
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
    <>
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
    </>
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
  const { executions, executions_total: total } = props.incident;
  const latest = latestOf(executions);
  const open = latest.map(openQuestion).filter((question) => question !== undefined);
  const decisions = [...new Set(open.flatMap((question) => question.decisions))];
  // Of more executions than are listed, some may have any status.
  const has = (statuses: readonly string[]) =>
    total > executions.length || latest.some((one) => statuses.includes(one.status));
  const redrives = props.redrives && has(['FAILED', 'ROLLED_BACK', 'PARTIALLY_ROLLED_BACK']);
  const rollsBack = props.redrives && has(['PARTIALLY_ROLLED_BACK']);
  // One execution is decided on its own page.
  if (total < 2 || (decisions.length === 0 && !redrives && !rollsBack)) return null;
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
        {redrives && (
          <button type="button" onClick={() => props.onChoose({ operation: 'redrive' })}>
            Redrive all …
          </button>
        )}
        {rollsBack && (
          <button type="button" onClick={() => props.onChoose({ operation: 'rollback' })}>
            Roll back all …
          </button>
        )}
      </div>
    </section>
  );
}

function openQuestion(execution: LinkedExecution): Question | undefined {
  const question = execution.question as Question | undefined;
  return question?.status === 'OPEN' ? question : undefined;
}

interface NextProps {
  link: LinkedExecution;
  // True of the latest generation of the execution.
  latest: boolean;
  tenant: string;
  role: string;
}

// What can be done next with an execution of the incident, by a person of this role.
function Next({ link, latest, tenant, role }: NextProps) {
  const question = openQuestion(link);
  const execution = address(['executions', link.execution_id], { tenant });
  if (!latest) return <span class="soft">a later run counts</span>;
  if (link.status === 'PARTIALLY_ROLLED_BACK') {
    const rolls = may(role, 'roll an ended execution back');
    return <a href={execution}>{rolls ? 'see if it can be rolled back' : 'see what remains'}</a>;
  }
  if (question) {
    const verb = may(role, 'decide what an execution waits for') ? 'decide' : 'see';
    return (
      <a href={address(['inbox', link.execution_id, question.step], { tenant })}>
        {verb} {question.step}
      </a>
    );
  }
  if (link.status === 'WAITING') return <a href={execution}>open the execution</a>;
  return <span class="soft">nothing waits</span>;
}

interface ExecutionsProps {
  incident: IncidentInFull;
  tenant: string;
  role: string;
}

function Executions({ incident, tenant, role }: ExecutionsProps) {
  const latest = latestOf(incident.executions);
  const columns: Array<Column<LinkedExecution>> = [
    {
      title: 'Execution',
      heads: true,
      cell: (row) => (
        <SubjectLink id={row.execution_id} subject={row.subject} to="executions" tenant={tenant} />
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
      title: 'Next',
      cell: (row) => <Next link={row} latest={latest.includes(row)} tenant={tenant} role={role} />,
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
