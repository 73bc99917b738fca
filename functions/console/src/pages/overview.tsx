// The overview: how executions went over a chosen time, and what needs people now.

import { apiFor } from '../api/client';
import type { Bucket, Figures, Statistics } from '../api/types';
import { Boundary } from '../components/boundary';
import { Bars, LineChart, type Series } from '../components/chart';
import { ShowCommand } from '../components/code';
import { Filters, SelectFilter, TextFilter } from '../components/filters';
import { NowFacts } from '../components/overview/now';
import { StepTable, TenantTable, WorkflowTable } from '../components/overview/tables';
import { Page } from '../components/page';
import { Answer, Empty } from '../components/states';
import { tenantOfList } from '../components/tenant';
import { Time } from '../components/time';
import { command } from '../lib/command';
import { counted, lasted, percent } from '../lib/format';
import { beginOf, isRange, RANGES } from '../lib/range';
import { wordOf } from '../lib/words';
import { useLive } from '../live';
import type { PageProps } from '../pages';

const EVERY = 15_000;

const SERIES: ReadonlyArray<Series<Bucket>> = (
  [
    ['EXECUTED', 'good'],
    ['ROLLED_BACK', 'undone'],
    ['PARTIALLY_ROLLED_BACK', 'part'],
    ['FAILED', 'bad'],
    ['REJECTED', 'none'],
  ] as const
).map(([status, tone]) => ({
  name: wordOf(status).text.toLowerCase(),
  tone,
  of: (bucket) => bucket.ended[status] ?? 0,
}));

export function Overview({ route, person }: PageProps) {
  const tenant = tenantOfList(route, person);
  const name = isRange(route.query.range) ? route.query.range : '1d';
  const range = RANGES[name];
  const workflow = route.query.workflow;
  const live = useLive<Statistics>(
    `statistics ${tenant} ${name} ${workflow}`,
    (signal) => {
      const from = beginOf(name, new Date()).time;
      return apiFor(tenant).get(
        'statistics',
        { from, by: range.by, workflow_id: workflow },
        signal,
      );
    },
    EVERY,
  );
  const times = Object.entries(RANGES).map(([each, { title }]) => [each, title] as const);
  return (
    <Page title="Overview">
      <Filters>
        <SelectFilter
          route={route}
          name="range"
          title="Time"
          options={[['', RANGES['1d'].title], ...times.slice(1)]}
        />
        <TextFilter route={route} name="workflow" title="Workflow" hint="every workflow" />
      </Filters>
      <Answer live={live} what="the figures">
        {(statistics) => (
          <>
            <Boundary what="what needs people now">
              <NowFacts statistics={statistics} tenant={route.tenant} role={person.role} />
            </Boundary>
            <Boundary what="the totals">
              <Total total={statistics.total} range={range.title} updated={statistics.updated_at} />
            </Boundary>
            <Boundary what="the charts">
              <Charts statistics={statistics} />
            </Boundary>
            <Boundary what="the slowest workflows">
              <WorkflowTable
                query={route.query}
                rows={statistics.workflows}
                tenant={route.tenant}
                linked={tenant !== '*'}
              />
            </Boundary>
            <Boundary what="the slowest steps">
              <StepTable rows={statistics.steps} />
            </Boundary>
            {statistics.tenants && (
              <Boundary what="the tenants">
                <TenantTable query={route.query} rows={statistics.tenants} />
              </Boundary>
            )}
          </>
        )}
      </Answer>
      <ShowCommand
        text={command(['statistics'], {
          from: beginOf(name, new Date()).option,
          by: range.by,
          workflow,
          tenant,
        })}
      />
    </Page>
  );
}

interface TotalProps {
  total: Figures;
  range: string;
  updated: string | null;
}

function Total({ total, range, updated }: TotalProps) {
  const ended = Object.values(total.ended).reduce((sum, count) => sum + count, 0);
  return (
    <section class="box">
      <h2>In {range}</h2>
      <dl class="facts">
        <Large name="Executed, of those that ended">
          {total.success_rate === null ? 'none ended' : percent(total.success_rate)}
        </Large>
        <Large name="Started">{total.started.toLocaleString('en')}</Large>
        <Large name="Ended">{ended.toLocaleString('en')}</Large>
        <Large name="Mean time to complete, with waits for people">
          {total.mean_time_to_complete_ms === null
            ? 'none'
            : lasted(total.mean_time_to_complete_ms)}
        </Large>
        <Large name="Mean time to decide, of people">
          {total.mean_time_to_decide_ms === null ? 'none' : lasted(total.mean_time_to_decide_ms)}
        </Large>
        {total.withdrawn > 0 && (
          <Large name="Rolled back later, on request">{total.withdrawn.toLocaleString('en')}</Large>
        )}
      </dl>
      <p class="soft">
        {counted(total.decisions, 'decision')} of people. The figures follow the ledger by seconds;{' '}
        {updated ? (
          <>
            the last change counted is of <Time at={updated} />.
          </>
        ) : (
          'no change is counted yet.'
        )}
      </p>
    </section>
  );
}

function Large({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="large">{children}</dd>
    </div>
  );
}

function Charts({ statistics }: { statistics: Statistics }) {
  const { buckets } = statistics;
  const by: 'day' | 'hour' = statistics.by === 'day' ? 'day' : 'hour';
  if (buckets.every((bucket) => bucket.started === 0 && Object.keys(bucket.ended).length === 0)) {
    return <Empty>Nothing started and nothing ended in this time.</Empty>;
  }
  const frame = { buckets, by, timeOf: (bucket: Bucket) => new Date(bucket.at) };
  return (
    <div class="columns even">
      <section class="box">
        <Bars {...frame} title="Ended executions" unit="Executions" series={SERIES} />
      </section>
      <section class="box">
        <LineChart
          {...frame}
          title="Mean time to complete"
          unit="Time from start to end, where executions ended"
          numberOf={(bucket) => bucket.mean_time_to_complete_ms}
          format={lasted}
        />
      </section>
    </div>
  );
}
