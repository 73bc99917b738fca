// The signed-in person: sign-in by OpenID Connect (authorization code with PKCE and nonce), tokens
// in memory only, their renewal, and sign-out.
import { offline, Problem, problemOf } from './api/problem';

export interface Person {
  subject: string;
  role: string;
  tenant: string | null;
  groups: string[];
}

export type SessionState =
  | { kind: 'signed-out'; why?: string }
  | { kind: 'signed-in'; person: Person }
  | { kind: 'unavailable'; why: string };

// The answer of `config.json`.
interface Config {
  issuer: string;
  authorization_endpoint: string;
  end_session_endpoint: string | null;
  client_id: string;
  scope: string;
  audience: string;
  claims: { tenant: string; role: string; groups: string };
}

// What a sign-in that is under way must remember until the issuer's answer arrives.
interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  // The part of the address behind `#`.
  place: string;
  silent: boolean;
}

interface Tokens {
  access: string;
  id: string | undefined;
  refresh: string | undefined;
  // The time at which another token is due, in milliseconds.
  dueAt: number;
}

interface TokenAnswer {
  access_token: string;
  id_token?: string;
  refresh_token?: string;
  expires_in?: number;
}

// The names in sessionStorage. It never has a token.
const PENDING = 'holdfast-sign-in';
const SIGNED_IN = 'holdfast-signed-in';
// A token is renewed so many seconds before its end, and is taken to last so long if the issuer
// does not say.
const EARLY_SECONDS = 30;
const ASSUMED_SECONDS = 300;

const listeners = new Set<() => void>();
let current: SessionState = { kind: 'signed-out' };
let config: Config | undefined;
let tokens: Tokens | undefined;
let renewal: Promise<void> | undefined;

export function state(): SessionState {
  return current;
}

// Subscribes to changes of the state. Returns what unsubscribes.
export function onChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function become(next: SessionState): void {
  current = next;
  for (const listener of listeners) listener();
}

// Reads the configuration and the issuer's answer in the address. A page that is loaded again
// signs in without a question, if the issuer still knows the person.
export async function begin(): Promise<void> {
  const answer = new URLSearchParams(location.search);
  const pending = takePending();
  if (location.search) history.replaceState(null, '', location.pathname + placeOf(pending));
  try {
    config = (await request('config.json')) as Config;
    if (answer.has('state')) await finish(answer, pending);
    else if (sessionStorage.getItem(SIGNED_IN)) await leave(true);
  } catch (error) {
    become({ kind: 'unavailable', why: error instanceof Problem ? error.detail : String(error) });
  }
}

function placeOf(pending: Pending | undefined): string {
  return pending?.place.startsWith('#') ? pending.place : location.hash;
}

function takePending(): Pending | undefined {
  const text = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  try {
    return text ? (JSON.parse(text) as Pending) : undefined;
  } catch {
    return undefined;
  }
}

// Reads the answer with which the issuer sent the person back.
async function finish(answer: URLSearchParams, pending: Pending | undefined): Promise<void> {
  if (!pending || answer.get('state') !== pending.state) {
    return signedOut('The answer belongs to another sign-in. Sign in again.');
  }
  const code = answer.get('code');
  if (!code) return signedOut(pending.silent ? undefined : refusal(answer.get('error')));
  try {
    const granted = await exchange({
      grant_type: 'authorization_code',
      code,
      code_verifier: pending.verifier,
      redirect_uri: redirectUri(),
    });
    checkIdToken(granted.id_token, pending.nonce);
    keep(granted);
  } catch (error) {
    signedOut(error instanceof Error ? error.message : String(error));
  }
}

// The codes are those of RFC 6749, section 4.1.2.1; a text of the issuer is not shown.
function refusal(code: string | null): string {
  const known = code && /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : '';
  return `The issuer did not sign you in${known}.`;
}

// Compares what binds the token to this sign-in. It came from the issuer by TLS, so that its
// signature need not be verified (OpenID Connect Core, section 3.1.3.7, rule 6).
export function checkIdToken(token: string | undefined, nonce: string): void {
  if (!token) throw new Error('The issuer sent no ID token: the scope must have openid.');
  const claims = claimsOf(token);
  const audience = [claims.aud].flat();
  const right =
    claims.nonce === nonce && claims.iss === config?.issuer && audience.includes(config?.client_id);
  if (!right) throw new Error('The ID token belongs to another sign-in.');
}

