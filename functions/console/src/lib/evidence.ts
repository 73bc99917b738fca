// Verifies receipts and digests by WebCrypto by the rules of docs/receipts.md: a detached JWS over
// the canonical JSON, by a key of the deployment or by a short-lived key that such a key certified.
import { canonical } from './canonical';

export type FileKind = 'receipt' | 'digest';
type Kind = FileKind | 'certificate';

export interface Jwk {
  kty: string;
  crv: string;
  x: string;
  y: string;
}

// What a certificate says of its short-lived key.
export interface Certificate {
  deployment: string;
  function_version: string;
  jwk: Jwk;
  not_after: string;
  not_before: string;
}

export interface Verified {
  content: Record<string, unknown>;
  sha256: string;
  // The id of the key of the key set that signed the file, or the certificate.
  kid: string;
  certificate: Certificate | undefined;
}

const CERTIFICATE_MEMBERS = 'deployment,function_version,jwk,not_after,not_before';
// The longest time that a certificate may cover, in nanoseconds.
const LONGEST_CERTIFICATE = 2n * 3_600_000_000_000n;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// Why a file is refused.
export class Refused extends Error {}

// Verifies the bytes of a file by a JSON Web Key Set. Throws `Refused` with the reason.
export async function verified(
  bytes: Uint8Array,
  kind: FileKind,
  keys: unknown,
): Promise<Verified> {
  const { content, signature, payload } = opened(bytes);
  expect(
    content.format === `holdfast.${kind}/1`,
    `its format is ${JSON.stringify(content.format)}, and not holdfast.${kind}/1`,
  );
  const [header, empty, value, more] = signature.split('.');
  expect(
    header !== undefined && empty === '' && value !== undefined && more === undefined,
    'its signature is no detached JWS, header..signature',
  );
  const set = await keySet(keys);
  const signer =
    kind === 'receipt' && 'certificate' in content ? await certified(content, set) : null;
  const allowed = signer
    ? new Map([[await thumbprint(signer.certificate.jwk), signer.certificate.jwk]])
    : set;
  const kid = await verifyParts(header ?? '', payload, value ?? '', kind, allowed);
  return {
    content,
    sha256: await sha256(bytes),
    kid: signer?.kid ?? kid,
    certificate: signer?.certificate,
  };
}

// The parts of a sealed file. It must be canonical to the byte, so that no two readers read
// different things under one signature.
export function opened(bytes: Uint8Array): {
  content: Record<string, unknown>;
  signature: string;
  payload: Uint8Array;
} {
  const content = parsed(text(bytes));
  expect(
    typeof content === 'object' && content !== null && !Array.isArray(content),
    'it is no JSON object',
  );
  const { signature, ...rest } = content as Record<string, unknown>;
  expect(
    canonical(content) === text(bytes),
    'it is not the canonical JSON (RFC 8785) that was signed',
  );
  expect(typeof signature === 'string', 'it has no signature');
  return {
    content: content as Record<string, unknown>,
    signature: signature as string,
    payload: new TextEncoder().encode(canonical(rest)),
  };
}

async function certified(
  receipt: Record<string, unknown>,
  keys: Map<string, Jwk>,
): Promise<{ certificate: Certificate; kid: string }> {
  const jws = receipt.certificate;
  const parts = typeof jws === 'string' ? jws.split('.') : [];
  expect(parts.length === 3, 'its certificate is no compact JWS, header.payload.signature');
  const [header = '', body = '', signature = ''] = parts;
  const payload = decoded(body, 'the payload of its certificate');
  const kid = await verifyParts(header, payload, signature, 'certificate', keys);
  const certificate = parsed(text(payload)) as Certificate;
  expect(
    isRecord(certificate) &&
      Object.keys(certificate).sort().join() === CERTIFICATE_MEMBERS &&
      isJwk(certificate.jwk) &&
      canonical(certificate) === text(payload),
    'its certificate has other members than a certificate has',
  );
  expect(
    certificate.deployment === receipt.deployment,
    `its certificate is of the deployment ${certificate.deployment}, and its own is ${String(receipt.deployment)}`,
  );
  const first = time(certificate.not_before);
  const last = time(certificate.not_after);
  const ended = time(receipt.timestamp);
  expect(
    last >= first && last - first <= LONGEST_CERTIFICATE,
    'its certificate is for more than two hours',
  );
  expect(
    ended >= first && ended <= last,
    `its timestamp ${String(receipt.timestamp)} is outside of its certificate’s time, ` +
      `${certificate.not_before} to ${certificate.not_after}`,
  );
  return { certificate, kid };
}

