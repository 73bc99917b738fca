// A request that failed: the API's problem document, or the reason why no answer came.
import type { ProblemDocument } from './types';

export type ProblemKind =
  | 'offline'
  | 'late'
  | 'expired'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  | 'refused'
  | 'broken'
  | 'failed';

export class Problem extends Error {
  constructor(
    readonly kind: ProblemKind,
    readonly title: string,
    readonly detail: string,
    readonly errors: readonly string[] = [],
    readonly status: number | null = null,
  ) {
    super(`${title}: ${detail}`);
  }

  // True if the same request may succeed later without a change.
  get passes(): boolean {
    return this.kind === 'offline' || this.kind === 'late' || this.kind === 'broken';
  }

  // What the reader can do about it.
  get advice(): string {
    return ADVICE[this.kind];
  }
}

const ADVICE: Readonly<Record<ProblemKind, string>> = {
  offline: 'Check your connection. The console keeps trying.',
  late: 'The API takes long to answer. The console keeps trying.',
  broken: 'The API cannot answer now. The console keeps trying.',
  expired: 'Sign in again. The address of this page is kept.',
  forbidden: 'Your role does not permit this. A platform admin can say who may.',
  missing: 'Check the address, and that the right tenant is chosen.',
  conflict: 'The state does not permit this now. Read what is named before you repeat it.',
  refused: 'Correct what is named, then repeat it.',
  failed: 'If it happens again, tell the operator of this deployment.',
};

export function offline(): Problem {
  return new Problem('offline', 'No connection', 'The API cannot be reached.');
}

export function late(seconds: number): Problem {
  return new Problem('late', 'No answer', `The API did not answer within ${seconds} seconds.`);
}

// The problem of an answer that is no success.
export function problemOf(status: number, body: unknown): Problem {
  const document = (typeof body === 'object' && body !== null ? body : {}) as Partial<
    ProblemDocument & { message: string }
  >;
  const title = document.title ?? TITLES[status] ?? `Answer ${status}`;
  const detail =
    document.detail ??
    (status === 401 ? REFUSED : document.message) ??
    'The answer has no explanation.';
  return new Problem(kindOf(status, document.retryable), title, detail, document.errors, status);
}

// API Gateway says nothing but `Unauthorized`.
const REFUSED =
  'The API refuses the token of your sign-in. If it refuses the next one too, an issuer, audience or clock is wrong: tell the operator of this deployment.';

const TITLES: Record<number, string> = {
  401: 'Authentication required',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  429: 'Too many requests',
  502: 'Unavailable',
  503: 'Unavailable',
  504: 'Unavailable',
};

function kindOf(status: number, retryable = false): ProblemKind {
  if (status === 401) return 'expired';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'missing';
  if (status === 409 && !retryable) return 'conflict';
  return status >= 500 || status === 429 || retryable ? 'broken' : 'refused';
}

// Any thrown value as a problem. The text of an error can quote an answer, so that no page shows
// it: the browser's own tools have it.
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  reportError(error);
  return failed('The console failed');
}

// The problem of an error in the console, or of an answer that it does not expect.
export function failed(title: string): Problem {
  return new Problem(
    'failed',
    title,
    'The console has an error, or the API answered in a form that it does not know.',
  );
}
