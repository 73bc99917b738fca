// What a page reads from the issuer's answers: the person of an access token, as the API reads it,
// and what binds an answer to this sign-in. The API verifies each token; a page decides nothing.
import { ROLES } from '../api/roles';

export interface Person {
  subject: string;
  // Empty if the token names no role of the API, or two, or anything but texts.
  role: string;
  tenant: string | null;
  groups: string[];
}

// The names of the claims that a deployment reads.
export interface ClaimNames {
  tenant: string;
  role: string;
  groups: string;
}

// The client and the issuer of a deployment.
export interface Client {
  issuer: string;
  client_id: string;
}

// Compares the issuer that an answer names with the deployment's. An issuer of RFC 9207 names
// itself in each answer, and another must not be taken for it (section 2.4).
export function checkIssuer(answer: URLSearchParams, client: Client): void {
  const named = answer.get('iss');
  if (named !== null && named !== client.issuer)
    throw new Error('The answer belongs to another issuer. Sign in again.');
}

// Compares what binds the token to this sign-in. It came from the issuer by TLS, so that its
// signature need not be verified (OpenID Connect Core, section 3.1.3.7, rule 6).
export function checkIdToken(token: string | undefined, nonce: string, client: Client): void {
  if (!token) throw new Error('The issuer sent no ID token: the scope must have openid.');
  let claims: Record<string, unknown>;
  try {
    claims = claimsOf(token);
  } catch {
    throw new Error('The issuer’s ID token is no JWT.');
  }
  const audience = [claims.aud].flat();
  const right =
    claims.nonce === nonce && claims.iss === client.issuer && audience.includes(client.client_id);
  if (!right) throw new Error('The ID token belongs to another sign-in.');
}

function claimsOf(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.');
  const text = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

// Returns the person of an access token, as the API reads it (docs/roles.md).
export function personOf(token: string, names: ClaimNames): Person {
  let claims: Record<string, unknown>;
  try {
    claims = claimsOf(token);
  } catch {
    throw new Error('The issuer’s access token is no JWT, which the API needs.');
  }
  // The API refuses a list with a member that is no text.
  const texts = (name: string) => {
    const values = [claims[name]].flat();
    return values.every((value) => typeof value === 'string') ? values : [];
  };
  const text = (name: string) => {
    const value = claims[name];
    return typeof value === 'string' ? value : '';
  };
  const roles = texts(names.role).filter((value) => ROLES.some((role) => role === value));
  return {
    subject: text('sub'),
    // Issuers name roles in a list too. Neither of two takes precedence.
    role: roles.length === 1 ? (roles[0] ?? '') : '',
    tenant: text(names.tenant) || null,
    groups: texts(names.groups),
  };
}