// Verifies one JWS. The header must be exactly the one that the deployment writes: an extension
// would have to be understood.
async function verifyParts(
  header: string,
  payload: Uint8Array,
  signature: string,
  kind: Kind,
  keys: Map<string, Jwk>,
): Promise<string> {
  const whose = kind === 'certificate' ? 'its certificate' : 'it';
  const headerText = text(decoded(header, 'the header of its signature'));
  const read = parsed(headerText);
  const kid = isRecord(read) && typeof read.kid === 'string' ? read.kid : '';
  const right = canonical({ alg: 'ES256', kid, typ: `holdfast-${kind}+jws` });
  expect(headerText === right, `the header of the signature of ${whose} is not that of a ${kind}`);
  const jwk = keys.get(kid);
  if (!jwk) throw new Refused(`${whose} is signed by the key ${kid}, which is not in the key set`);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('jwk', { ...jwk }, algorithm, false, ['verify']);
  const input = new TextEncoder().encode(`${header}.${base64url(payload)}`);
  const valid = await crypto.subtle.verify(
    { name: 'ECDSA', hash: 'SHA-256' },
    key,
    bytesOf(decoded(signature, 'its signature')),
    input,
  );
  expect(valid, `${whose} was changed after the key ${kid} signed it`);
  return kid;
}

// The keys of a set by their thumbprints, which are their ids.
async function keySet(set: unknown): Promise<Map<string, Jwk>> {
  const listed = isRecord(set) && Array.isArray(set.keys) ? set.keys.filter(isJwk) : [];
  expect(listed.length > 0, 'the key set has no key of P-256');
  return new Map(
    await Promise.all(listed.map(async (jwk) => [await thumbprint(jwk), publicHalf(jwk)] as const)),
  );
}

function publicHalf({ kty, crv, x, y }: Jwk): Jwk {
  return { kty, crv, x, y };
}

function isJwk(value: unknown): value is Jwk {
  return (
    isRecord(value) &&
    value.kty === 'EC' &&
    value.crv === 'P-256' &&
    typeof value.x === 'string' &&
    typeof value.y === 'string'
  );
}

// RFC 7638.
async function thumbprint({ crv, kty, x, y }: Jwk): Promise<string> {
  const bytes = new TextEncoder().encode(canonical({ crv, kty, x, y }));
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(bytes)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// WebCrypto takes no view of a shared buffer.
function bytesOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function expect(right: boolean, why: string): void {
  if (!right) throw new Refused(why);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Refused('it is not UTF-8');
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Refused('it is not JSON');
  }
}

// A time in UTC (RFC 3339), in nanoseconds: a date of the browser drops all below a millisecond.
function time(value: unknown): bigint {
  const text = typeof value === 'string' ? value : '';
  const [, seconds = '', fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  const at = Date.parse(`${seconds}Z`);
  expect(!Number.isNaN(at), `${String(value)} is no time in UTC`);
  return BigInt(at) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

function decoded(part: string, what: string): Uint8Array {
  expect(/^[A-Za-z0-9_-]*$/.test(part), `${what} is not base64url`);
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  // Another last character could stand for the same bytes.
  expect(base64url(bytes) === part, `${what} is not base64url`);
  return bytes;
}

export function base64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
