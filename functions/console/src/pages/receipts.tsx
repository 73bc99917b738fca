// The receipts of a tenant by time and workflow, the check of a file, and the way to the chain.
import { apiFor } from '../api/client';
import type { Receipts as Listed, ListedReceipt } from '../api/types';
import { ShowCommand } from '../components/code';
import { Filters, TextFilter, TimeFilter } from '../components/filters';
import { SubjectLink } from '../components/links';
import { Name } from '../components/name';
import { ChooseTenant, needsTenant } from '../components/need-tenant';
import { Page } from '../components/page';
import { Pager, usePages } from '../components/pager';
import { Answer, Empty } from '../components/states';
import { Status } from '../components/status';
import { type Column, Table } from '../components/table';
import { Time } from '../components/time';
import { VerifyFile } from '../components/verify-file';
import { command } from '../lib/command';
import type { PageProps } from '../pages';
import { address } from '../router';

const EVERY_MS = 20_000;

export function Receipts({ route, person }: PageProps) {
  return (
    <Page
      title="Receipts"
      aside={<a href={address(['receipts', 'chain'], { tenant: route.tenant })}>Check the chain</a>}
    >
      {needsTenant(route, person) ? (
        <ChooseTenant route={route} person={person} what="Receipts belong to one tenant." />
      ) : (
        <List route={route} person={person} />
      )}
    </Page>
  );
}

function List({ route }: PageProps) {
  const { workflow_id, from, until } = route.query;
  const paged = usePages<Listed>(
    `receipts ${JSON.stringify([route.tenant, workflow_id, from, until])}`,
    (cursor, signal) =>
      apiFor(route.tenant).get('receipts', { workflow_id, from, until, cursor }, signal),
    EVERY_MS,
  );
  const columns: Array<Column<ListedReceipt>> = [
    {
      title: 'Receipt',
      heads: true,
      cell: (row) => (
        <SubjectLink
          id={row.execution_id}
          subject={row.subject}
          to="receipts"
          tenant={route.tenant}
        />
      ),
    },
    { title: 'Outcome', cell: (row) => <Status status={row.status} /> },
    { title: 'Workflow', names: true, cell: (row) => <Name text={row.workflow_id} /> },
    { title: 'Started', cell: (row) => <Time at={row.started_at} /> },
    { title: 'SHA-256', cell: (row) => <code>{row.sha256.slice(0, 12)}…</code> },
  ];
  const filtered = Boolean(workflow_id || from || until);
  return (
    <>
      <Filters>
        <TextFilter route={route} name="workflow_id" title="Workflow" hint="every workflow" />
        <TimeFilter route={route} name="from" title="Started from" />
        <TimeFilter route={route} name="until" title="Started until" />
      </Filters>
      <section class="box" aria-label="Receipts">
        <Answer live={paged.live} what="the receipts">
          {({ receipts, next }) =>
            receipts.length === 0 ? (
              <Empty>
                <p>{nothing(next !== null, paged.number === 1, filtered)}</p>
              </Empty>
            ) : (
              <Table
                caption="Receipts, newest first"
                columns={columns}
                rows={receipts}
                keyOf={(row) => row.execution_id}
              />
            )
          }
        </Answer>
        <Pager paged={paged} />
        <ShowCommand
          text={command(['receipts'], {
            workflow: workflow_id,
            from,
            until,
            tenant: route.tenant,
          })}
        />
      </section>
      <VerifyFile tenant={route.tenant} />
    </>
  );
}

// The sentence of a page without a receipt. `more`: older pages follow. `first`: the newest page.
function nothing(more: boolean, first: boolean, filtered: boolean): string {
  if (more) return 'None on this page; more may follow.';
  // A list that ends with a full page has an empty one after it.
  if (!first) return 'No older receipt.';
  return filtered
    ? 'No receipt fits the filters.'
    : 'There is no receipt yet. An execution has one when it has ended.';
}
