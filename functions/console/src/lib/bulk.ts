// The report of a bulk: the sentence of its status, and the order of its executions.
import type { BulkReport, BulkReportItem } from '../api/types';
import type { Person } from './token';

const STATUSES: Readonly<Record<string, string>> = {
  SHOWN: 'Nothing is requested yet',
  RUNNING: 'Requests are made',
  STOPPING: 'It is being stopped',
  STOPPED: 'It was stopped',
  DONE: 'All requests are made',
};

// The sentence of a status, with the person who stopped the bulk.
export function statusSentence({
  status,
  stopped_by: by,
}: Pick<BulkReport, 'status' | 'stopped_by'>): string {
  const sentence = STATUSES[status] ?? status;
  return by ? `${sentence} by ${by}` : sentence;
}

// True while more requests follow, so that a stop prevents some, for a person who may stop the
// bulk: the one who requested it, or a platform admin.
export const canStop = (
  { status, by }: Pick<BulkReport, 'status' | 'by'>,
  { role, subject }: Pick<Person, 'role' | 'subject'>,
): boolean => status === 'RUNNING' && (role === 'platform-admin' || subject === by);

// True if the report changes no more.
export const isOver = (status: string): boolean => status === 'DONE' || status === 'STOPPED';

// The executions of a report, refused ones first, at most `most`. `refused` is the API's list of
// refused executions; the first page of all executions may lack some.
export function refusedFirst(
  items: readonly BulkReportItem[],
  refused: readonly BulkReportItem[],
  most: number,
): BulkReportItem[] {
  const isRefused = (item: BulkReportItem) => item.outcome === 'refused';
  const listed = new Set(refused.map(keyOf));
  const others = items.filter((item) => !listed.has(keyOf(item)));
  return [
    ...refused,
    ...others.filter(isRefused),
    ...others.filter((item) => !isRefused(item)),
  ].slice(0, most);
}

// The identity of an item: an execution can ask several questions.
export const keyOf = (item: Pick<BulkReportItem, 'execution_id' | 'step'>): string =>
  `${item.execution_id} ${item.step ?? ''}`;
