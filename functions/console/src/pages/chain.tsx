// A chosen range of a tenant's chain of digests, checked in the browser.
import { useState } from 'preact/hooks';
import { apiFor, path } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Digests } from '../api/types';
import { ShowCommand } from '../components/code';
import { Filters, TimeFilter } from '../components/filters';
import { ChooseTenant } from '../components/need-tenant';
import { Page } from '../components/page';
import { Empty, ProblemView } from '../components/states';
import { Shape } from '../components/status';
import { Table } from '../components/table';
import { Time } from '../components/time';
import {
  type Chain as Checked,
  checkedChain,
  checkedReceipt,
  type ListedDigest,
} from '../lib/chain';
import { command } from '../lib/command';
import { counted } from '../lib/format';
import type { PageProps } from '../pages';
import { seesEveryTenant } from '../roles';

// The most digests and receipts of one check: the command does longer ones.
const MOST_DIGESTS = 750;
const MOST_RECEIPTS = 500;

export function Chain({ route, person }: PageProps) {
  const tenant = route.tenant ?? person.tenant;
  return (
    <Page title="Chain of receipts">
      {tenant ? (
        <Range key={tenant} route={route} person={person} />
      ) : seesEveryTenant(person.role) ? (
        <ChooseTenant route={route} person={person} what="A chain is of one tenant’s receipts." />
      ) : (
        <Empty>
          <p>Your token names no tenant.</p>
        </Empty>
      )}
    </Page>
  );
}

function Range({ route, person }: PageProps) {
  const tenant = route.tenant ?? person.tenant ?? '';
  const { from, until } = route.query;
  const [busy, setBusy] = useState<string>();
  const [problem, setProblem] = useState<Problem>();
  const [chain, setChain] = useState<Ranged>();
  const check = async () => {
    setProblem(undefined);
    setChain(undefined);
    setBusy('Reading the list of digests …');
    try {
      setChain(await checked(tenant, route.tenant, { from, until }, setBusy));
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(undefined);
  };
  return (
    <>
      <p>
        Signed digests list every receipt of a tenant, hour by hour, and each names the one before.
        A listed receipt that was changed or removed shows here. The command also finds receipts
        that no digest lists, and digests that are missing at the end.
      </p>
      <Filters>
        <TimeFilter route={route} name="from" title="From" />
        <TimeFilter route={route} name="until" title="Until" />
        <button type="button" class="main" disabled={busy !== undefined} onClick={check}>
          Check
        </button>
      </Filters>
      <p role="status">{busy}</p>
      {problem && <ProblemView problem={problem} retry={check} />}
      {chain && <Result chain={chain} />}
      <ShowCommand text={commandOf(tenant, from, until)} />
    </>
  );
}

function commandOf(tenant: string, from?: string, until?: string): string {
  const range = { tenant, from: from ?? 'WHEN', to: until ?? 'WHEN', dir: 'mirror' };
  const audit = command(['receipt', 'audit'], { ...range, jwks: 'keys.json' });
  return `${command(['receipt', 'mirror'], range)}\n${audit}`;
}

interface Ranged extends Checked {
  // True if the range has more digests than were read.
  more: boolean;
}

interface Bounds {
  from: string | undefined;
  until: string | undefined;
}

async function checked(
  tenant: string,
  named: string | undefined,
  bounds: Bounds,
  say: (text: string) => void,
): Promise<Ranged> {
  const api = apiFor(named);
  const keys = await apiFor(undefined).get<unknown>('keys');
  const listed: ListedDigest[] = [];
  let cursor: string | undefined;
  do {
    const page: Digests = await api.get('digests', { ...bounds, limit: 100, cursor });
    listed.push(...page.digests);
    cursor = page.next ?? undefined;
  } while (cursor && listed.length < MOST_DIGESTS);
  let done = 0;
  const more = cursor !== undefined || listed.length > MOST_DIGESTS;
  const chosen = listed.slice(0, MOST_DIGESTS);
  const chain = await checkedChain(tenant, chosen, keys, async (digest) => {
    done += 1;
    say(`Verifying digest ${done} of ${chosen.length} …`);
    return api.bytes(path('digests', digest.until));
  });
  for (const [n, entry] of chain.receipts.slice(0, MOST_RECEIPTS).entries()) {
    say(`Verifying receipt ${n + 1} of ${Math.min(chain.receipts.length, MOST_RECEIPTS)} …`);
    const name = /\/([0-9a-f]{40})-([0-9]+)\.json$/.exec(entry.object);
    if (!name?.[1]) {
      chain.findings.push({ object: entry.object, why: 'it is no place of a receipt' });
      continue;
    }
    try {
      const at = path('executions', name[1], 'receipt');
      const bytes = await api.bytes(at, { format: 'file', generation: name[2] });
      const finding = await checkedReceipt(entry, bytes, keys);
      if (finding) chain.findings.push(finding);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.passes || problem.kind === 'expired') throw problem;
      chain.findings.push({ object: entry.object, why: problem.detail });
    }
  }
  return { ...chain, more };
}

function Result({ chain }: { chain: Ranged }) {
  if (chain.digests === 0)
    return (
      <Empty>
        <p>No digest covers this range. The first follows the hour of the first receipt.</p>
      </Empty>
    );
  const tone = chain.findings.length === 0 ? 'good' : 'bad';
  const unchecked = chain.receipts.length - MOST_RECEIPTS;
  return (
    <>
      <div class={`status ${tone}`} role="status">
        <Shape tone={tone} />
        <p>
          <strong>
            {tone === 'good'
              ? chain.more || unchecked > 0
                ? 'What was read is as written'
                : 'The chain is whole'
              : `${counted(chain.findings.length, 'file is', 'files are')} not as written`}
          </strong>
          {counted(chain.digests, 'digest')} from {chain.from && <Time at={chain.from} />} to{' '}
          {chain.until && <Time at={chain.until} />}, with{' '}
          {counted(chain.receipts.length, 'receipt')}.
          {chain.more &&
            ` Only the first ${MOST_DIGESTS} digests were read: the command reads all.`}
          {unchecked > 0 &&
            ` Only the first ${MOST_RECEIPTS} receipts were read: the command reads all.`}
        </p>
      </div>
      {chain.findings.length > 0 && (
        <Table
          caption="Files that are not as they were written"
          columns={[
            { title: 'File', heads: true, cell: (row) => row.object },
            { title: 'Finding', cell: (row) => row.why },
          ]}
          rows={chain.findings}
          keyOf={(row) => `${row.object} ${row.why}`}
        />
      )}
    </>
  );
}
