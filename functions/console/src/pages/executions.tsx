// The page Executions.
import { Page } from '../components/page';
import type { PageProps } from '../pages';

export function Executions(_: PageProps) {
  return <Page title="Executions">{null}</Page>;
}