export function claimsOf(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.');
  const text = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function keep(granted: TokenAnswer): void {
  const seconds = granted.expires_in ?? ASSUMED_SECONDS;
  tokens = {
    access: granted.access_token,
    id: granted.id_token ?? tokens?.id,
    refresh: granted.refresh_token ?? tokens?.refresh,
    dueAt: Date.now() + Math.max(seconds - EARLY_SECONDS, seconds / 2) * 1000,
  };
  sessionStorage.setItem(SIGNED_IN, 'true');
  const person = personOf(granted.access_token);
  // The same person keeps what is on the page.
  if (JSON.stringify(current) !== JSON.stringify({ kind: 'signed-in', person }))
    become({ kind: 'signed-in', person });
}

// The person as the API reads the token.
function personOf(token: string): Person {
  let claims: Record<string, unknown>;
  try {
    claims = claimsOf(token);
  } catch {
    throw new Error('The issuer’s access token is no JWT, which the API needs.');
  }
  const names = config?.claims;
  const text = (name: string | undefined) => {
    const value = name === undefined ? undefined : claims[name];
    return typeof value === 'string' ? value : '';
  };
  const groups = names ? claims[names.groups] : undefined;
  return {
    subject: text('sub'),
    role: text(names?.role),
    tenant: text(names?.tenant) || null,
    groups: [groups].flat().filter((group) => typeof group === 'string'),
  };
}

function signedOut(why?: string): void {
  tokens = undefined;
  sessionStorage.removeItem(SIGNED_IN);
  become(why ? { kind: 'signed-out', why } : { kind: 'signed-out' });
}

// Leads to the issuer, and back to the present page.
export function signIn(): void {
  void leave(false);
}

async function leave(silent: boolean): Promise<void> {
  if (!config) return location.reload();
  const pending: Pending = {
    state: random(),
    nonce: random(),
    verifier: random(),
    place: location.hash,
    silent,
  };
  const verifier = new TextEncoder().encode(pending.verifier);
  const challenge = await crypto.subtle.digest('SHA-256', verifier);
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const to = new URL(config.authorization_endpoint);
  const query = {
    response_type: 'code',
    client_id: config.client_id,
    redirect_uri: redirectUri(),
    scope: config.scope,
    // Some issuers need it to make a token for the API; the others ignore it.
    audience: config.audience,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(challenge)),
    code_challenge_method: 'S256',
    ...(silent ? { prompt: 'none' } : {}),
  };
  for (const [name, value] of Object.entries(query)) to.searchParams.set(name, value);
  // A silent redirect leaves no entry in the browser's history, which would lead forward again.
  if (silent) location.replace(to);
  else location.assign(to);
  // The page is left.
  await new Promise(() => {});
}

export function signOut(): void {
  const id = tokens?.id;
  signedOut();
  if (!config?.end_session_endpoint) return;
  const to = new URL(config.end_session_endpoint);
  to.searchParams.set('client_id', config.client_id);
  to.searchParams.set('post_logout_redirect_uri', redirectUri());
  if (id) to.searchParams.set('id_token_hint', id);
  location.assign(to);
}

// Returns a token that is valid now. `fresh` asks for another one after the API refused the last.
export async function token(fresh = false): Promise<string> {
  const held = tokens;
  if (held && !fresh && Date.now() < held.dueAt) return held.access;
  // One renewal serves all requests that wait for it.
  renewal ??= renew().finally(() => {
    renewal = undefined;
  });
  await renewal;
  if (!tokens) throw new Error('signed out');
  return tokens.access;
}

async function renew(): Promise<void> {
  const held = tokens;
  if (!held) return;
  if (!held.refresh) {
    // A redirect would bring a token like one that the API refuses before its end, again and again.
    if (Date.now() < held.dueAt) return;
    return leave(true);
  }
  try {
    const granted = await exchange({ grant_type: 'refresh_token', refresh_token: held.refresh });
    // The person may have signed out meanwhile.
    if (tokens === held) keep(granted);
  } catch (error) {
    if (tokens !== held) return;
    // A server or a connection that fails ends no session.
    if (error instanceof Problem && error.passes) throw error;
    signedOut('Your session has ended. Sign in again: the address of this page is kept.');
  }
}

function exchange(body: Record<string, string>): Promise<TokenAnswer> {
  return request('token', body) as Promise<TokenAnswer>;
}

// A request to the console's own routes.
async function request(name: string, body?: unknown): Promise<unknown> {
  const init: RequestInit = { credentials: 'omit', cache: 'no-store' };
  if (body) {
    init.method = 'POST';
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let answer: Response;
  try {
    answer = await fetch(new URL(name, document.baseURI), init);
  } catch {
    throw offline();
  }
  const read: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw problemOf(answer.status, read);
  return read;
}

// The page itself: the issuer returns to no other address.
function redirectUri(): string {
  return location.origin + location.pathname;
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
