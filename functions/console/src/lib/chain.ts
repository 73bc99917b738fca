// Checks a range of a tenant's chain of digests, and the receipts that the digests list.
import { Refused, sha256, verified } from './evidence';

// A digest as `GET /v1/digests` lists it.
export interface ListedDigest {
  from: string;
  until: string;
  sha256: string;
  object: string;
}

interface Entry {
  object: string;
  sha256: string;
}

export interface Finding {
  object: string;
  why: string;
}

export interface Chain {
  // The digests that were checked, and the time that they cover without a gap.
  digests: number;
  from: string | undefined;
  until: string | undefined;
  receipts: Entry[];
  findings: Finding[];
}

// Verifies each digest, oldest first, and that each names the one before. `read` fetches the bytes
// of a digest.
export async function checkedChain(
  tenant: string,
  listed: readonly ListedDigest[],
  keys: unknown,
  read: (digest: ListedDigest) => Promise<Uint8Array>,
): Promise<Chain> {
  const chain: Chain = {
    digests: 0,
    from: listed[0]?.from,
    until: listed.at(-1)?.until,
    receipts: [],
    findings: [],
  };
  let before: { object: string; sha256: string; signature: unknown; until: string } | undefined;
  const places = new Set<string>();
  for (const digest of listed) {
    const fault = (why: string) => chain.findings.push({ object: digest.object, why });
    chain.digests += 1;
    try {
      const bytes = await read(digest);
      const file = await verified(bytes, 'digest', keys);
      const { content } = file;
      if (file.sha256 !== digest.sha256) fault('the list names another SHA-256 for it');
      if (content.tenant !== tenant)
        fault(`it is a digest of the tenant ${String(content.tenant)}`);
      if (content.from !== digest.from || content.until !== digest.until)
        fault(`it covers ${String(content.from)} to ${String(content.until)}`);
      if (before) follows(content, before, fault);
      for (const entry of content.receipts as Entry[]) {
        if (!entry.object.startsWith(`receipts/${tenant}/`))
          fault(`it lists ${entry.object}, which is no receipt of the tenant`);
        if (places.has(entry.object)) fault(`it lists ${entry.object} again`);
        places.add(entry.object);
        chain.receipts.push(entry);
      }
      before = {
        object: digest.object,
        sha256: file.sha256,
        signature: content.signature,
        until: digest.until,
      };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      fault(error.message);
      before = undefined;
    }
  }
  return chain;
}

function follows(
  content: Record<string, unknown>,
  before: { object: string; sha256: string; signature: unknown; until: string },
  fault: (why: string) => void,
): void {
  const previous = content.previous as Record<string, unknown> | undefined;
  if (content.from !== before.until)
    fault(`it does not begin at ${before.until}, where the one before ends`);
  if (
    previous?.object !== before.object ||
    previous?.sha256 !== before.sha256 ||
    previous?.signature !== before.signature
  )
    fault(`it does not name ${before.object} as the digest before it`);
}

// Verifies one receipt of a chain.
export async function checkedReceipt(
  entry: Entry,
  bytes: Uint8Array,
  keys: unknown,
): Promise<Finding | undefined> {
  const { object } = entry;
  const digest = await sha256(bytes);
  if (digest !== entry.sha256)
    return { object, why: `its SHA-256 is ${digest}, and the digest says ${entry.sha256}` };
  try {
    const { content } = await verified(bytes, 'receipt', keys);
    const name = `/${String(content.execution_id)}-${String(content.generation)}.json`;
    const right = object.startsWith(`receipts/${String(content.tenant)}/`) && object.endsWith(name);
    return right ? undefined : { object, why: 'it holds the receipt of another place' };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { object, why: error.message };
  }
}
