// Requests to the API: the token, the tenant, one repeat after a 401, and a time limit.
import { parseExactly } from '../lib/json';
import { token } from '../session';
import { late, offline, Problem, problemOf } from './problem';

// The API's address, relative to the console's.
const BASE = new URL('../v1/', document.baseURI);
const LIMIT_SECONDS = 30;

export type Query = Record<string, string | number | undefined>;

export interface Options {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Api {
  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T>;
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, options?: Options): Promise<T>;
  text(path: string, query?: Query, signal?: AbortSignal): Promise<string>;
  // The body as it arrived, for signatures.
  bytes(path: string, query?: Query, signal?: AbortSignal): Promise<Uint8Array>;
}

// Returns the API for a tenant; `undefined` names none, `*` is every tenant.
export function apiFor(tenant: string | undefined): Api {
  const query = (given?: Query) => ({ tenant, ...given });
  return {
    get: async <T>(path: string, given?: Query, signal?: AbortSignal) =>
      (await json(await request('GET', path, { query: query(given), signal }))) as T,
    send: async <T>(method: string, path: string, options: Options = {}) =>
      (await json(await request(method, path, { ...options, query: query(options.query) }))) as T,
    text: async (path, given, signal) =>
      whole((await request('GET', path, { query: query(given), signal })).text()),
    bytes: async (path, given, signal) => {
      const answer = await request('GET', path, { query: query(given), signal });
      return new Uint8Array(await whole(answer.arrayBuffer()));
    },
  };
}

// Returns a path of the API with its parts escaped.
export function path(...parts: string[]): string {
  // A browser resolves such a part, so that the request would reach another resource.
  if (parts.some((part) => part === '.' || part === '..'))
    throw new Problem('missing', 'Not found', 'The address names no resource.', [], 404);
  return parts.map(encodeURIComponent).join('/');
}

async function request(method: string, path: string, options: Options): Promise<Response> {
  const held = await tokenOr401();
  let answer = await attempt(method, path, options, held);
  if (answer.status === 401) answer = await attempt(method, path, options, await tokenOr401(held));
  if (answer.ok) return answer;
  throw problemOf(answer.status, await json(answer).catch(() => null));
}

async function attempt(
  method: string,
  path: string,
  options: Options,
  held: string,
): Promise<Response> {
  const address = new URL(path, BASE);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== '') address.searchParams.set(name, String(value));
  }
  const headers: Record<string, string> = {
    authorization: `Bearer ${held}`,
    ...options.headers,
  };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  const limit = AbortSignal.timeout(LIMIT_SECONDS * 1000);
  try {
    return await fetch(address, {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
      credentials: 'omit',
      cache: 'no-store',
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw limit.aborted ? late(LIMIT_SECONDS) : offline();
  }
}

async function tokenOr401(refused?: string): Promise<string> {
  try {
    return await token(refused);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('expired', 'Signed out', 'The sign-in has ended.', [], 401);
  }
}

// The body of an answer, whose connection or time can end in the middle.
async function whole<T>(body: Promise<T>): Promise<T> {
  try {
    return await body;
  } catch (error) {
    const { name } = error as Error;
    if (name === 'AbortError') throw error;
    throw name === 'TimeoutError' ? late(LIMIT_SECONDS) : offline();
  }
}

async function json(answer: Response): Promise<unknown> {
  const text = await whole(answer.text());
  if (text === '') return null;
  try {
    return parseExactly(text);
  } catch {
    throw new Problem(
      'broken',
      'Unreadable answer',
      'The API answered with something else than JSON.',
    );
  }
}
