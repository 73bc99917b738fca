// The pages: their addresses, and the permission that shows each in the navigation.
import type { ComponentType } from 'preact';
import { Execution } from './pages/execution';
import { Executions } from './pages/executions';
import { Overview } from './pages/overview';
import { Workflow } from './pages/workflow';
import { Workflows } from './pages/workflows';
import type { Operation } from './roles';
import type { Route } from './router';
import type { Person } from './session';

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
  { at: ['workflows'], title: 'Workflows', needs: 'see workflows', component: Workflows },
  { at: ['workflows', '*'], needs: 'see workflows', component: Workflow },
];

export function pageAt(path: readonly string[]): Page | undefined {
  return PAGES.find(
    (page) =>
      page.at.length === path.length &&
      page.at.every((part, n) => part === '*' || part === path[n]),
  );
}
