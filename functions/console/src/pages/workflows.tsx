// The page Workflows.
import { Page } from '../components/page';
import type { PageProps } from '../pages';

export function Workflows(_: PageProps) {
  return <Page title="Workflows">{null}</Page>;
}
