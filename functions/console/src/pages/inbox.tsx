// The inbox: the questions that wait for people, those that expire first on top.
import { apiFor } from '../api/client';
import type { ListedQuestion, Questions } from '../api/types';
import { ShowCommand } from '../components/code';
import { Filters, SelectFilter } from '../components/filters';
import { Name } from '../components/name';
import { Page } from '../components/page';
import { Answer, Empty } from '../components/states';
import { type Column, Table } from '../components/table';
import { tenantOfList } from '../components/tenant';
import { Time } from '../components/time';
import { command } from '../lib/command';
import { counted, short } from '../lib/format';
import { byExpiry, decidersOf } from '../lib/question';
import { useLive } from '../live';
import type { PageProps } from '../pages';
import { may, seesEveryTenant } from '../roles';
import { address } from '../router';

const EVERY_MS = 10_000;
// The API lists by the start of executions, the newest first, and a page can have few questions of
// the reader. All pages are read and sorted, up to so many.
const MOST_PAGES = 10;
const PAGE = 100;

interface Read {
  questions: readonly ListedQuestion[];
  // The number of requests.
  pages: number;
  more: boolean;
}

async function read(tenant: string | undefined, whose: string, signal: AbortSignal): Promise<Read> {
  const all: ListedQuestion[] = [];
  let cursor: string | null | undefined;
  let pages = 0;
  do {
    pages += 1;
    const page: Questions = await apiFor(tenant).get(
      'questions',
      { for: whose, limit: PAGE, cursor: cursor ?? undefined },
      signal,
    );
    all.push(...page.questions);
    cursor = page.next;
  } while (cursor && pages < MOST_PAGES);
  return { questions: byExpiry(all), pages, more: Boolean(cursor) };
}

function columnsFor(
  tenant: string | undefined,
  every: boolean,
): ReadonlyArray<Column<ListedQuestion>> {
  return [
    {
      title: 'Question',
      heads: true,
      names: true,
      cell: (row) => (
        <a href={addressOf(row, tenant)}>
          {row.kind === 'approval' ? 'Approve' : 'Decide'} <Name text={row.step} />
        </a>
      ),
    },
    { title: 'Expires', cell: (row) => <Time at={row.until} distance /> },
    { title: 'Asks', cell: (row) => <SubjectAndMessage row={row} /> },
    {
      title: 'Workflow',
      cell: (row) => (
        <>
          <Name text={row.workflow_id} />
          {every && <div class="soft">{row.tenant}</div>}
        </>
      ),
    },
    { title: 'Decided by', cell: deciders },
    { title: 'Open since', cell: (row) => <Time at={row.opened_at} distance /> },
  ];
}

export function Inbox({ route, person }: PageProps) {
  const decides = may(person.role, 'decide what an execution waits for');
  const whose = route.query.for ?? (decides ? 'me' : 'tenant');
  const every = seesEveryTenant(person.role) && !route.tenant;
  const live = useLive<Read>(
    `questions ${whose} ${route.tenant ?? ''}`,
    (signal) => read(tenantOfList(route, person), whose, signal),
    // A long inbox takes several requests.
    ({ pages }) => EVERY_MS * pages,
  );
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
      <section class="box" aria-label="Questions">
        <Answer live={live} what="the questions">
          {({ questions, more }) =>
            questions.length === 0 ? (
              <Empty>
                <p>
                  Nothing {more && 'of the newest executions '}waits
                  {whose === 'me' ? ' for you' : ''} here.
                </p>
                {more && <p>{older(every)}</p>}
              </Empty>
            ) : (
              <>
                <p class="soft">
                  {counted(questions.length, 'question')}. The one that expires first is on top
                  {more ? ` of those of the newest executions. ${older(every)}` : '.'}
                </p>
                <Table
                  caption={`Questions ${more ? 'of the newest executions ' : ''}that wait for people, those that expire first on top`}
                  columns={columnsFor(route.tenant, every)}
                  rows={questions}
                  keyOf={(row) => `${row.execution_id} ${row.step}`}
                />
              </>
            )
          }
        </Answer>
        <ShowCommand text={command(['inbox'], { for: whose, tenant: route.tenant })} />
      </section>
    </Page>
  );
}

// Of executions that were not read. The list of one tenant reaches further back.
const older = (every: boolean): string =>
  `Older ones may wait too, and may expire sooner${every ? ': choose a tenant' : ''}.`;

function SubjectAndMessage({ row }: { row: ListedQuestion }) {
  return (
    <>
      {row.subject && <strong>{row.subject}</strong>}
      {row.message && <div>{row.message}</div>}
      <div class="soft">
        execution <code>{short(row.execution_id)}</code>
      </div>
    </>
  );
}

// The people of a question: `2 of cfo, treasury; 1 approved`.
export function deciders(question: { by: string[]; count: number; votes: unknown }): string {
  const votes = Array.isArray(question.votes) ? question.votes.length : Number(question.votes);
  return `${decidersOf(question.by, question.count)}${votes > 0 ? `; ${votes} approved` : ''}`;
}

export function addressOf(
  question: { execution_id: string; step: string; tenant: string },
  named: string | undefined,
): string {
  return address(['inbox', question.execution_id, question.step], {
    tenant: named ?? question.tenant,
  });
}
