// A bulk: the preview of what it would do, its start, and the report of each execution.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { BulkBody, BulkPreview, BulkReport, BulkSample, Decision } from '../api/types';
import { command } from '../lib/command';
import { counted } from '../lib/format';
import type { Tone } from '../lib/words';
import { useLive } from '../live';
import { ShowCommand } from './code';
import { ExecutionLink, SubjectLink } from './links';
import { Reason } from './reason';
import { Answer, ProblemView } from './states';
import { Mark, Status } from './status';
import { Table } from './table';

// The API adds the bulk's id to the reason.
const LONGEST_REASON = 452;
const EVERY_MS = 2000;

export interface Operation {
  operation: BulkBody['operation'];
  decision?: string;
}

interface Props {
  incident: string;
  operation: Operation;
  tenant: string;
  onClose: () => void;
}

export function Bulk({ incident, operation, tenant, onClose }: Props) {
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [preview, setPreview] = useState<BulkPreview>();
  const [running, setRunning] = useState(false);
  const title = operation.decision
    ? `Decide all: ${operation.decision}`
    : `${operation.operation} all`;

  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  const show = () =>
    attempt(async () => {
      const body: BulkBody = {
        operation: operation.operation,
        filter: { incident_id: incident },
        reason: reason.trim(),
      };
      if (operation.decision) body.decision = operation.decision as Decision;
      setPreview(await apiFor(tenant).send('POST', 'bulk', { body }));
    });
  const run = (shown: BulkPreview) =>
    attempt(async () => {
      await apiFor(tenant).send('POST', path('bulk', shown.bulk_id, 'run'), {
        body: { token: shown.token },
      });
      setRunning(true);
    });

  return (
    <section class="box" aria-label={title}>
      <h2>{title}</h2>
      {!preview && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void show();
          }}
        >
          <Reason
            value={reason}
            longest={LONGEST_REASON}
            note="Each execution records it, with the id of the bulk."
            onInput={setReason}
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
      )}
      {problem && <ProblemView problem={problem} sent={preview !== undefined} />}
      {preview && !running && (
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
      {preview && running && <Report id={preview.bulk_id} tenant={tenant} onClose={onClose} />}
      <ShowCommand
        text={command(
          ['bulk', operation.operation, ...(operation.decision ? [operation.decision] : [])],
          {
            incident,
            reason: reason.trim() || 'why',
            tenant,
          },
        )}
      />
    </section>
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
        keyOf={(row) => `${row.execution_id} ${row.step ?? ''}`}
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

function Report({ id, tenant, onClose }: { id: string; tenant: string; onClose: () => void }) {
  const [stopped, setStopped] = useState<Problem>();
  const live = useLive<BulkReport>(
    `bulk ${id}`,
    (signal) => apiFor(tenant).get(path('bulk', id), { limit: 100 }, signal),
    (report) => (report.status === 'DONE' || report.status === 'STOPPED' ? null : EVERY_MS),
  );
  const stop = async () => {
    try {
      await apiFor(tenant).send('DELETE', path('bulk', id));
      live.reload();
    } catch (error) {
      setStopped(asProblem(error));
    }
  };
  return (
    <Answer live={live} what="the report">
      {(report) => {
        const over = report.status === 'DONE' || report.status === 'STOPPED';
        return (
          <>
            <p role="status">
              {over ? 'All requests are made: ' : 'Requests are made: '}
              {Object.entries(report.counts)
                .filter(([, count]) => count > 0)
                .map(([outcome, count]) => `${count} ${OUTCOMES[outcome]?.text ?? outcome}`)
                .join(', ')}
            </p>
            {stopped && <ProblemView problem={stopped} sent />}
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
              rows={report.items}
              keyOf={(row) => `${row.execution_id} ${row.step ?? ''}`}
            />
            {report.next && (
              <p class="soft">The first 100 are shown; the command shows all of them.</p>
            )}
            <div class="buttons">
              {!over && (
                <button type="button" onClick={stop}>
                  Stop it
                </button>
              )}
              <button type="button" onClick={onClose}>
                Close the report
              </button>
            </div>
            <ShowCommand text={command(['bulk', 'show', id], { tenant })} />
          </>
        );
      }}
    </Answer>
  );
}
