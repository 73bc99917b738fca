// The page Execution.
import { Page } from '../components/page';
import type { PageProps } from '../pages';

export function Execution(_: PageProps) {
  return <Page title="Execution">{null}</Page>;
}
