// A bulk: the preview of what it would do, its start, and the report of each execution.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { BulkBody, BulkPreview, BulkReport, BulkSample, Decision } from '../api/types';
import { canStop, isOver, keyOf, refusedFirst, statusSentence } from '../lib/bulk';
import { command } from '../lib/command';
import { counted } from '../lib/format';
import type { Person } from '../lib/token';
import type { Tone } from '../lib/words';
import { useLive } from '../live';
import { may } from '../roles';
import { ShowCommand } from './code';
import { ExecutionLink, SubjectLink } from './links';
import { Reason } from './reason';
import { Answer, ProblemView } from './states';
import { Mark, Status } from './status';
import { Table } from './table';

// The API adds the bulk's id to the reason.
const LONGEST_REASON = 452;
const EVERY_MS = 2000;
// The executions that a report shows. The command prints all of them as JSON.
const MOST_ITEMS = 100;

export interface Operation {
  operation: BulkBody['operation'];
  decision?: string;
}

interface Props {
  incident: string;
  operation: Operation;
  tenant: string;
  // The bulk runs: its report has a page of its own.
  onRun: (bulk: string) => void;
  onClose: () => void;
}

// The reason, then what would happen, then the request.
export function Bulk({ incident, operation, tenant, onRun, onClose }: Props) {
  const [reason, setReason] = useState('');
  const [preview, setPreview] = useState<BulkPreview>();
  const { busy, problem, submit } = useSubmission();
  const title = operation.decision
    ? `Decide all: ${operation.decision}`
    : `${TITLES[operation.operation] ?? operation.operation} all`;
  const show = () =>
    submit(async () => {
      const body: BulkBody = {
        operation: operation.operation,
        filter: { incident_id: incident },
        reason: reason.trim(),
      };
      if (operation.decision) body.decision = operation.decision as Decision;
      setPreview(await apiFor(tenant).send('POST', 'bulk', { body }));
    });
  const run = ({ bulk_id: id, token }: BulkPreview) =>
    submit(async () => {
      await apiFor(tenant).send('POST', path('bulk', id, 'run'), { body: { token } });
      onRun(id);
    });
  const words = ['bulk', operation.operation, ...(operation.decision ? [operation.decision] : [])];
  return (
    <section class="box" aria-label={title}>
      <h2>{title}</h2>
      {!preview && (
        <ReasonForm
          reason={reason}
          busy={busy}
          onInput={setReason}
          onClose={onClose}
          onSubmit={show}
        />
      )}
      {problem && <ProblemView problem={problem} sent={preview !== undefined} />}
      {preview && (
        <>
          <Preview preview={preview} tenant={tenant} />
          <div class="buttons">
            <button type="button" onClick={onClose}>
              Do nothing
            </button>
            <button type="button" class="main" disabled={busy} onClick={() => run(preview)}>
              {busy ? 'Requesting …' : `Request it for ${counted(preview.total, 'execution')}`}
            </button>
          </div>
        </>
      )}
      <ShowCommand text={command(words, { incident, reason: reason.trim() || 'why', tenant })} />
    </section>
  );
}

const TITLES: Readonly<Record<string, string>> = { redrive: 'Redrive', rollback: 'Roll back' };

interface Submission {
  busy: boolean;
  problem: Problem | undefined;
  submit: (work: () => Promise<void>) => Promise<void>;
}

