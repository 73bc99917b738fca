// One receipt: its file, verified in the browser, what it says, and its download.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { FetchLink } from '../api/types';
import { Json, ShowCommand } from '../components/code';
import { Name } from '../components/name';
import { Page } from '../components/page';
import { Answer, ProblemView } from '../components/states';
import { Shape, StatusBanner, StepStatus } from '../components/status';
import { Table } from '../components/table';
import { Time } from '../components/time';
import { VerifiedBy } from '../components/verified-by';
import { command } from '../lib/command';
import { download } from '../lib/download';
import { isRecord, Refused, type Verified, verified } from '../lib/evidence';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may } from '../roles';
import { address } from '../router';

interface Loaded {
  bytes: Uint8Array;
  link: FetchLink;
  content: Record<string, unknown>;
  file: Verified | undefined;
  // Why the file is refused.
  why: string | undefined;
}

export function Receipt({ route, person }: PageProps) {
  const [, id = ''] = route.path;
  const { generation } = route.query;
  const live = useLive<Loaded>(
    `receipt ${id} ${generation ?? ''} ${route.tenant ?? ''}`,
    (signal) => loaded(id, generation, route.tenant, signal),
    null,
  );
  return (
    <Page title="Receipt" kind={text(live.data?.content.workflow_id)}>
      <Answer live={live} what="the receipt">
        {(receipt) => (
          <>
            {receipt.file ? <VerifiedBy file={receipt.file} /> : <NotVerified why={receipt.why} />}
            <StatusBanner status={text(receipt.content.status) ?? 'unknown'}>
              {failureOf(receipt.content)}
            </StatusBanner>
            <Facts
              content={receipt.content}
              tenant={route.tenant}
              id={id}
              linked={may(person.role, 'see executions and their steps')}
            />
            <Steps content={receipt.content} />
            <Residue content={receipt.content} />
            <Downloads id={id} generation={generation} tenant={route.tenant} receipt={receipt} />
          </>
        )}
      </Answer>
    </Page>
  );
}

