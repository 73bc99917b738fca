// The signed-in person: sign-in, the token in memory, its renewal, and sign-out.

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

const listeners = new Set<() => void>();

export function state(): SessionState {
  return { kind: 'unavailable', why: 'This build has no sign-in.' };
}

// Subscribes to changes of the state. Returns what unsubscribes.
export function onChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Reads the configuration and the issuer's answer in the address.
export async function begin(): Promise<void> {}

// Leads to the issuer, and back to the present page.
export function signIn(): void {}

export function signOut(): void {}

// Returns a token that is valid now. `fresh` asks for another one after the API refused the last.
export async function token(_fresh = false): Promise<string> {
  return '';
}
