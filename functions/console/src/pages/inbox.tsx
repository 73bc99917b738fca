// The inbox: the questions that wait for people, those of the reader first.
import { apiFor } from '../api/client';
import type { ListedQuestion, Questions } from '../api/types';
import { Filters, SelectFilter } from '../components/filters';
import { Page } from '../components/page';
import { Pager, usePages } from '../components/pager';
import { Answer, Empty } from '../components/states';
import { type Column, Table } from '../components/table';
import { Time } from '../components/time';
import type { PageProps } from '../pages';
import { may, seesEveryTenant } from '../roles';
import { address } from '../router';

const EVERY_MS = 10_000;

export function Inbox({ route, person }: PageProps) {
  const decides = may(person.role, 'decide what an execution waits for');
  const whose = route.query.for ?? (decides ? 'me' : 'tenant');
  const every = seesEveryTenant(person.role) && !route.tenant;
  const paged = usePages<Questions>(
    `questions ${whose} ${route.tenant ?? ''}`,
    (cursor, signal) => apiFor(route.tenant).get('questions', { for: whose, cursor }, signal),
    EVERY_MS,
  );
  const columns: Array<Column<ListedQuestion> | false> = [
    {
      title: 'Question',
      heads: true,
      cell: (row) => (
        <a href={addressOf(row, route.tenant)}>
          {row.kind === 'approval' ? 'Approve' : 'Decide'} {row.step}
        </a>
      ),
    },
    { title: 'Asks', cell: (row) => <SubjectAndMessage row={row} /> },
    every && { title: 'Tenant', cell: (row) => row.tenant },
    { title: 'Workflow', cell: (row) => row.workflow_id },
    { title: 'Decided by', cell: deciders },
    { title: 'Open since', cell: (row) => <Time at={row.opened_at} distance /> },
    { title: 'Expires', cell: (row) => <Time at={row.until} distance /> },
  ];
  return (
    <Page title="Inbox">
      <Filters>
        <SelectFilter
          route={{ ...route, query: { ...route.query, for: whose } }}
          name="for"
          title="Questions"
          options={[
            ['me', 'that I may decide'],
            ['groups', 'for my groups'],
            ['tenant', 'all that I may see'],
          ]}
        />
      </Filters>
      <Answer live={paged.live} what="the questions">
        {({ questions }) =>
          questions.length === 0 ? (
            <Empty>
              <p>Nothing waits{whose === 'me' ? ' for you' : ''} here.</p>
            </Empty>
          ) : (
            <Table
              caption="Questions that wait for people"
              columns={columns}
              rows={questions}
              keyOf={(row) => `${row.execution_id} ${row.step}`}
            />
          )
        }
      </Answer>
      <Pager paged={paged} />
    </Page>
  );
}

function SubjectAndMessage({ row }: { row: ListedQuestion }) {
  return (
    <>
      {row.subject && <strong>{row.subject}</strong>}
      {row.message && <div>{row.message}</div>}
    </>
  );
}

// The people of a question: `2 of cfo, treasury; 1 approved`.
export function deciders(question: { by: string[]; count: number; votes: unknown }): string {
  const votes = Array.isArray(question.votes) ? question.votes.length : Number(question.votes);
  const who = question.by.length > 0 ? question.by.join(', ') : 'a platform admin';
  const many = question.count > 1 ? `${question.count} of ` : '';
  return `${many}${who}${votes > 0 ? `; ${votes} approved` : ''}`;
}

export function addressOf(
  question: { execution_id: string; step: string; tenant: string },
  named: string | undefined,
): string {
  return address(['inbox', question.execution_id, question.step], {
    tenant: named ?? question.tenant,
  });
}
