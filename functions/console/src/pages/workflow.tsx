// The page Workflow.
import { Page } from '../components/page';
import type { PageProps } from '../pages';

export function Workflow(_: PageProps) {
  return <Page title="Workflow">{null}</Page>;
}
