// The pages: their addresses, and the permission that shows each in the navigation.
import type { ComponentType } from 'preact';
import type { Person } from './lib/token';
import { Chain } from './pages/chain';
import { Controls } from './pages/controls';
import { Execution } from './pages/execution';
import { Executions } from './pages/executions';
import { Inbox } from './pages/inbox';
import { Incident } from './pages/incident';
import { Incidents } from './pages/incidents';
import { Overview } from './pages/overview';
import { QuestionPage } from './pages/question';
import { Receipt } from './pages/receipt';
import { Receipts } from './pages/receipts';
import { Workflow } from './pages/workflow';
import { Workflows } from './pages/workflows';
import type { Operation } from './roles';
import type { Route } from './router';

export interface PageProps {
  route: Route;
  person: Person;
}

export interface Page {
  // The parts of the path; `*` is any one part.
  at: readonly string[];
  // The word in the navigation; pages of one resource have none.
  title?: string;
  needs: Operation;
  component: ComponentType<PageProps>;
}

export const PAGES: readonly Page[] = [
  {
    at: ['overview'],
    title: 'Overview',
    needs: 'see workflows',
    component: Overview,
  },
  {
    at: ['executions'],
    title: 'Executions',
    needs: 'see workflows',
    component: Executions,
  },
  { at: ['executions', '*'], needs: 'see executions and their steps', component: Execution },
  {
    at: ['inbox'],
    title: 'Inbox',
    needs: 'see the questions that wait for people',
    component: Inbox,
  },
  { at: ['inbox', '*', '*'], needs: 'see executions and their steps', component: QuestionPage },
  // Approvers see single incidents, and no list.
  { at: ['incidents'], title: 'Incidents', needs: 'see what is paused', component: Incidents },
  { at: ['incidents', '*'], needs: 'see incidents', component: Incident },
  { at: ['workflows'], title: 'Workflows', needs: 'see workflows', component: Workflows },
  { at: ['workflows', '*'], needs: 'see workflows', component: Workflow },
  {
    at: ['receipts'],
    title: 'Receipts',
    needs: 'list and fetch receipts and digests',
    component: Receipts,
  },
  // Before any receipt, since the first page that fits is shown.
  {
    at: ['receipts', 'chain'],
    needs: 'list and fetch receipts and digests',
    component: Chain,
  },
  { at: ['receipts', '*'], needs: 'list and fetch receipts and digests', component: Receipt },
  { at: ['controls'], title: 'Controls', needs: 'see what is paused', component: Controls },
];

// True of the page of one resource, whose address names the tenant of the resource.
export const isOfResource = (page: Page): boolean => page.at.includes('*');

export function pageAt(path: readonly string[]): Page | undefined {
  return PAGES.find(
    (page) =>
      page.at.length === path.length &&
      page.at.every((part, n) => part === '*' || part === path[n]),
  );
}