// One request at a time, and the problem of the last one.
function useSubmission(): Submission {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (work: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return { busy, problem, submit };
}

interface ReasonFormProps {
  reason: string;
  busy: boolean;
  onInput: (reason: string) => void;
  onClose: () => void;
  onSubmit: () => Promise<void>;
}

function ReasonForm({ reason, busy, onInput, onClose, onSubmit }: ReasonFormProps) {
  const submit = (event: Event) => {
    event.preventDefault();
    void onSubmit();
  };
  return (
    <form onSubmit={submit}>
      <Reason
        value={reason}
        longest={LONGEST_REASON}
        note="Each execution records it, with the id of the bulk."
        onInput={onInput}
      />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Do nothing
        </button>
        <button type="submit" class="main" disabled={busy || reason.trim() === ''}>
          {busy ? 'Looking …' : 'Show what would happen'}
        </button>
      </div>
    </form>
  );
}

function Preview({ preview, tenant }: { preview: BulkPreview; tenant: string }) {
  const unchecked = preview.total - preview.checked;
  return (
    <>
      <p>
        <strong>{counted(preview.total, 'execution')}</strong>:{' '}
        {preview.statuses.map((one) => (
          <span key={one.status}>
            {one.count} <Status status={one.status} />{' '}
          </span>
        ))}
      </p>
      {preview.refused_now.length === 0 ? (
        <p>None of the first {preview.checked} would be refused now.</p>
      ) : (
        <>
          <h3>Would be refused now</h3>
          <ul>
            {preview.refused_now.map((one) => (
              <li key={one.reason}>
                {one.count}: {one.reason}
              </li>
            ))}
          </ul>
        </>
      )}
      {unchecked > 0 && <p class="soft">The other {unchecked} were not checked yet.</p>}
      <Table
        caption="The first executions of the bulk"
        columns={[
          {
            title: 'Execution',
            heads: true,
            cell: (row: BulkSample) => (
              <SubjectLink
                id={row.execution_id}
                subject={row.subject}
                to="executions"
                tenant={tenant}
              />
            ),
          },
          { title: 'Status', cell: (row: BulkSample) => <Status status={row.status} /> },
          { title: 'Asks', cell: (row: BulkSample) => row.message ?? row.step ?? '' },
        ]}
        rows={preview.sample}
        keyOf={keyOf}
      />
    </>
  );
}

const OUTCOMES: Readonly<Record<string, { text: string; tone: Tone }>> = {
  done: { text: 'requested', tone: 'good' },
  already: { text: 'so before', tone: 'none' },
  refused: { text: 'refused', tone: 'bad' },
  not_reached: { text: 'not reached', tone: 'part' },
  pending: { text: 'pending', tone: 'busy' },
};

interface ReportProps {
  id: string;
  tenant: string;
  person: Person;
  onClose: () => void;
}

// The report of a bulk that was requested. Its id is in the address of the page, so that it can be
// opened again, and by another person.
export function Report(props: ReportProps) {
  const { role } = props.person;
  if (may(role, 'act on many executions at once')) return <ReadReport {...props} />;
  return (
    <section class="box" aria-label="Report">
      <h2>Report of the bulk</h2>
      <p>The role {role} does not see it.</p>
      <Readers />
    </section>
  );
}

const Readers = () => (
  <p>The person who requested the bulk sees its report, and so does a platform admin.</p>
);

function ReadReport({ id, tenant, person, onClose }: ReportProps) {
  const live = useLive<BulkReport>(
    `bulk ${id} ${tenant}`,
    (signal) => reportOf(id, tenant, signal),
    ({ status }) => (isOver(status) ? null : EVERY_MS),
  );
  return (
    <section class="box" aria-label="Report">
      <h2>Report of the bulk</h2>
      {live.problem?.kind === 'missing' && person.role !== 'platform-admin' && <Readers />}
      <Answer live={live} what="the report">
        {(report) => (
          <>
            <Progress report={report} />
            <Items items={report.items} tenant={tenant} />
            {report.next && (
              <p class="soft">
                {MOST_ITEMS} of them are shown, refused ones first. The command prints all of them.
              </p>
            )}
            {canStop(report, person) && <Stop id={id} tenant={tenant} onStopped={live.reload} />}
          </>
        )}
      </Answer>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Close the report
        </button>
      </div>
      <ShowCommand text={command(['bulk', 'show', id], { tenant, json: true })} />
    </section>
  );
}

// The report with its refused executions first.
async function reportOf(id: string, tenant: string, signal: AbortSignal): Promise<BulkReport> {
  const read = (outcome?: 'refused') =>
    apiFor(tenant).get<BulkReport>(path('bulk', id), { limit: MOST_ITEMS, outcome }, signal);
  const report = await read();
  // The first page has all of a short bulk.
  const refused = report.next && report.counts.refused > 0 ? (await read('refused')).items : [];
  return { ...report, items: refusedFirst(report.items, refused, MOST_ITEMS) };
}

function Progress({ report }: { report: BulkReport }) {
  const counts = Object.entries(report.counts)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${OUTCOMES[outcome]?.text ?? outcome}`);
  return (
    <>
      <p>
        {report.decision ? `${report.operation}: ${report.decision}` : report.operation}, of{' '}
        {counted(report.total, 'execution')}, requested by {report.by}
      </p>
      <p class="reason">{report.reason}</p>
      <p role="status">
        <strong>{statusSentence(report)}</strong>: {counts.join(', ')}
      </p>
    </>
  );
}

function Items({ items, tenant }: { items: BulkReport['items']; tenant: string }) {
  return (
    <Table
      caption="Outcome of each execution"
      columns={[
        {
          title: 'Execution',
          heads: true,
          cell: (row) => <ExecutionLink id={row.execution_id} tenant={tenant} />,
        },
        {
          title: 'Outcome',
          cell: (row) => (
            <Mark word={OUTCOMES[row.outcome] ?? { text: row.outcome, tone: 'none' }} />
          ),
        },
        { title: 'Note', cell: (row) => row.note ?? '' },
      ]}
      rows={items}
      keyOf={keyOf}
    />
  );
}

interface StopProps {
  id: string;
  tenant: string;
  onStopped: () => void;
}

// Stops the requests that are not made yet.
function Stop({ id, tenant, onStopped }: StopProps) {
  const { busy, problem, submit } = useSubmission();
  const stop = () =>
    submit(async () => {
      await apiFor(tenant).send('DELETE', path('bulk', id));
      onStopped();
    });
  return (
    <>
      {problem && <ProblemView problem={problem} sent />}
      <div class="buttons">
        <button type="button" disabled={busy} onClick={stop}>
          Stop it
        </button>
        <span class="soft">Requests that were made stay. The others are not made.</span>
      </div>
    </>
  );
}
