// The page Overview.
import { Page } from '../components/page';
import type { PageProps } from '../pages';

export function Overview(_: PageProps) {
  return <Page title="Overview">{null}</Page>;
}
