// Addresses of pages: `#/executions/ID?tenant=acme`. The tenant stays in each address, so that a
// link that one person sends opens the same page for another.
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  // The parts of the path, decoded.
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  // The tenant that the address names.
  readonly tenant: string | undefined;
}

export type PageQuery = Record<string, string | undefined>;

export function parse(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const query = Object.fromEntries(new URLSearchParams(search));
  return {
    path: path.split('/').filter(Boolean).map(decoded),
    query,
    tenant: query.tenant || undefined,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// Returns the address of a page. Members without a value are left out.
export function address(path: readonly string[], query: PageQuery = {}): string {
  const set = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const search = new URLSearchParams(set).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search ? `?${search}` : ''}`;
}

// Opens a page. `replace` leaves no entry in the browser's history, as for a filter being typed.
export function open(to: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', to);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = to;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parse(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}