async function loaded(
  id: string,
  generation: string | undefined,
  tenant: string | undefined,
  signal: AbortSignal,
): Promise<Loaded> {
  const api = apiFor(tenant);
  const at = path('executions', id, 'receipt');
  const [bytes, link, keys] = await Promise.all([
    api.bytes(at, { format: 'file', generation }, signal),
    api.get<FetchLink>(at, { generation }, signal),
    apiFor(undefined).get<unknown>('keys', {}, signal),
  ]);
  try {
    const file = await verified(bytes, 'receipt', keys);
    const right = file.sha256 === link.sha256;
    const why = right
      ? undefined
      : `its SHA-256 is ${file.sha256}, and the ledger recorded ${link.sha256}`;
    return { bytes, link, content: file.content, file: right ? file : undefined, why };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { bytes, link, content: parsed(bytes), file: undefined, why: error.message };
  }
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function NotVerified({ why }: { why: string | undefined }) {
  return (
    <div class="status bad" role="alert">
      <Shape tone="bad" />
      <p>
        <strong>Not verified</strong>
        {why}. What follows is no evidence.
      </p>
    </div>
  );
}

// The records of a list. A file that is not verified can have anything in it.
function recordsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function failureOf(content: Record<string, unknown>): string {
  const failure = content.failure as { reason?: unknown; error?: unknown } | undefined;
  return text(failure?.reason) ?? text(failure?.error) ?? text(content.subject) ?? '';
}

interface FactsProps {
  content: Record<string, unknown>;
  tenant: string | undefined;
  id: string;
  // False for an auditor, who sees no execution.
  linked: boolean;
}

function Facts({ content, tenant, id, linked }: FactsProps) {
  const previous = content.previous_receipt as { object?: unknown } | undefined;
  const generation = Number(content.generation ?? 0);
  const shown: Shown[] = recordsOf(content.shown);
  return (
    <section class="box">
      <dl class="facts">
        <Fact name="Subject">{text(content.subject)}</Fact>
        <Fact name="Execution">
          {linked ? <a href={address(['executions', id], { tenant })}>{id}</a> : id}
        </Fact>
        <Fact name="Tenant">{text(content.tenant)}</Fact>
        <Fact name="Deployment">{text(content.deployment)}</Fact>
        <Fact name="Requested by">{text(content.requested_by)}</Fact>
        <Fact name="Started">
          {text(content.started_at) && <Time at={text(content.started_at) ?? ''} />}
        </Fact>
        <Fact name="Ended">
          {text(content.timestamp) && <Time at={text(content.timestamp) ?? ''} />}
        </Fact>
        <Fact name="Idempotency key">{text(content.idempotency_key)}</Fact>
        {shown.map((field) => (
          <Fact key={String(field.label)} name={String(field.label)}>
            {String(field.value)}
          </Fact>
        ))}
        <Fact name="Receipt before">
          {previous && generation > 0 && (
            <a href={address(['receipts', id], { tenant, generation: String(generation - 1) })}>
              generation {generation - 1}
            </a>
          )}
        </Fact>
      </dl>
    </section>
  );
}

interface Shown {
  label?: unknown;
  value?: unknown;
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  if (!children) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

// The step of an entry, with its item.
const stepOf = ({ name, step, item }: Record<string, unknown>) => (
  <Name text={`${String(name ?? step)}${item === undefined ? '' : ` [${String(item)}]`}`} />
);

function Steps({ content }: { content: Record<string, unknown> }) {
  const steps = recordsOf(content.steps);
  return (
    <section class="box">
      <h2>Steps</h2>
      <Table
        caption="Steps in their declared order"
        columns={[
          { title: 'Step', heads: true, names: true, cell: stepOf },
          { title: 'Outcome', cell: (row) => <StepStatus status={String(row.status)} /> },
          { title: 'Action', cell: (row) => text(row.action) ?? '' },
          { title: 'Attempts', number: true, cell: (row) => String(row.attempts ?? 0) },
          { title: 'Last error', cell: (row) => text(row.last_error) ?? '' },
        ]}
        rows={steps}
        keyOf={(row) => `${String(row.name)} ${String(row.item ?? '')}`}
      />
    </section>
  );
}

function Residue({ content }: { content: Record<string, unknown> }) {
  const residue = recordsOf(content.residual_effects);
  if (residue.length === 0) return null;
  return (
    <section class="box">
      <h2>Effects that remain, or may remain</h2>
      <Table
        caption="Effects that remain, or may remain"
        columns={[
          { title: 'Step', heads: true, names: true, cell: stepOf },
          { title: 'Action', cell: (row) => text(row.action) ?? '' },
          { title: 'Effect', cell: (row) => (row.certain === true ? 'remains' : 'may remain') },
          {
            title: 'Idempotency key at the target',
            cell: (row) => <code>{text(row.idempotency_key)}</code>,
          },
        ]}
        rows={residue}
        keyOf={(row) => JSON.stringify(row)}
      />
    </section>
  );
}

interface DownloadsProps {
  id: string;
  generation: string | undefined;
  tenant: string | undefined;
  receipt: Loaded;
}

function Downloads({ id, generation, tenant, receipt }: DownloadsProps) {
  const [problem, setProblem] = useState<Problem>();
  const name = `${text(receipt.content.workflow_id) ?? 'receipt'}-${id}-${String(receipt.content.generation ?? 0)}`;
  const page = async () => {
    setProblem(undefined);
    try {
      const at = path('executions', id, 'receipt');
      const html = await apiFor(tenant).text(at, { format: 'html', generation });
      download(html, `${name}.html`, 'text/html');
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <section class="box">
      <h2>Take it with you</h2>
      <div class="buttons">
        <button
          type="button"
          onClick={() => download(receipt.bytes, `${name}.json`, 'application/json')}
        >
          Download the file
        </button>
        <button type="button" onClick={page}>
          Download the page for paper
        </button>
      </div>
      {problem && <ProblemView problem={problem} />}
      <details class="fold">
        <summary>Show the whole file</summary>
        <Json value={receipt.content} />
      </details>
      <ShowCommand text={command(['receipt', 'get', id], { generation, tenant })} />
    </section>
  );
}
