// The signed-in person: sign-in by OpenID Connect (authorization code with PKCE and nonce), tokens
// in memory only, their renewal, and sign-out.
import { offline, Problem, problemOf } from './api/problem';
import {
  type ClaimNames,
  type Client,
  checkIdToken,
  checkIssuer,
  type Person,
  personOf,
} from './lib/token';

export type SessionState =
  | { kind: 'signed-out'; why?: string }
  | { kind: 'signed-in'; person: Person }
  | { kind: 'unavailable'; why: string };

// The answer of `config.json`.
interface Config extends Client {
  authorization_endpoint: string;
  end_session_endpoint: string | null;
  scope: string;
  audience: string;
  // The name of the parameter that has the audience.
  audience_parameter: string;
  claims: ClaimNames;
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
  // The times of the grant, and at which another token is due, in milliseconds.
  grantedAt: number;
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
// A token that the API refuses is replaced, unless it is as new as this: the API would refuse the
// next one too. It is sent once more after a pause, since API Gateway refuses a token whose `iat`
// is not past, and the issuer's clock may be ahead by a second
// (docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html).
const NEW_SECONDS = 10;
const PAUSE_SECONDS = 2;

const listeners = new Set<() => void>();
let current: SessionState = { kind: 'signed-out' };
let config: Config | undefined;
let tokens: Tokens | undefined;
let renewal: Promise<void> | undefined;

export function state(): SessionState {
  return current;
}

// The name of the claim that has the role of a person.
export function roleClaim(): string {
  return config?.claims.role ?? 'role';
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
    if (answer.has('state')) await finish(answer, pending, config);
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
async function finish(
  answer: URLSearchParams,
  pending: Pending | undefined,
  client: Config,
): Promise<void> {
  if (!pending || answer.get('state') !== pending.state) {
    return signedOut('The answer belongs to another sign-in. Sign in again.');
  }
  try {
    checkIssuer(answer, client);
    const code = answer.get('code');
    if (!code) return signedOut(pending.silent ? undefined : refusal(answer.get('error')));
    const granted = await exchange({
      grant_type: 'authorization_code',
      code,
      code_verifier: pending.verifier,
      redirect_uri: redirectUri(),
    });
    checkIdToken(granted.id_token, pending.nonce, client);
    keep(granted, client);
  } catch (error) {
    signedOut(error instanceof Error ? error.message : String(error));
  }
}

// The codes are those of RFC 6749, section 4.1.2.1; a text of the issuer is not shown.
function refusal(code: string | null): string {
  const known = code && /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : '';
  return `The issuer did not sign you in${known}.`;
}

function keep(granted: TokenAnswer, client: Config): void {
  const seconds = granted.expires_in ?? ASSUMED_SECONDS;
  const now = Date.now();
  tokens = {
    access: granted.access_token,
    id: granted.id_token ?? tokens?.id,
    refresh: granted.refresh_token ?? tokens?.refresh,
    grantedAt: now,
    dueAt: now + Math.max(seconds - EARLY_SECONDS, seconds / 2) * 1000,
  };
  sessionStorage.setItem(SIGNED_IN, 'true');
  const person = personOf(granted.access_token, client.claims);
  // The same person keeps what is on the page.
  if (JSON.stringify(current) !== JSON.stringify({ kind: 'signed-in', person }))
    become({ kind: 'signed-in', person });
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
    // Some issuers need it to make a token for the API.
    [config.audience_parameter]: config.audience,
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
  // The second name is Amazon Cognito's
  // (docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html).
  for (const name of ['post_logout_redirect_uri', 'logout_uri'])
    to.searchParams.set(name, redirectUri());
  if (id) to.searchParams.set('id_token_hint', id);
  location.assign(to);
}

// Returns a token that is valid now. `refused` is one that the API refused.
export async function token(refused?: string): Promise<string> {
  const held = tokens;
  if (held && held.access !== refused && Date.now() < held.dueAt) return held.access;
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
  const client = config;
  if (!held || !client) return;
  const now = Date.now();
  if (now < held.dueAt && now < held.grantedAt + NEW_SECONDS * 1000)
    return new Promise((done) => setTimeout(done, PAUSE_SECONDS * 1000));
  if (!held.refresh) {
    // A redirect would bring a token like one that the API refuses before its end, again and again.
    if (now < held.dueAt) return;
    return leave(true);
  }
  try {
    const granted = await exchange({ grant_type: 'refresh_token', refresh_token: held.refresh });
    // The person may have signed out meanwhile.
    if (tokens === held) keep(granted, client);
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
